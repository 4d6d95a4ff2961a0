import type { DatabaseSync } from 'node:sqlite';
import { prepared } from './prepared.ts';
import { columnNames } from './table-columns.ts';

/** So many rows stand for all: a rewrite of exarp-go leaves out none. */
const MOST_ROWS = 600;

interface Stamp {
  readonly version: number;
  readonly modified: string;
  readonly status: string;
}

/** The versions of some rows at one moment, by id. */
export type Versions = ReadonlyMap<string, Stamp>;

/** What happened to the other rows since. */
export interface Rewrites {
  /** True where most of them were written, and not for a change of their own. */
  readonly isMost: boolean;
  /** How often most of them were written; 0 where most were not. */
  readonly times: number;
  /** True where the store is another one, such as one from a backup. */
  readonly isOtherStore: boolean;
}

/** The versions of some rows, the same ones each time. */
export function readVersions(db: DatabaseSync): Versions {
  const columns = columnNames(db, 'tasks');
  const version = columns.has('version') ? 'CAST(version AS REAL)' : '0';
  const modified = columns.has('last_modified') ? 'CAST(last_modified AS TEXT)' : "''";
  const status = columns.has('status') ? 'CAST(status AS TEXT)' : "''";
  const count = Number(prepared(db, 'SELECT COUNT(*) AS count FROM tasks').get()?.['count'] ?? 0);
  // Spread over the table, as a rewrite reaches its parts one after the other.
  const step = Math.max(1, Math.ceil(count / MOST_ROWS));
  const rows = prepared(
    db,
    `SELECT CAST(id AS TEXT) AS id, ${version} AS version, ${modified} AS modified, ${status} AS status
      FROM tasks WHERE CAST(substr(CAST(id AS TEXT), -3) AS INTEGER) % ? = 0
      ORDER BY id LIMIT ${MOST_ROWS}`,
  ).all(step);
  return new Map(
    rows.map((row) => [
      String(row['id']),
      {
        version: typeof row['version'] === 'number' ? row['version'] : 0,
        modified: String(row['modified'] ?? ''),
        status: String(row['status'] ?? ''),
      },
    ]),
  );
}

/**
 * Whether a program has written all rows back since. An update of exarp-go reads every row and
 * writes every row later, changed or not; a row whose status has changed may have been written for
 * that. `ours` counts what programs of ours have written of each row since.
 */
export function rewritesSince(
  before: Versions,
  now: Versions,
  except: string,
  ours: ReadonlyMap<string, number>,
): Rewrites {
  const times: number[] = [];
  let [written, back, others] = [0, 0, 0];
  for (const [id, then] of before) {
    if (id === except) continue;
    others++;
    const row = now.get(id);
    if (row === undefined) continue;
    times.push(row.version - then.version - (ours.get(id) ?? 0));
    if (row.version < then.version) back++;
    if (
      (row.version !== then.version || row.modified !== then.modified) &&
      (row.status === then.status || ours.has(id))
    )
      written++;
  }
  const isMost = others > 0 && written * 2 >= others;
  const sorted = times.sort((a, b) => a - b);
  return {
    isMost,
    times: isMost ? Math.max(0, sorted[Math.floor(sorted.length / 2)] ?? 0) : 0,
    isOtherStore: others > 0 && back * 2 >= others,
  };
}

/**
 * Whether exarp-go writes to this store: it stores metadata in a form that no other program writes.
 */
export function isSharedWithExarp(db: DatabaseSync): boolean {
  return (
    columnNames(db, 'tasks').has('metadata_format') &&
    prepared(db, "SELECT 1 FROM tasks WHERE metadata_format = 'protobuf' LIMIT 1").get() !==
      undefined
  );
}
