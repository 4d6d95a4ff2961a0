import type { DatabaseSync } from 'node:sqlite';
import { changeCounter, changesByTask, deletedBetween, lastChange } from '../edit-history.ts';
import { prepared } from '../prepared.ts';
import { columnNames } from '../table-columns.ts';

/** So many rows stand for all: a rewrite of exarp-go leaves out none. */
const MOST_ROWS = 600;
/** The rows of one rewrite follow each other within this time, in ms. */
const QUIET_MS = 300;
/** Until it is clear that rows are not the first ones of a rewrite on a busy machine, in ms. */
const DOUBT_MS = 1_500;
/** What a rewrite has not read is deleted within this time after its last row, in ms. */
const END_MS = 3_000;
/** So many other rows, or all, and this part of them make a rewrite. */
const LEAST_ROWS = 3;
const LEAST_PART = 0.05;

/** What is known of who wrote a row last. */
export type RowWriter = 'rewrite' | 'alone' | 'open';

interface Row {
  readonly version: number;
  /** Its lock columns: exarp-go leaves them as they are when it rewrites. */
  readonly lock: string;
}

interface Seen {
  readonly rows: Map<string, Row>;
  /** The last entry of the history of changes. */
  change: number;
  /** See `changeCounter`. */
  counter: number;
}

/**
 * Tells the rewrites of exarp-go from its changes. Each of its updates writes one row, reads all,
 * and writes all back later, changed or not. So the rows that are written one after the other
 * without a pause are counted: in a rewrite each is written as often as most others, and a row that
 * was changed is written once more, or alone. What programs of ours wrote does not count; they
 * record it in the history of changes.
 */
export class Rewrites {
  #seen: Seen | undefined;
  /** How often other programs wrote each row since the last pause. */
  readonly #counts = new Map<string, number>();
  /** Rows with the stamp of the first look: a rewrite may have been under way then. */
  readonly #recent = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #inserted = new Set<string>();
  /** Rows that a program of ours has deleted. */
  readonly #deleted = new Set<string>();
  #writtenAt = -Infinity;
  #rewrittenAt = -Infinity;
  #isOther = false;

