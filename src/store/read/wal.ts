// The write-ahead log (WAL) of SQLite, read from bytes. Format:
// https://www.sqlite.org/fileformat2.html#walformat

export const WAL_HEADER_SIZE = 32;
export const FRAME_HEADER_SIZE = 24;

/** The header of a WAL; the two salts identify one generation, between two resets. */
export interface WalHeader {
  readonly pageSize: number;
  /** Of the words that are summed; all else is big-endian. */
  readonly littleEndian: boolean;
  readonly salt1: number;
  readonly salt2: number;
  readonly sum: Checksum;
}

type Checksum = readonly [number, number];

/**
 * The content of a WAL up to its last commit, in whole frames from the header on, so that a later
 * scan can continue here: committed frames are final, later ones are not.
 */
export interface WalScan {
  readonly header: WalHeader;
  /** The number of frames up to and including the last commit; 0 for none. */
  readonly frames: number;
  /** The index of the first frame of the last transaction; `frames` where nothing is committed. */
  readonly lastTransaction: number;
  /** The checksum of all of these frames. */
  readonly sum: Checksum;
  /** The page count after the last commit; 0 where nothing is committed. */
  readonly pageCount: number;
  /** Page number → index of its newest committed frame. */
  readonly frameOfPage: ReadonlyMap<number, number>;
}

/**
 * Parses and checks the first 32 bytes of a WAL; undefined where SQLite would treat it as empty.
 */
export function parseWalHeader(bytes: Uint8Array): WalHeader | undefined {
  if (bytes.length < WAL_HEADER_SIZE) return undefined;
  const view = viewOf(bytes);
  const magic = view.getUint32(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return undefined;
  if (view.getUint32(4) !== 3_007_000) return undefined;
  const pageSize = view.getUint32(8);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return undefined;
  const littleEndian = magic === 0x377f0682;
  const sum = checksum(view, 0, 24, [0, 0], littleEndian);
  if (sum[0] !== view.getUint32(24) || sum[1] !== view.getUint32(28)) return undefined;
  return { pageSize, littleEndian, salt1: view.getUint32(16), salt2: view.getUint32(20), sum };
}

/** The file offset of a frame. */
export function frameOffset(header: WalHeader, index: number): number {
  return WAL_HEADER_SIZE + index * (FRAME_HEADER_SIZE + header.pageSize);
}

/** A WAL without frames: the start of every scan. */
export function emptyScan(header: WalHeader): WalScan {
  return {
    header,
    frames: 0,
    lastTransaction: 0,
    sum: header.sum,
    pageCount: 0,
    frameOfPage: new Map(),
  };
}

/**
 * Scans the frames after `from` as SQLite's own recovery does: while salts match and the running
 * checksum holds. `bytes` begins at the next frame. Returns `from` itself where there is no further
 * commit.
 */
export function scanFrames(bytes: Uint8Array, from: WalScan): WalScan {
  const { header } = from;
  const view = viewOf(bytes);
  const frameSize = FRAME_HEADER_SIZE + header.pageSize;
  const found = new Map<number, number>(); // of the open transaction
  let pages: Map<number, number> | undefined;
  let [best, begin, sum] = [from, from.frames, from.sum];
  for (let index = from.frames, at = 0; at + frameSize <= bytes.length; index++, at += frameSize) {
    const page = view.getUint32(at);
    if (page === 0 || !hasSalts(view, at, header)) break;
    sum = checksum(view, at, 8, sum, header.littleEndian);
    sum = checksum(view, at + FRAME_HEADER_SIZE, header.pageSize, sum, header.littleEndian);
    if (sum[0] !== view.getUint32(at + 16) || sum[1] !== view.getUint32(at + 20)) break;
    found.set(page, index);
    const pageCount = view.getUint32(at + 4);
    if (pageCount === 0) continue;
    pages ??= new Map(from.frameOfPage);
    for (const [each, frame] of found) pages.set(each, frame);
    found.clear();
    best = {
      header,
      frames: index + 1,
      lastTransaction: begin,
      sum,
      pageCount,
      frameOfPage: pages,
    };
    begin = index + 1;
  }
  return best;
}

/**
 * True where the frame header in `bytes` is of the same generation, so that more may have been
 * written.
 */
export function isOfGeneration(bytes: Uint8Array, header: WalHeader): boolean {
  return bytes.length >= FRAME_HEADER_SIZE && hasSalts(viewOf(bytes), 0, header);
}

/**
 * The database after the last commit of its WAL: committed pages over those of the file. `wal` is
 * the whole WAL. Pages in neither are zero, as SQLite does not write pages that were freed before
 * use.
 */
export function mergeImage(database: Uint8Array, wal: Uint8Array, scan: WalScan): Uint8Array {
  const { header, pageCount } = scan;
  if (scan.frames === 0) return database;
  const image = new Uint8Array(pageCount * header.pageSize);
  image.set(database.subarray(0, image.length));
  for (const [page, index] of scan.frameOfPage) {
    if (page > pageCount) continue; // beyond the end, of a database that has shrunk since
    const at = frameOffset(header, index) + FRAME_HEADER_SIZE;
    image.set(wal.subarray(at, at + header.pageSize), (page - 1) * header.pageSize);
  }
  return image;
}

/**
 * Marks the image as one without a WAL, since SQLite without shared memory cannot open it
 * otherwise. Modifies the bytes.
 */
export function markWithoutWal(image: Uint8Array): void {
  if (image.length < 20) return;
  image[18] = 1;
  image[19] = 1;
}

function hasSalts(view: DataView, at: number, header: WalHeader): boolean {
  return view.getUint32(at + 8) === header.salt1 && view.getUint32(at + 12) === header.salt2;
}

function checksum(
  view: DataView,
  at: number,
  length: number,
  from: Checksum,
  littleEndian: boolean,
): Checksum {
  let [a, b] = from;
  for (let end = at + length; at < end; at += 8) {
    a = (a + view.getUint32(at, littleEndian) + b) | 0;
    b = (b + view.getUint32(at + 4, littleEndian) + a) | 0;
  }
  return [a >>> 0, b >>> 0];
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
