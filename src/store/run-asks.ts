import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Disposable } from '../core/events.ts';
import type { Clock, LeaderRequest } from '../core/ports.ts';
import { isRecord } from '../core/run/plain-data.ts';
import { taskId } from '../core/task.ts';
import { FolderWatch } from './folder-watch.ts';
import { readPlainFile } from './plain-file.ts';

const LOOK_EVERY_MS = 1000;
/** What was asked of the leader before this one, so shortly before that nobody can have done it. */
const LATE_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
const LINE_FEED = 0x0a;

/** Writes a wish down for the window that leads a run. Throws what the file system throws. */
export async function writeAsk(file: string, request: LeaderRequest, at: number): Promise<void> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const handle = await open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    // In one write, so that the wishes of two windows stay apart; the break before it ends what was left half.
    await handle.appendFile(`\n${JSON.stringify({ at, ...request })}\n`);
  } finally {
    await handle.close();
  }
}

/** Hears what other windows ask of the one that leads a run, each wish once and in order. */
export class RunAsks implements Disposable {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #onAsk: (request: LeaderRequest) => void;
  readonly #since: number;
  readonly #watch: FolderWatch;
  #timer: Disposable | undefined;
  #offset = 0;
  #looking: Promise<void> | undefined;
  #isDisposed = false;

  constructor(file: string, clock: Clock, onAsk: (request: LeaderRequest) => void) {
    this.#file = file;
    this.#clock = clock;
    this.#onAsk = onAsk;
    this.#since = clock.now() - LATE_MS;
    this.#watch = new FolderWatch(dirname(file), (name) => {
      if (name === null || name === basename(file)) void this.look();
    });
    this.#tick();
  }

  /** Looks now; resolves when everything that was asked before the call has been told. */
  async look(): Promise<void> {
    // One that goes on may have looked too early.
    await this.#looking;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#timer?.dispose();
    this.#watch.dispose();
  }

  #tick(): void {
    if (this.#isDisposed) return;
    this.#watch.ensure();
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => this.#tick());
    void this.look();
  }

  async #look(): Promise<void> {
    const part = await readPlainFile(this.#file, this.#offset, MAX_BYTES);
    if (part === undefined) return;
    const end = part.bytes.lastIndexOf(LINE_FEED) + 1;
    // A line without an end that is longer than all of this is nobody's wish.
    this.#offset += end === 0 && part.bytes.length === MAX_BYTES ? MAX_BYTES : end;
    for (const line of part.bytes.toString('utf8', 0, end).split('\n')) {
      const asked = parseAsk(line);
      if (asked !== undefined && asked.at >= this.#since && !this.#isDisposed) this.#onAsk(asked.request);
    }
  }
}

/** Undefined for whatever `writeAsk` cannot have written. */
function parseAsk(line: string): { readonly at: number; readonly request: LeaderRequest } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { at, ask, id } = value;
  if (typeof at !== 'number') return undefined;
  if (ask === 'stopRun' || ask === 'pause' || ask === 'goOn') return { at, request: { ask } };
  if ((ask === 'stopTask' || ask === 'requeue') && typeof id === 'string' && id !== '') {
    return { at, request: { ask, id: taskId(id) } };
  }
  return undefined;
}
