import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** A part of a file, and what was known of the file when it was read. */
export interface FilePart {
  readonly bytes: Buffer;
  /** Of the whole file. */
  readonly size: number;
  /** Epoch ms. */
  readonly modifiedAt: number;
  /** The same as long as it is the same file, however it grows. */
  readonly identity: string;
}

// Neither a link nor a pipe that somebody put there is followed or waited for. Windows has no such flags: they count as 0.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Reads at most `max` bytes of a file from an offset on. Undefined where there is no such file, where it is a link or no
 * plain file, and where it may not be read: all of that is as good as nothing to whoever reads what others may have left.
 */
export async function readPlainFile(file: string, from: number, max: number): Promise<FilePart | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, READ);
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) return undefined;
    const size = Number(stat.size);
    const wanted = Math.max(0, Math.min(max, size - from));
    const bytes = Buffer.alloc(wanted);
    let length = 0;
    while (length < wanted) {
      const { bytesRead } = await handle.read(bytes, length, wanted - length, from + length);
      if (bytesRead === 0) break; // it has become shorter meanwhile
      length += bytesRead;
    }
    return {
      ...{ bytes: bytes.subarray(0, length), size },
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
