import { LeafReader, Unsure, assembleRecord, findLeaves, isLeaf, type Cell } from './btree.ts';
import { asBuffer, type PageMap, type Pages } from './pages.ts';
import { readRecord, type Cell as Value } from './record.ts';
import type { TableLayout } from './table-layout.ts';

/** The changed rows of a table, by rowid. */
export interface TableChanges {
  readonly removed: readonly Cell[];
  readonly added: readonly Cell[];
  readonly changed: readonly (readonly [before: Cell, after: Cell])[];
}

/** The values of a row in layout order. */
export interface LiveRow {
  readonly rowid: number;
  readonly cells: readonly Value[];
}

const NO_CHANGES: TableChanges = { removed: [], added: [], changed: [] };

/**
 * Tracks the pages of one table, to derive its changed rows from the pages of a commit.
 *
 * A row lies in its leaf and in the overflow pages that the leaf names. So a row was changed, added
 * or removed only in a page that the commit wrote, or in a leaf that joined or left this table.
 */
export class LiveTable {
  readonly layout: TableLayout;
  readonly #reader: LeafReader;
  #leaves: ReadonlySet<number> = new Set();
  #interiors: ReadonlySet<number> = new Set();
  /** Overflow page → leaf of its row. */
  readonly #leafOf = new Map<number, number>();

  constructor(layout: TableLayout, pages: Pages) {
    this.layout = layout;
    this.#reader = new LeafReader(pages);
  }

  /** Reads each row into `row`, in rowid order. */
  readAll(pages: Pages, row: Value[], visit: (rowid: number) => void): void {
    const { leaves, interiors } = findLeaves(pages, this.layout.root);
    this.#leaves = new Set(leaves);
    this.#interiors = new Set(interiors);
    this.#leafOf.clear();
    const reader = this.#reader;
    reader.restart();
    for (const leaf of leaves) {
      reader.open(pages.bytes, (leaf - 1) * pages.pageSize, leaf);
      for (let i = 0; i < reader.count; i++) {
        reader.read(i);
        if (reader.overflow === 0)
          readRecord(pages.bytes, reader.recordAt, reader.size, this.layout, row);
        else {
          const record = assembleRecord(reader.take(), pages, undefined, (page) =>
            this.#own(page, leaf),
          );
          readRecord(record, 0, record.length, this.layout, row);
        }
        visit(reader.rowid);
      }
    }
  }

  /** The current values of a row. */
  readNew(cell: Cell, pages: Pages, width: number): readonly Value[] {
    return this.#rowOf(cell, pages, undefined, width);
  }

  /** The removed and the added rows; a changed row is both, in this order. */
  followRows(
    pages: Pages,
    before: PageMap,
  ): readonly (readonly [row: LiveRow, isThere: boolean])[] {
    const { removed, changed, added } = this.follow(pages, before);
    const rows: [LiveRow, boolean][] = [];
    const take = (cell: Cell, isThere: boolean): void => {
      const cells = this.#rowOf(cell, pages, isThere ? undefined : before, this.layout.width);
      rows.push([{ rowid: cell.rowid, cells }, isThere]);
    };
    for (const cell of removed) take(cell, false);
    for (const [was, is] of changed) {
      take(was, false);
      take(is, true);
    }
    for (const cell of added) take(cell, true);
    return rows;
  }

