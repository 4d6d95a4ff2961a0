import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Disposable } from '../../core/events.ts';
import type { Clock, LeaderRequest } from '../../core/ports.ts';
import { isRecord } from '../../core/shape.ts';
import { taskId } from '../../core/task.ts';
import { PolledFolderWatch } from '../files/polled-folder-watch.ts';
import { readPlainFile } from '../files/plain-file.ts';

/** What was asked of the leader before this one, so shortly before that nobody can have done it. */
const LATE_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

/** Writes a wish down for the window that leads a run. Throws what the file system throws. */
export async function writeLeaderRequest(file: string, request: LeaderRequest, at: number): Promise<void> {
  // Neither a link nor a pipe that somebody put there is followed or waited for. Windows has no such flags: they count as 0.
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const handle = await open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    // In one write, so that the wishes of two windows stay apart; the break before it ends what was left half.
    await handle.appendFile(`\n${JSON.stringify({ at, ...request })}\n`);
  } finally {
    await handle.close();
  }
}

/** Hears what other windows ask of the one that leads a run, each wish once and in order. */
export class LeaderRequests implements Disposable {
  readonly #file: string;
  readonly #onAsk: (request: LeaderRequest) => void;
  readonly #since: number;
  readonly #looks: PolledFolderWatch;
  #offset = 0;

  constructor(file: string, clock: Clock, onAsk: (request: LeaderRequest) => void) {
    this.#file = file;
    this.#onAsk = onAsk;
    this.#since = clock.now() - LATE_MS;
    this.#looks = new PolledFolderWatch({
      ...{ folder: dirname(file), clock, look: () => this.#look() },
      concerns: (name) => name === basename(file),
    });
  }

  /** Looks now; resolves when everything that was asked before the call has been told. */
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
    // A line without an end that is longer than all of this is nobody's wish.
    this.#offset += end === 0 && part.bytes.length === MAX_BYTES ? MAX_BYTES : end;
    for (const line of part.bytes.toString('utf8', 0, end).split('\n')) {
      const asked = parseLeaderRequest(line);
      if (asked !== undefined && asked.at >= this.#since && !this.#looks.isDisposed) this.#onAsk(asked.request);
    }
  }
}

/** Undefined for whatever `writeAsk` cannot have written. */
function parseLeaderRequest(line: string): { readonly at: number; readonly request: LeaderRequest } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { at, ask, id, wave } = value;
  if (typeof at !== 'number') return undefined;
  if (ask === 'stopRun' || ask === 'pause' || ask === 'goOn') return { at, request: { ask } };
  if ((ask === 'stopTask' || ask === 'requeue') && typeof id === 'string' && id !== '') {
    return { at, request: { ask, id: taskId(id) } };
  }
  if (ask === 'stopWave' && typeof wave === 'number' && Number.isSafeInteger(wave) && wave >= 0) {
    return { at, request: { ask, wave } };
  }
  return undefined;
}
