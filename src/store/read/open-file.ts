import {
  closeSync,
  fstatSync,
  openSync,
  read,
  readSync,
  statSync,
  type BigIntStats,
} from 'node:fs';
import { promisify } from 'node:util';
import { isAbsence } from '../../disk/file-fault.ts';
import { READ_FLAGS } from '../../disk/read-whole.ts';

/**
 * Larger files are read in pieces off the main thread; for smaller ones a single call is cheaper
 * and the window shorter.
 */
const READ_AT_ONCE = 8 * 1024 * 1024;
const PIECE = 4 * 1024 * 1024;
const readAsync = promisify(read);

/** The path exists but is not a file: a folder, a pipe, a device. */
class NotAFile extends Error {}

/**
 * A file that other processes write, opened for reading only.
 *
 * On POSIX the descriptor is kept until another file is at the path: closing any descriptor of a
 * file drops all locks of this process on it, those of other extensions included. On Windows, where
 * that is not so but an open handle keeps a deleted file's name in use, no handle stays open after
 * `release`.
 */
export class OpenFile {
  readonly path: string;
  readonly #keep: boolean;
  #fd: number | undefined;
  #stat: BigIntStats | undefined;

  /** No link is followed: `path` is the real one. */
  constructor(path: string, keep = process.platform !== 'win32') {
    this.path = path;
    this.#keep = keep;
  }

  /**
   * Opens the file at the path; false where there is none. Throws the errors of the file system,
   * and `NotAFile`.
   */
  open(): boolean {
    const found = this.#look();
    if (found !== undefined && this.#fd !== undefined && isSameFile(found, this.#stat)) return true;
    // Opening a device may do something.
    if (found !== undefined && !found.isFile()) throw new NotAFile(`${this.path} is not a file`);
    const old = this.#fd;
    this.#fd = undefined;
    try {
      if (found === undefined) return false;
      const fd = openSync(this.path, READ_FLAGS);
      this.#fd = fd;
      this.#stat = fstatSync(fd, { bigint: true });
      // It may have been replaced since the look.
      if (!this.#stat.isFile()) throw new NotAFile(`${this.path} is not a file`);
      return true;
    } catch (error) {
      if (isAbsence(error)) return false;
      throw error;
    } finally {
      if (old !== undefined) closeQuietly(old);
    }
  }

  /** The stat of the path, where it is still the opened file; else undefined. */
  statIfCurrent(): BigIntStats | undefined {
    const found = this.#look();
    return found !== undefined && this.#fd !== undefined && isSameFile(found, this.#stat)
      ? found
      : undefined;
  }

  /** True where the path does not exist, even if a deleted file is still open. */
  isAbsent(): boolean {
    return this.#look() === undefined;
  }

  /** The stat of the opened file, even if it was moved. */
  stat(): BigIntStats {
    return fstatSync(this.#opened(), { bigint: true });
  }

  /** Up to `length` bytes from `position`; fewer at the end of the file. */
  readSome(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readInto(this.#opened(), bytes, position));
  }

  /** The bytes from `position` to `end`; fewer at the end of the file. */
  async readTo(position: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, end - position));
    if (bytes.length <= READ_AT_ONCE)
      return bytes.subarray(0, readInto(this.#opened(), bytes, position));
    let done = 0;
    while (done < bytes.length) {
      const length = Math.min(PIECE, bytes.length - done);
      const { bytesRead } = await readAsync(this.#opened(), bytes, done, length, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  /** After a read: closes the handle where it is not to be kept. */
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
    if (this.#fd === undefined)
      throw new Error(`Internal error: ${this.path} is read without being open`);
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

/** A failing close loses nothing, since the descriptor is read-only. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The descriptor is released all the same.
  }
}

function isSameFile(a: BigIntStats, b: BigIntStats | undefined): boolean {
  return b !== undefined && a.ino === b.ino && a.dev === b.dev;
}
