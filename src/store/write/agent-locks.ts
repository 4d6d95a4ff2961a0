// Writes of claims, renewals and releases to a table of agent locks, where another program has made
// one. Only columns with a known role are written, and a row is inserted only where no other column
// is required.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { taskId, type Lock, type TaskId } from '../../core/task.ts';
import {
  AGENT_LOCKS_TABLE,
  type AgentLockColumns,
  findAgentLockColumns,
} from '../read/agent-locks-table.ts';
import { readMoment } from '../read/read-date.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { inSavepoint } from './savepoint.ts';
import { type Column, columnsOf } from './table-columns.ts';

interface Table extends AgentLockColumns {
  readonly columns: readonly Column[];
}

/** The locks on a task in the table, latest end first; times are epoch ms. */
export function readAgentLocks(db: DatabaseSync, id: TaskId): readonly Lock[] {
  const table = tableOf(db);
  if (table === undefined) return [];
  const { task, holder, since, until } = table;
  return db
    .prepare(
      `SELECT CAST(${name(holder)} AS TEXT) AS holder, ${time(since)} AS since, ${time(until)} AS until
        FROM ${AGENT_LOCKS_TABLE} WHERE ${name(task)} = ? AND NULLIF(CAST(${name(holder)} AS TEXT), '') IS NOT NULL`,
    )
    .all(id)
    .map((row) => ({
      holder: row['holder'] as string,
      since: readMoment(row['since']),
      until: readMoment(row['until']),
    }))
    .sort((a, b) => (b.until ?? Infinity) - (a.until ?? Infinity));
}

/**
 * Gives a task's lock to `holder`: our own row, or one without an end that we take over, is
 * updated; else a row is inserted, and the rows of others stay. A table with one row per task has
 * it replaced.
 */
export function writeAgentLock(db: DatabaseSync, id: TaskId, lock: Lock): void {
  const table = tableOf(db);
  if (table === undefined) return;
  const { task, holder, until } = table;
  const values: [string, SQLInputValue][] = [[holder, lock.holder], ...times(db, table, lock)];
  const update = (which: string, ...more: readonly SQLInputValue[]): boolean => {
    const sql = `UPDATE OR REPLACE ${AGENT_LOCKS_TABLE} SET ${assignments(values)} WHERE ${name(task)} = ? AND ${which}`;
    return db.prepare(sql).run(...values.map(([, value]) => value), id, ...more).changes > 0;
  };
  const known = [task, ...values.map(([column]) => column)];
  const mayInsert = !table.columns.some(
    (column) => column.required && !known.includes(column.name.toLowerCase()),
  );
  const insert = (): void => {
    const into = `${AGENT_LOCKS_TABLE} (${known.map(name).join(', ')}) VALUES (${known.map(() => '?').join(', ')})`;
    db.prepare(`INSERT INTO ${into}`).run(id, ...values.map(([, value]) => value));
  };
  // The table belongs to another program: where its constraints refuse, the lock columns alone hold
  // the task.
  inSavepoint(db, () => {
    if (update(`${name(holder)} = ?`, lock.holder)) return;
    if (update(until === undefined ? '1' : `${name(until)} IS NULL`)) return;
    if (mayInsert && inSavepoint(db, insert)) return;
    update('1');
  });
}

/** Sets a new end (epoch ms) on the locks of `holder` on these tasks. */
export function renewAgentLocks(
  db: DatabaseSync,
  ids: readonly TaskId[],
  holder: string,
  until: number,
): void {
  const table = tableOf(db);
  if (table === undefined) return;
  const values = times(db, table, { holder, since: undefined, until });
  if (values.length === 0) return;
  db.prepare(
    `UPDATE ${AGENT_LOCKS_TABLE} SET ${assignments(values)} WHERE ${name(table.holder)} = ?
      AND ${name(table.task)} IN (SELECT value FROM json_each(?))`,
  ).run(...values.map(([, value]) => value), holder, JSON.stringify(ids));
}

/** The other holders of live locks on these tasks, by task. */
export function othersInAgentLocks(
  db: DatabaseSync,
  ids: readonly TaskId[],
  holder: string,
  now: number,
): ReadonlyMap<TaskId, string> {
  const others = new Map<TaskId, string>();
  if (tableOf(db) === undefined) return others;
  for (const id of ids) {
    const other = readAgentLocks(db, id).find(
      (lock) => lock.holder !== holder && (lock.until ?? 0) > now,
    );
    if (other !== undefined) others.set(id, other.holder);
  }
  return others;
}

