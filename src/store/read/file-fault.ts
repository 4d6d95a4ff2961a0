import type { FileFault } from '../../disk/file-fault.ts';

const MAGIC = 'SQLite format 3\0';

const LFS_HEAD = 'version https://git-lfs.github.com/spec/';

/** What to say of a file that `git lfs` has not fetched. */
export const LFS_POINTER: FileFault = {
  cause: 'lfsPointer',
  detail: 'run “git lfs pull” in the folder to fetch its content',
};

/** True for the few lines that stand in for a file until `git lfs` fetches it. */
export function isLfsPointer(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, LFS_HEAD.length)).toString('latin1') === LFS_HEAD;
}

/** The fault of a database's bytes that the header shows; undefined where there is none. */
export function findFileFault(bytes: Uint8Array): FileFault | undefined {
  if (bytes.length === 0) return { cause: 'empty', detail: 'the file has no bytes' };
  if (isLfsPointer(bytes)) return LFS_POINTER;
  const begin = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1');
  if (!MAGIC.startsWith(begin))
    return { cause: isScrambled(bytes) ? 'encrypted' : 'notADatabase', detail: show(begin) };
  if (bytes.length < 100)
    return { cause: 'truncated', detail: `the file ends after ${bytes.length} bytes` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stored = view.getUint16(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) {
    return { cause: 'malformed', detail: `the header gives a page size of ${pageSize}` };
  }
  // The page count in the header is valid only where the two counters are equal.
  const pages = view.getUint32(24) === view.getUint32(92) ? view.getUint32(28) : 0;
  const expected = Math.max(1, pages) * pageSize;
  if (bytes.length < expected) {
    return { cause: 'truncated', detail: `the file has ${bytes.length} of ${expected} bytes` };
  }
  return undefined;
}

const KNOWN_FORMATS = [
  'PK\x03\x04',
  '\x1f\x8b',
  '7z\xbc\xaf',
  'BZh',
  '\xfd7zXZ',
  '\x28\xb5\x2f\xfd',
  '\x89PNG',
  '\xff\xd8',
];

/**
 * True for bytes that look random and have no header of a known compressed file, as with SQLCipher;
 * or those of git-crypt.
 */
function isScrambled(bytes: Uint8Array): boolean {
  const begin = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  if (begin.startsWith('\0GITCRYPT\0')) return true;
  if (KNOWN_FORMATS.some((format) => begin.startsWith(format))) return false;
  const sample = bytes.subarray(0, 4096);
  // 512 is the smallest page of a database; that many random bytes have about 7.6 bits of entropy
  // each, text has under 6.
  return sample.length >= 512 && entropyOf(sample) > 7;
}

function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  let bits = 0;
  for (const count of counts) {
    if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  }
  return bits;
}

function show(begin: string): string {
  return `the file begins with ${JSON.stringify(begin)}`;
}
