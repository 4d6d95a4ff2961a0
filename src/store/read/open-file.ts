import { closeSync, fstatSync, openSync, read, readSync, statSync, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';

/** Above this a file is read in pieces off the main thread; below, one short call is cheaper and the window smaller. */
const READ_AT_ONCE = 8 * 1024 * 1024;
const PIECE = 4 * 1024 * 1024;
const readAsync = promisify(read);

/** A file that is there, but cannot be opened as one: a folder, a pipe, a device. */
class NotAFile extends Error {}

/**
 * A file that somebody else writes, opened for reading only.
 *
 * On POSIX the descriptor is kept until another file has taken its path: closing any descriptor of a file drops the locks
 * that this whole process has on it, those of other extensions included. On Windows, where that is not so but an open handle
 * keeps a deleted file's name alive, nothing stays open after `release`.
 */
export class OpenFile {
  readonly path: string;
  readonly #keep: boolean;
  #fd: number | undefined;
  #stat: BigIntStats | undefined;

  constructor(path: string, keep = process.platform !== 'win32') {
    this.path = path;
    this.#keep = keep;
  }

  /** Opens what is at the path now; false where nothing is. Throws what the file system throws, and `NotAFile`. */
  open(): boolean {
    const found = this.#look();
    if (found !== undefined && this.#fd !== undefined && isSameFile(found, this.#stat)) return true;
    // A pipe must not even be opened: that would wait for its writer for ever.
    if (found !== undefined && !found.isFile()) throw new NotAFile(`${this.path} is not a file`);
    const old = this.#fd;
    this.#fd = undefined;
    try {
      if (found === undefined) return false;
      const fd = openSync(this.path, 'r');
      this.#fd = fd;
      this.#stat = fstatSync(fd, { bigint: true });
      return true;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw error;
    } finally {
      if (old !== undefined) closeQuietly(old);
    }
  }

  /** What is at the path now, where that is the opened file still; undefined where it is another or none. */
  statIfCurrent(): BigIntStats | undefined {
    const found = this.#look();
    return found !== undefined && this.#fd !== undefined && isSameFile(found, this.#stat) ? found : undefined;
  }

  /** True where nothing is at the path, whatever is held open. */
  isAbsent(): boolean {
    return this.#look() === undefined;
  }

  /** Of the opened file, wherever it is now. */
  stat(): BigIntStats {
    return fstatSync(this.#opened(), { bigint: true });
  }

  /** Up to `length` bytes from `position`; fewer where the file ends. */
  readSome(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readInto(this.#opened(), bytes, position));
  }

  /** The bytes from `position` to `end`; fewer where the file ends before that. */
  async readTo(position: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, end - position));
    if (bytes.length <= READ_AT_ONCE) return bytes.subarray(0, readInto(this.#opened(), bytes, position));
    let done = 0;
    while (done < bytes.length) {
      const length = Math.min(PIECE, bytes.length - done);
      const { bytesRead } = await readAsync(this.#opened(), bytes, done, length, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  /** After a read: closes the handle where none is to be kept. */
  release(): void {
    if (!this.#keep) this.close();
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeQuietly(fd);
  }

  #look(): BigIntStats | undefined {
    try {
      return statSync(this.path, { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  #opened(): number {
    if (this.#fd === undefined) throw new Error(`Internal error: ${this.path} is read without being open`);
    return this.#fd;
  }
}

function readInto(fd: number, bytes: Uint8Array, position: number): number {
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(fd, bytes, done, bytes.length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Nothing was written through the descriptor, so there is nothing that a failing close could lose. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The number is free again all the same.
  }
}

function isSameFile(a: BigIntStats, b: BigIntStats | undefined): boolean {
  return b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

function isAbsence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
