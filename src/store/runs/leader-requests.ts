import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Disposable } from '../../core/events.ts';
import type { Clock, LeaderRequest } from '../../core/ports.ts';
import { anyOf, finite, listOf, natural, objectOf, oneOf, parseAs } from '../../core/shape.ts';
import { decisionShape } from '../../core/run/journal/journal-decision.ts';
import { taskIdShape as id } from '../../core/task-id-shape.ts';
import { PolledFolderWatch } from '../files/polled-folder-watch.ts';
import { readPlainFile } from '../../disk/plain-file.ts';

/** A request this recent cannot have been handled by the leader before. */
const LATE_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

/** Writes a request for the window that leads a run. Throws the errors of the file system. */
export async function writeLeaderRequest(
  file: string,
  request: LeaderRequest,
  at: number,
): Promise<void> {
  // Never through a link, and without waiting for a pipe. Windows has no such flags: they count as
  // 0.
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    // One write, so that requests of two windows do not mix; the leading line feed ends an
    // incomplete line.
    await handle.appendFile(`\n${JSON.stringify({ at, ...request })}\n`);
  } finally {
    await handle.close();
  }
}

/** Receives the requests of other windows to the leader of a run, each once and in order. */
export class LeaderRequests implements Disposable {
  readonly #file: string;
  readonly #onRequest: (request: LeaderRequest) => void;
  readonly #since: number;
  readonly #looks: PolledFolderWatch;
  #offset = 0;

  constructor(file: string, clock: Clock, onRequest: (request: LeaderRequest) => void) {
    this.#file = file;
    this.#onRequest = onRequest;
    this.#since = clock.now() - LATE_MS;
    this.#looks = new PolledFolderWatch({
      folder: dirname(file),
      clock,
      look: () => this.#look(),
      concerns: (name) => name === basename(file),
    });
  }

  /** Looks now; resolves when every request that was written before the call has been delivered. */
  look(): Promise<void> {
    return this.#looks.look();
  }

  dispose(): void {
    this.#looks.dispose();
  }

  async #look(): Promise<void> {
    const part = await readPlainFile(this.#file, this.#offset, MAX_BYTES);
    if (part === undefined) return;
    const end = part.bytes.lastIndexOf(LINE_FEED) + 1;
    // A longer line without an end is not a request: it is skipped.
    this.#offset += end === 0 && part.bytes.length === MAX_BYTES ? MAX_BYTES : end;
    for (const line of part.bytes.toString('utf8', 0, end).split('\n')) {
      const request = parseAs(REQUEST, line);
      const { at } = parseAs(AT, line) ?? { at: -Infinity };
      if (request !== undefined && at >= this.#since && !this.#looks.isDisposed)
        this.#onRequest(request);
    }
  }
}

const REQUEST = anyOf<LeaderRequest>(
  objectOf({ ask: oneOf('stopRun', 'pause', 'goOn') }),
  objectOf({ ask: oneOf('stopTask', 'requeue'), id }),
  objectOf({ ask: oneOf('stopWave'), wave: natural }),
  objectOf({ ask: oneOf('noteDecision'), ids: listOf(id), decision: decisionShape }),
);
const AT = objectOf({ at: finite });