/** All locks of a holder in the table. */
export function agentLocksOf(
  db: DatabaseSync,
  holder: string,
): readonly { readonly id: TaskId; readonly since: number | undefined }[] {
  const table = tableOf(db);
  if (table === undefined) return [];
  return db
    .prepare(
      `SELECT CAST(${name(table.task)} AS TEXT) AS id, ${time(table.since)} AS since FROM ${AGENT_LOCKS_TABLE} WHERE ${name(table.holder)} = ?`,
    )
    .all(holder)
    .map((row) => ({ id: taskId(row['id'] as string), since: readMoment(row['since']) }));
}

/** Moves the locks of one holder on these tasks to another holder, with a new end. */
export function moveAgentLocks(
  db: DatabaseSync,
  ids: readonly TaskId[],
  from: string,
  lock: Pick<Lock, 'holder' | 'until'>,
): void {
  const table = tableOf(db);
  if (table === undefined) return;
  const values: [string, SQLInputValue][] = [
    [table.holder, lock.holder],
    ...times(db, table, { ...lock, since: undefined }),
  ];
  db.prepare(
    `UPDATE OR REPLACE ${AGENT_LOCKS_TABLE} SET ${assignments(values)}
      WHERE ${name(table.holder)} = ? AND ${name(table.task)} IN (SELECT value FROM json_each(?))`,
  ).run(...values.map(([, value]) => value), from, JSON.stringify(ids));
}

/** Deletes the lock of `holder` on a task. */
export function clearAgentLock(db: DatabaseSync, id: TaskId, holder: string): void {
  const table = tableOf(db);
  if (table === undefined) return;
  db.prepare(
    `DELETE FROM ${AGENT_LOCKS_TABLE} WHERE ${name(table.task)} = ? AND ${name(table.holder)} = ?`,
  ).run(id, holder);
}

function tableOf(db: DatabaseSync): Table | undefined {
  const columns = columnsOf(db, AGENT_LOCKS_TABLE);
  const roles = findAgentLockColumns(columns.map((column) => column.name));
  return roles === undefined ? undefined : { ...roles, columns };
}

/** The values of the time columns that the table has; an undefined time is not written. */
function times(db: DatabaseSync, table: Table, lock: Lock): [string, SQLInputValue][] {
  const pairs = [
    [table.since, lock.since],
    [table.until, lock.until],
  ] as const;
  return pairs.flatMap(([column, at]): [string, SQLInputValue][] =>
    column === undefined || at === undefined ? [] : [[column, asThere(db, table, column, at)]],
  );
}

function assignments(values: readonly (readonly [column: string, value: SQLInputValue])[]): string {
  return values.map(([column]) => `${name(column)} = ?`).join(', ');
}

/**
 * A time in the format of the column's other values, or of its declared type: text, or a number of
 * seconds or ms.
 */
function asThere(db: DatabaseSync, { columns }: Table, column: string, at: number): SQLInputValue {
  const sample = db
    .prepare(
      `SELECT ${time(column)} AS value FROM ${AGENT_LOCKS_TABLE} WHERE ${name(column)} IS NOT NULL LIMIT 1`,
    )
    .get()?.['value'];
  if (typeof sample === 'number') return sample > 1e11 ? at : Math.floor(at / 1000);
  const declared = columns.find((each) => each.name.toLowerCase() === column)?.type ?? '';
  if (typeof sample === 'string' || /CHAR|TEXT|DATE|TIME/.test(declared)) return formatRfc3339(at);
  return /_ms$/i.test(column) ? at : Math.floor(at / 1000);
}

/** A time column as SQL that never yields a huge integer, on which the driver throws. */
function time(column: string | undefined): string {
  if (column === undefined) return 'NULL';
  return `CASE typeof(${name(column)}) WHEN 'integer' THEN CAST(${name(column)} AS REAL) WHEN 'blob' THEN NULL ELSE ${name(column)} END`;
}

function name(column: string): string {
  return `"${column.replaceAll('"', '""')}"`;
}
