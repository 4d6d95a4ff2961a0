/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every read lies within a page, which is checked where its place is computed; a check per byte would only cost time. */
// The table b-trees of SQLite, read from pages. Format:
// https://www.sqlite.org/fileformat2.html#b_tree_pages
import { asBuffer, type PageMap, type Pages } from './pages.ts';

/**
 * Thrown where the bytes are not in a form that this reader knows. The caller then asks SQLite
 * itself, which can read them or report what is wrong.
 */
export class Unsure extends Error {}

const INTERIOR = 5;
const LEAF = 13;
const FILE_HEADER_SIZE = 100;
const INTERIOR_HEADER_SIZE = 12;
const LEAF_HEADER_SIZE = 8;
const MAX_DEPTH = 20;

/** The pages of one table, without overflow pages. */
export interface TreePages {
  /** In rowid order. */
  readonly leaves: readonly number[];
  readonly interiors: readonly number[];
}

/** Finds the leaves of a table without reading them: all have the same depth. */
export function findLeaves(pages: Pages, root: number): TreePages {
  const seen = new Uint8Array(pages.pageCount + 1);
  const interiors: number[] = [];
  let level = [root];
  enter(root);
  for (let depth = 0; ; depth++) {
    if (depth > MAX_DEPTH) throw new Unsure('a table is too deep');
    if (kindOf(pages, level[0]!) === LEAF) return { leaves: level, interiors };
    const below: number[] = [];
    for (const page of level) {
      for (const child of childrenOf(pages, page)) {
        enter(child);
        below.push(child);
      }
      interiors.push(page);
    }
    level = below;
  }

  function enter(page: number): void {
    if (page < 1 || page > pages.pageCount || seen[page] !== 0)
      throw new Unsure(`page ${page} is in a table twice`);
    seen[page] = 1;
  }
}

export function isLeaf(pages: Pages, page: number): boolean {
  return kindOf(pages, page) === LEAF;
}

function kindOf({ bytes, pageSize }: Pages, page: number): number {
  return bytes[(page - 1) * pageSize + headerSize(page)]!;
}

function childrenOf({ bytes, pageSize, usableSize }: Pages, page: number): readonly number[] {
  const begin = (page - 1) * pageSize;
  const header = begin + headerSize(page);
  const count = bytes.readUInt16BE(header + 3);
  const cells = header + INTERIOR_HEADER_SIZE;
  if (bytes[header] !== INTERIOR || cells + 2 * count > begin + usableSize)
    throw new Unsure(`page ${page} is no node`);
  const children: number[] = [];
  for (let i = 0; i < count; i++) {
    const at = bytes.readUInt16BE(cells + 2 * i);
    if (at + 5 > usableSize) throw new Unsure(`page ${page} is no node`);
    children.push(bytes.readUInt32BE(begin + at));
  }
  children.push(bytes.readUInt32BE(header + 8));
  return children;
}

function headerSize(page: number): number {
  return page === 1 ? FILE_HEADER_SIZE : 0;
}

/** One row in its leaf. */
export interface Cell {
  readonly rowid: number;
  /** The page at the time of the read, and the cell's offset in it. */
  readonly page: Buffer;
  readonly at: number;
  readonly end: number;
  /** The offset of the local part of the record, and the length of the whole record. */
  readonly recordAt: number;
  readonly size: number;
  /** The first overflow page; 0 where the record is local. */
  readonly overflow: number;
}

/**
 * Iterates over the cells of leaves; one reader for many, as an object per cell would be garbage.
 */
export class LeafReader {
  readonly #usableSize: number;
  readonly #maxLocal: number;
  readonly #minLocal: number;
  /** The number of cells in the leaf. */
  count = 0;
  // Fields of the current cell.
  rowid = 0;
  at = 0;
  end = 0;
  recordAt = 0;
  size = 0;
  overflow = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #begin = 0;
  #cells = 0;
  #cursor = 0;
  #previous = -Infinity;

  constructor({ usableSize }: Pages) {
    this.#usableSize = usableSize;
    this.#maxLocal = usableSize - 35;
    this.#minLocal = Math.floor(((usableSize - 12) * 32) / 255) - 23;
  }

  /** Forgets the last rowid: the next leaf need not follow it. */
  restart(): void {
    this.#previous = -Infinity;
  }

