import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { fail, ok, type Result } from '../core/result.ts';
import { faultOfError, isAbsence, type FileFault } from './file-fault.ts';
import { realWithin } from './within.ts';

export interface ReadLimits {
  /** A larger file is a fault, after one byte more than this was read. */
  readonly mostBytes: number;
  /** The folder that links may not lead out of. Without it no link is followed. */
  readonly root?: string;
}

/** A file as it was read. */
export interface WholeFile {
  readonly bytes: Buffer<ArrayBuffer>;
  /** With all links resolved. */
  readonly path: string;
  /** Of the open file, before the read. */
  readonly stat: BigIntStats;
}

/**
 * To open a file for reading: without waiting for a pipe, and never through a link, whose target
 * has been looked up and checked before. Windows has no such flags: they count as 0.
 */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The first read of a file that does not tell its size, such as those of `/proc`. */
const FIRST_BYTES = 64 * 1024;

/**
 * Reads a file that others may have written, whatever it is: only a plain file, and never more of
 * it than the limit. Undefined where it does not exist. The size that it tells is not believed.
 */
export async function readWhole(
  file: string,
  limits: ReadLimits,
): Promise<Result<WholeFile | undefined, FileFault>> {
  let handle: FileHandle | undefined;
  try {
    const path = pathOf(file, limits);
    if (path === undefined) return ok(undefined);
    handle = await open(path, READ_FLAGS);
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) return fail(NOT_A_FILE);
    const reading = new Reading(Number(stat.size), limits);
    for (let count = 1; count > 0;) {
      const { bytes, length } = reading.room();
      count = (await handle.read(bytes, length, bytes.length - length, length)).bytesRead;
      if (!reading.took(count)) return fail(tooLarge(limits.mostBytes));
    }
    return ok({ bytes: reading.bytes, path, stat });
  } catch (error) {
    return absentOr(error);
  } finally {
    await handle?.close();
  }
}

/** As `readWhole`, at once: for small files. */
export function readWholeSync(
  file: string,
  limits: ReadLimits,
): Result<WholeFile | undefined, FileFault> {
  let fd: number | undefined;
  try {
    const path = pathOf(file, limits);
    if (path === undefined) return ok(undefined);
    fd = openSync(path, READ_FLAGS);
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) return fail(NOT_A_FILE);
    const reading = new Reading(Number(stat.size), limits);
    for (let count = 1; count > 0;) {
      const { bytes, length } = reading.room();
      count = readSync(fd, bytes, length, bytes.length - length, length);
      if (!reading.took(count)) return fail(tooLarge(limits.mostBytes));
    }
    return ok({ bytes: reading.bytes, path, stat });
  } catch (error) {
    return absentOr(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** As `readWhole`, decoded; a byte order mark stays. Fails for what is not UTF-8, too. */
export async function readWholeText(
  file: string,
  limits: ReadLimits,
): Promise<Result<string | undefined, FileFault>> {
  const read = await readWhole(file, limits);
  if (!read.ok || read.value === undefined) return read.ok ? ok(undefined) : read;
  const text = decodeUtf8(read.value.bytes);
  return text === undefined ? fail({ cause: 'malformed', detail: 'it is not UTF-8' }) : ok(text);
}

/** The text of bytes with its byte order mark; undefined where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const NOT_A_FILE: FileFault = { cause: 'io', detail: 'it is not a file' };

function pathOf(file: string, { root }: ReadLimits): string | undefined {
  return root === undefined ? file : realWithin(root, file);
}

function absentOr(error: unknown): Result<undefined, FileFault> {
  if (isAbsence(error)) return ok(undefined);
  if ((error as NodeJS.ErrnoException).code === 'ELOOP')
    return fail({ cause: 'io', detail: 'it is a link' });
  return fail(faultOfError(error));
}

function tooLarge(mostBytes: number): FileFault {
  const mb = mostBytes / 1024 / 1024;
  const size = mb >= 1 ? `${Math.floor(mb)} MB` : `${Math.ceil(mostBytes / 1024)} KB`;
  return { cause: 'io', detail: `it is larger than ${size}` };
}

/** The bytes of a file that is being read, in a buffer that grows up to the limit. */
class Reading {
  readonly #most: number;
  #buffer: Buffer<ArrayBuffer>;
  #length = 0;

  constructor(size: number, { mostBytes }: ReadLimits) {
    this.#most = mostBytes + 1;
    // One byte more than it tells, so that its end is seen.
    this.#buffer = Buffer.allocUnsafe(Math.min(this.#most, size > 0 ? size + 1 : FIRST_BYTES));
  }

  get bytes(): Buffer<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Where the next bytes go: behind `length`. */
  room(): { readonly bytes: Buffer; readonly length: number } {
    if (this.#length === this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#most, 2 * this.#buffer.length));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    return { bytes: this.#buffer, length: this.#length };
  }

  /** False where the limit is passed. */
  took(count: number): boolean {
    this.#length += count;
    return this.#length < this.#most;
  }
}