  /** Begins anew where nothing was looked at for a while. As `see`. */
  begin(db: DatabaseSync, now: number, ids: Iterable<string>): void {
    this.end();
    this.#gone.clear();
    this.#inserted.clear();
    this.#deleted.clear();
    this.#seen = { rows: readRows(db, ids), change: lastChange(db), counter: changeCounter(db) };
    for (const id of writtenSince(db, Math.floor(now / 1000) - 1)) this.#recent.add(id);
    if (this.#recent.size > 0) this.#writtenAt = now;
  }

  /**
   * Takes in what was written since the last call. `ids` are looked at beside the rows that stand
   * for all. `now` in ms.
   */
  see(
    db: DatabaseSync,
    now: number,
    ids: ReadonlySet<string> | ReadonlyMap<string, unknown>,
  ): void {
    const before = this.#seen;
    if (before === undefined) {
      this.begin(db, now, ids.keys());
      return;
    }
    const rows = readRows(db, ids.keys());
    const counter = changeCounter(db);
    this.#seen = { rows, change: lastChange(db), counter };
    const ours = changesByTask(db, before.change);
    let [isWritten, back] = [false, 0];
    for (const [id, row] of rows) {
      const then = before.rows.get(id);
      const wasGone = this.#gone.delete(id);
      this.#deleted.delete(id);
      if (then === undefined && !wasGone) continue;
      const isInserted = then === undefined || row.version < then.version;
      if (isInserted) {
        // Maybe by a program of ours, which records no insertion: it does not count.
        this.#inserted.add(id);
        if (!wasGone) back++;
        isWritten = true;
        continue;
      }
      const times = row.version - then.version - ownWrites(ours.get(id), then, row);
      if (times <= 0) continue;
      this.#counts.set(id, (this.#counts.get(id) ?? 0) + times);
      isWritten = true;
    }
    const gone = [...before.rows.keys()].filter((id) => !rows.has(id));
    const deleted = new Set(deletedBetween(before.counter, counter, gone));
    for (const id of gone) {
      if (!ids.has(id)) continue;
      this.#gone.add(id);
      if (deleted.has(id)) this.#deleted.add(id);
      else isWritten = true;
    }
    if (back > 1 && back * 2 >= before.rows.size) this.#isOther = true;
    if (!isWritten) return;
    this.#writtenAt = now;
    if (this.#isRewrite('')) this.#rewrittenAt = now;
  }

  /** Takes in what this process has written, in the transaction that does. */
  wrote(db: DatabaseSync, ids: Iterable<string>): void {
    if (this.#seen === undefined) return;
    const { rows } = this.#seen;
    const asked = [...ids];
    const stored = rowsOf(db, asked);
    for (const id of asked) {
      const row = stored.get(id);
      this.#inserted.delete(id);
      if (row === undefined) {
        rows.delete(id);
        this.#gone.add(id);
      } else {
        rows.set(id, row);
        this.#gone.delete(id);
      }
    }
    this.#seen.change = lastChange(db);
    this.#seen.counter = changeCounter(db);
  }

  /** True once no row was written for a while, so that what was written can be judged. */
  isQuiet(now: number): boolean {
    const isClear = this.#counts.size < 2 || this.#isRewrite('');
    return now - this.#writtenAt >= (isClear ? QUIET_MS : DOUBT_MS);
  }

  /** Forgets what was judged. Call once it is quiet. */
  end(): void {
    this.#counts.clear();
    this.#recent.clear();
    this.#isOther = false;
  }

  /** Who wrote a row that differs from what we wrote. */
  writerOf(id: string, now: number): RowWriter {
    if (this.#isOther) return 'alone';
    // No program changes a row into an earlier version: it was inserted with older data.
    if (this.#inserted.has(id)) return 'rewrite';
    if (!this.isQuiet(now)) return 'open';
    const count = this.#counts.get(id) ?? 0;
    return count > 0 && count <= this.#usual(id) && this.#isRewrite(id) ? 'rewrite' : 'alone';
  }

  /** True where another program has written the row since the last pause. */
  hasWritten(id: string): boolean {
    return this.#counts.has(id);
  }

  /** Who deleted a row, or inserted one that was deleted. */
  removerOf(now: number, id = ''): RowWriter {
    if (this.#isOther || this.#deleted.has(id)) return 'alone';
    if (this.#isRewrite('') || now - this.#rewrittenAt < END_MS) return 'rewrite';
    return this.isQuiet(now) ? 'alone' : 'open';
  }

  #isRewrite(except: string): boolean {
    const rows = this.#seen?.rows ?? new Map<string, Row>();
    const others = rows.size - (rows.has(except) ? 1 : 0);
    const written = new Set([...this.#counts.keys(), ...this.#recent]);
    written.delete(except);
    return written.size >= Math.max(1, Math.min(LEAST_ROWS, others), others * LEAST_PART);
  }

  /** How often most of the others were written. */
  #usual(except: string): number {
    const counts = [...this.#counts].flatMap(([id, count]) => (id === except ? [] : [count]));
    const middle = counts.sort((a, b) => a - b)[Math.floor(counts.length / 2)];
    return middle ?? (this.#recent.size > 0 ? 1 : 0);
  }
}

/** How often programs of ours have written a row; a lease is renewed without a change. */
function ownWrites(changes: number | undefined, then: Row, now: Row): number {
  return Math.max(changes ?? 0, then.lock === now.lock ? 0 : 1);
}

/** Some rows spread over the table, the same ones each time, and these. */
function readRows(db: DatabaseSync, ids: Iterable<string>): Map<string, Row> {
  const count = Number(prepared(db, 'SELECT COUNT(*) AS count FROM tasks').get()?.['count'] ?? 0);
  // Spread, as a rewrite reaches the parts of the table one after the other.
  const step = Math.max(1, Math.ceil(count / MOST_ROWS));
  const some = prepared(
    db,
    `SELECT ${columnsOf(db)} FROM tasks
      WHERE CAST(substr(CAST(id AS TEXT), -3) AS INTEGER) % ? = 0 ORDER BY id LIMIT ${MOST_ROWS}`,
  ).all(step);
  return new Map([...some.map(rowFrom), ...rowsOf(db, [...ids])]);
}

function rowsOf(db: DatabaseSync, ids: readonly string[]): ReadonlyMap<string, Row> {
  return new Map(
    prepared(db, `SELECT ${columnsOf(db)} FROM tasks WHERE id IN (SELECT value FROM json_each(?))`)
      .all(JSON.stringify(ids))
      .map(rowFrom),
  );
}

function columnsOf(db: DatabaseSync): string {
  const names = columnNames(db, 'tasks');
  const version = names.has('version') ? 'COALESCE(CAST(version AS REAL), 0)' : '0';
  const lock = ['assignee', 'lock_until'].map((name) =>
    names.has(name) ? `COALESCE(CAST(${name} AS TEXT), '')` : "''",
  );
  return `CAST(id AS TEXT) AS id, ${version} AS version, ${lock.join(" || ' ' || ")} AS lock`;
}

function rowFrom(row: Readonly<Record<string, unknown>>): [id: string, row: Row] {
  return [String(row['id']), { version: Number(row['version']), lock: String(row['lock']) }];
}

/** Rows that were written at this time (unix seconds) or later, and not made only then. */
function writtenSince(db: DatabaseSync, since: number): readonly string[] {
  const columns = columnNames(db, 'tasks');
  if (!columns.has('updated_at') || !columns.has('created_at')) return [];
  return prepared(
    db,
    `SELECT CAST(id AS TEXT) AS id FROM tasks
      WHERE CAST(updated_at AS REAL) >= ? AND CAST(created_at AS REAL) < ? LIMIT ${MOST_ROWS}`,
  )
    .all(since, since)
    .map((row) => String(row['id']));
}