  /** `before` has the pages as they were when the cell was read. */
  #rowOf(cell: Cell, pages: Pages, before: PageMap | undefined, width: number): readonly Value[] {
    const row = new Array<Value>(width).fill(undefined);
    const record = assembleRecord(cell, pages, before, () => undefined);
    readRecord(record, 0, record.length, this.layout, row);
    return row;
  }

  /** The rows that a commit changed. `before` has every page that it wrote, as it was. */
  follow(pages: Pages, before: PageMap): TableChanges {
    const affected = new Set<number>();
    let isRebuilt = false;
    for (const page of before.keys()) {
      if (this.#interiors.has(page)) isRebuilt = true;
      if (this.#leaves.has(page)) {
        affected.add(page);
        if (page === this.layout.root && !isLeaf(pages, page)) isRebuilt = true;
      }
      const leaf = this.#leafOf.get(page);
      if (leaf !== undefined && this.#leaves.has(leaf)) affected.add(leaf);
    }
    if (!isRebuilt && affected.size === 0) return NO_CHANGES;

    const old = this.#leaves;
    const now = isRebuilt ? this.#findAgain(pages, old, affected) : affected;
    const rowsBefore = this.#cellsIn(
      [...affected].filter((page) => old.has(page)),
      pages,
      before,
    );
    const rowsAfter = this.#cellsIn(
      [...now].filter((page) => this.#leaves.has(page)),
      pages,
      undefined,
    );
    return this.#compare(rowsBefore, rowsAfter, pages, before);
  }

  /** The leaves to read now; leaves that left the table are added to `affected`. */
  #findAgain(pages: Pages, old: ReadonlySet<number>, affected: Set<number>): ReadonlySet<number> {
    const { leaves, interiors } = findLeaves(pages, this.layout.root);
    this.#leaves = new Set(leaves);
    this.#interiors = new Set(interiors);
    for (const page of old) if (!this.#leaves.has(page)) affected.add(page);
    const now = new Set(affected);
    for (const page of leaves) if (!old.has(page)) now.add(page);
    return now;
  }

  #cellsIn(
    leaves: readonly number[],
    pages: Pages,
    before: PageMap | undefined,
  ): Map<number, LeafCell> {
    const cells = new Map<number, LeafCell>();
    const reader = this.#reader;
    for (const leaf of leaves) {
      const was = before?.get(leaf);
      reader.restart();
      if (was === undefined) reader.open(pages.bytes, (leaf - 1) * pages.pageSize, leaf);
      else reader.open(asBuffer(was), 0, leaf);
      for (let i = 0; i < reader.count; i++) {
        reader.read(i);
        if (cells.has(reader.rowid)) throw new Unsure('a row is there twice');
        cells.set(reader.rowid, { ...reader.take(), leaf });
      }
    }
    return cells;
  }

  #compare(
    before: Map<number, LeafCell>,
    after: Map<number, LeafCell>,
    pages: Pages,
    pagesBefore: PageMap,
  ): TableChanges {
    for (const cell of before.values()) {
      if (cell.overflow !== 0)
        assembleRecord(cell, pages, pagesBefore, (page) => this.#disown(page, cell.leaf));
    }
    const added: Cell[] = [];
    const changed: [Cell, Cell][] = [];
    for (const [rowid, cell] of after) {
      // Read for its overflow pages, which may have changed even where the leaf is identical.
      if (cell.overflow !== 0) {
        assembleRecord(cell, pages, undefined, (page) => this.#own(page, cell.leaf));
      }
      const was = before.get(rowid);
      before.delete(rowid);
      if (was === undefined) added.push(cell);
      else if (
        cell.overflow !== 0 ||
        was.page.compare(cell.page, cell.at, cell.end, was.at, was.end) !== 0
      ) {
        changed.push([was, cell]);
      }
    }
    added.sort((a, b) => a.rowid - b.rowid);
    return { removed: [...before.values()], added, changed };
  }

  /** In a damaged database two rows can go on in one page: a change of it would be one of both. */
  #own(page: number, leaf: number): void {
    const other = this.#leafOf.get(page);
    if (other !== undefined && other !== leaf) throw new Unsure(`two rows go on at page ${page}`);
    this.#leafOf.set(page, leaf);
  }

  #disown(page: number, leaf: number): void {
    if (this.#leafOf.get(page) === leaf) this.#leafOf.delete(page);
  }
}

interface LeafCell extends Cell {
  readonly leaf: number;
}
