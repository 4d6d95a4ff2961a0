import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import type { Disposable } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';

/** The chunk size, and the most that is read of a long log: far more than a terminal keeps. */
export const STEP_BYTES = 256 * 1024;
/** Faster output than this is not shown completely. */
const MAX_BEHIND = 4 * 1024 * 1024;
const LINE_FEED = 0x0a;
/**
 * A log lies in a folder that others may fill: neither a link is followed nor a pipe waited for.
 * Windows has no such flags: they count as 0.
 */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface LogTailOptions {
  /** Absolute; it need not exist yet. */
  readonly file: string;
  readonly clock: Pick<Clock, 'after'>;
  /** A log of lines: what is skipped ends with a line, however long it is. */
  readonly wholeLines: boolean;
  /** Some more bytes, which may end within a character or a line. */
  readonly onBytes: (bytes: Uint8Array) => void;
  /**
   * What comes next does not continue where the last bytes ended: some were left out, or the file
   * was started again.
   */
  readonly onGap: (why: 'skipped' | 'begunAnew') => void;
  /** The file cannot be read; reported once for each reason. */
  readonly onFault: (detail: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/**
 * Reads a file that grows: from its beginning, or of a long one its last 256 KiB from the next line
 * on.
 *
 * A file that is not there (yet, or any more) is nothing to read. One that became shorter, or is
 * another one of the same name, is read again. It reads in small steps, so that the event loop
 * stays free.
 */
export class LogTail implements Disposable {
  readonly #options: LogTailOptions;
  /** What is read next, in bytes. */
  #position = 0;
  #inode: number | undefined;
  /** How many bytes may still be dropped in search of the end of a line that was cut. */
  #cutting = 0;
  #isThere = false;
  readonly #faults = new Set<string>();
  #everyMs: number | undefined;
  #timer: Disposable | undefined;
  #disposed = false;
  /** Steps run one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: LogTailOptions) {
    this.#options = options;
  }

  /** Whether the file was there when it was looked at last. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** Looks at once and then so often; calling it again changes how often. */
  follow(everyMs: number): void {
    this.#everyMs = everyMs;
    this.#timer?.dispose();
    this.#look();
  }

  /** Reads what is there now. Rejects only for a bug in a listener. */
  flush(): Promise<void> {
    const reading = this.#last.then(() => this.#readAll());
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  dispose(): void {
    this.#disposed = true;
    this.#timer?.dispose();
  }

  #look(): void {
    this.flush()
      .catch(this.#options.reportBug)
      .finally(() => {
        if (this.#disposed || this.#everyMs === undefined) return;
        // Only one timer, also when two looks were under way.
        this.#timer?.dispose();
        this.#timer = this.#options.clock.after(this.#everyMs, () => this.#look());
      });
  }

  async #readAll(): Promise<void> {
    for (let bytes = await this.#readSome(); bytes !== undefined; bytes = await this.#readSome())
      this.#deliver(bytes);
  }

  /** The next bytes; undefined where there is nothing more to read now, or after `dispose`. */
  async #readSome(): Promise<Uint8Array | undefined> {
    if (this.#disposed) return undefined;
    const { file } = this.#options;
    const measured = await this.#attempt(() => measure(file));
    if (measured === undefined || this.#isOver()) return undefined;
    const { size, ino } = measured;
    this.#isThere = true;
    if (size < this.#position || (this.#position > 0 && ino !== this.#inode)) this.#beginAnew();
    this.#inode = ino;
    const behind = size - this.#position;
    if (behind > (this.#position === 0 ? STEP_BYTES : MAX_BEHIND)) this.#skipTo(size - STEP_BYTES);
    const from = this.#position;
    const length = Math.min(STEP_BYTES, size - from);
    const bytes = length === 0 ? undefined : await this.#attempt(() => readAt(file, from, length));
    if (bytes === undefined || bytes.length === 0 || this.#isOver()) return undefined;
    this.#position = from + bytes.length;
    return bytes;
  }

  /** Asked anew after every wait. */
  #isOver(): boolean {
    return this.#disposed;
  }

  async #attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      this.#complain(error);
      return undefined;
    }
  }

  #beginAnew(): void {
    this.#position = 0;
    this.#cutting = 0;
    this.#options.onGap('begunAnew');
  }

  #skipTo(position: number): void {
    this.#position = position;
    this.#cutting = this.#options.wholeLines ? Infinity : STEP_BYTES;
    this.#options.onGap('skipped');
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#cutting === 0) {
      this.#options.onBytes(bytes);
      return;
    }
    const lineEnd = bytes.indexOf(LINE_FEED);
    this.#cutting = lineEnd >= 0 ? 0 : Math.max(0, this.#cutting - bytes.length);
    if (lineEnd >= 0 && lineEnd + 1 < bytes.length)
      this.#options.onBytes(bytes.subarray(lineEnd + 1));
  }

  #complain(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    this.#isThere = code !== 'ENOENT';
    // What comes back under this name is another file, even where the system gives it the same
    // number.
    if (!this.#isThere) this.#inode = undefined;
    const reason = code ?? message;
    if (code === 'ENOENT' || this.#faults.has(reason)) return;
    this.#faults.add(reason);
    this.#options.onFault(message);
  }
}

async function measure(file: string): Promise<{ readonly size: number; readonly ino: number }> {
  const stats = await lstat(file);
  if (!stats.isFile()) throw new Error(`${file} is no ordinary file`);
  return stats;
}

/** At most `length` bytes: fewer where the file ends before. */
async function readAt(file: string, position: number, length: number): Promise<Uint8Array> {
  const handle = await open(file, OPEN_FLAGS);
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