  /** Opens a leaf whose page starts at `begin`. */
  open(bytes: Buffer, begin: number, page: number): void {
    const header = begin + headerSize(page);
    this.#bytes = bytes;
    this.#begin = begin;
    this.#cells = header + LEAF_HEADER_SIZE;
    this.count = bytes.readUInt16BE(header + 3);
    if (bytes[header] !== LEAF || this.#cells + 2 * this.count > begin + this.#usableSize) {
      throw new Unsure(`page ${page} is no leaf of a table`);
    }
  }

  /** Reads a cell by its index in the leaf. Rowids must ascend. */
  read(index: number): void {
    const bytes = this.#bytes;
    const pointer = this.#cells + 2 * index;
    const at = this.#begin + ((bytes[pointer]! << 8) | bytes[pointer + 1]!);
    if (at < this.#cells + 2 * this.count)
      throw new Unsure('a cell lies in the header of its page');
    this.at = at;
    this.#cursor = at;
    this.size = this.#varint();
    this.rowid = this.#varint();
    this.recordAt = this.#cursor;
    const isLocal = this.size <= this.#maxLocal;
    const local = isLocal ? this.size : this.#localPart(this.size);
    this.end = this.recordAt + local + (isLocal ? 0 : 4);
    if (this.end > this.#begin + this.#usableSize)
      throw new Unsure('a cell is longer than its page');
    this.overflow = isLocal ? 0 : bytes.readUInt32BE(this.end - 4);
    if (this.rowid <= this.#previous) throw new Unsure('rows are out of order');
    this.#previous = this.rowid;
  }

  /** A copy of the current cell. */
  take(): Cell {
    const { rowid, at, end, recordAt, size, overflow } = this;
    return { rowid, page: this.#bytes, at, end, recordAt, size, overflow };
  }

  #localPart(size: number): number {
    const part = this.#minLocal + ((size - this.#minLocal) % (this.#usableSize - 4));
    return part <= this.#maxLocal ? part : this.#minLocal;
  }

  #varint(): number {
    const bytes = this.#bytes;
    const end = this.#begin + this.#usableSize;
    if (this.#cursor + 9 > end && this.#cursor + 1 > end)
      throw new Unsure('a cell is longer than its page');
    const first = bytes[this.#cursor]!;
    if (first < 0x80) {
      this.#cursor++;
      return first;
    }
    let value = first & 0x7f;
    for (let i = 1; i < 8; i++) {
      if (this.#cursor + i >= end) throw new Unsure('a cell is longer than its page');
      const byte = bytes[this.#cursor + i]!;
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        this.#cursor += i + 1;
        // Eight bytes hold 56 bits; a number is exact up to 53.
        if (value > Number.MAX_SAFE_INTEGER) throw new Unsure('a number is too large');
        return value;
      }
    }
    throw new Unsure('a number is too large'); // or a negative rowid, which no program sets on purpose
  }
}

/**
 * The whole record of a cell. Overflow pages come from `changed` where it has them, else from
 * `pages`; each is reported to `onOverflow`.
 */
export function assembleRecord(
  { page, recordAt, size, overflow, end }: Cell,
  pages: Pages,
  changed: PageMap | undefined,
  onOverflow: (page: number) => void,
): Buffer {
  if (overflow === 0) return page.subarray(recordAt, recordAt + size);
  const perPage = pages.usableSize - 4;
  let done = end - 4 - recordAt;
  if ((size - done) / perPage > pages.pageCount)
    throw new Unsure('a row is longer than the database');
  const record = Buffer.allocUnsafe(size);
  page.copy(record, 0, recordAt, end - 4);
  let next = overflow;
  while (done < size) {
    if (next < 2 || next > pages.pageCount) throw new Unsure(`a row goes on at page ${next}`);
    onOverflow(next);
    const found = changed?.get(next);
    const [bytes, begin] =
      found === undefined ? [pages.bytes, (next - 1) * pages.pageSize] : [asBuffer(found), 0];
    const part = Math.min(perPage, size - done);
    bytes.copy(record, done, begin + 4, begin + 4 + part);
    done += part;
    next = bytes.readUInt32BE(begin);
  }
  return record;
}
