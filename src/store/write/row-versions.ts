import type { DatabaseSync } from 'node:sqlite';
import type { TaskId } from '../../core/task.ts';
import { prepared } from './prepared.ts';

/** So many rows stand for all: a rewrite of exarp-go leaves out none. */
const ROWS = 64;

/** The version of a task, and how many of the first rows there are, with the sum of theirs. */
export function versionsAt(
  db: DatabaseSync,
  id: TaskId,
): { readonly version: number; readonly rows: readonly [count: number, sum: number] } {
  const version = prepared(db, 'SELECT CAST(version AS REAL) AS version FROM tasks WHERE id = ?');
  return { version: Number(version.get(id)?.['version'] ?? 0), rows: rowsAt(db) };
}

/** How many of the first rows there are, with the sum of their versions. */
export function rowsAt(db: DatabaseSync): readonly [count: number, sum: number] {
  const row = prepared(
    db,
    `SELECT COUNT(*) AS count, TOTAL(version) AS sum
      FROM (SELECT CAST(version AS REAL) AS version FROM tasks ORDER BY id LIMIT ${ROWS})`,
  ).get();
  return [Number(row?.['count'] ?? 0), Number(row?.['sum'] ?? 0)];
}
