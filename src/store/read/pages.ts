/** The pages of a database in one buffer. Page `n`, counted from 1, is at `(n - 1) * pageSize`. */
export interface Pages {
  readonly bytes: Buffer;
  readonly pageSize: number;
  /** The bytes of a page without the space reserved for extensions. */
  readonly usableSize: number;
  readonly pageCount: number;
}

/** Page number → bytes. */
export type PageMap = ReadonlyMap<number, Uint8Array>;

/** Extra pages, beside a tenth, to allocate when a database grows. */
const SPARE_PAGES = 64;

/** A database in memory that applies commits in place. */
export class LiveImage implements Pages {
  readonly pageSize: number;
  readonly usableSize: number;
  pageCount: number;
  #room: Buffer;

  /** Takes ownership of the bytes, which include at least the header of a database. */
  constructor(image: Uint8Array) {
    this.#room = asBuffer(image);
    const stored = this.#room.readUInt16BE(16);
    this.pageSize = stored === 1 ? 65_536 : stored;
    this.usableSize = this.pageSize - (this.#room[20] ?? 0);
    this.pageCount = Math.floor(image.length / this.pageSize);
  }

  get bytes(): Buffer {
    return this.#room;
  }

  /** The database as one file: a view, valid until the next change. */
  get whole(): Uint8Array {
    return this.#room.subarray(0, this.pageCount * this.pageSize);
  }

  /** Switches to another image of the same database. */
  replace(other: LiveImage): void {
    this.#room = other.#room;
    this.pageCount = other.pageCount;
  }

  /**
   * Applies the pages of a commit, and returns the old ones; a new page was all zeros. Undefined
   * where the database shrank: then too much has moved.
   */
  apply(pages: PageMap, pageCount: number): PageMap | undefined {
    const isShorter = pageCount < this.pageCount;
    this.#makeRoomFor(pageCount);
    if (isShorter) this.#room.fill(0, pageCount * this.pageSize);
    const before = new Map<number, Uint8Array>();
    this.pageCount = pageCount;
    for (const [number, content] of pages) {
      const at = (number - 1) * this.pageSize;
      before.set(number, Buffer.from(this.#room.subarray(at, at + this.pageSize)));
      this.#room.set(content, at);
    }
    // As in every image: no WAL.
    this.#room[18] = 1;
    this.#room[19] = 1;
    return isShorter ? undefined : before;
  }

  #makeRoomFor(pageCount: number): void {
    const needed = pageCount * this.pageSize;
    if (needed <= this.#room.length) return;
    const larger = Buffer.alloc(needed + Math.ceil(pageCount / 10 + SPARE_PAGES) * this.pageSize);
    this.#room.copy(larger);
    this.#room = larger;
  }
}

/**
 * The pages that differ between two images, as they are in `before`; new pages as zeros. Undefined
 * where the images cannot be compared by page, or differ too much for that to pay.
 */
export function differingPages(before: Pages, after: Pages): PageMap | undefined {
  const { pageSize, usableSize } = after;
  if (
    before.pageSize !== pageSize ||
    before.usableSize !== usableSize ||
    after.pageCount < before.pageCount
  )
    return undefined;
  const isTooMuch = (count: number): boolean => count > 16 && count > after.pageCount / 2;
  // A log of a few pages can claim any number of them.
  if (isTooMuch(after.pageCount - before.pageCount)) return undefined;
  const zeros = new Uint8Array(pageSize);
  const different = new Map<number, Uint8Array>();
  for (let number = 1; number <= after.pageCount; number++) {
    const at = (number - 1) * pageSize;
    const isNew = number > before.pageCount;
    if (!isNew && before.bytes.compare(after.bytes, at, at + pageSize, at, at + pageSize) === 0)
      continue;
    different.set(number, isNew ? zeros : before.bytes.subarray(at, at + pageSize));
    if (isTooMuch(different.size)) return undefined;
  }
  return different;
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
