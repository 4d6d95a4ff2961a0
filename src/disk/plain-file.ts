import type { BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { READ_FLAGS } from './read-whole.ts';

/** A part of a file, with the file's state at the time of the read. */
export interface FilePart {
  readonly bytes: Buffer;
  /** Of the whole file. */
  readonly size: number;
  /** Epoch ms. */
  readonly modifiedAt: number;
  /** Constant while it is the same file, even if it grows. */
  readonly identity: string;
}

/**
 * Reads at most `max` bytes of a file from an offset on. Undefined where the file is missing, a
 * link, not a plain file, or not readable.
 */
export async function readPlainFile(
  file: string,
  from: number,
  max: number,
): Promise<FilePart | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, READ_FLAGS);
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) return undefined;
    const size = Number(stat.size);
    const wanted = Math.max(0, Math.min(max, size - from));
    const bytes = Buffer.alloc(wanted);
    let length = 0;
    while (length < wanted) {
      const { bytesRead } = await handle.read(bytes, length, wanted - length, from + length);
      if (bytesRead === 0) break; // truncated meanwhile
      length += bytesRead;
    }
    return {
      bytes: bytes.subarray(0, length),
      size,
      modifiedAt: Number(stat.mtimeMs),
      identity: identityOf(stat),
    };
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${birthtimeNs}`;
}
