// What claims, renewals and releases write into a table of agents' locks, where somebody made one. It is not ours: only
// columns whose role is known are written, and a row is inserted only where nothing else has to stand in it.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { taskId, type Lock, type TaskId } from '../../core/task.ts';
import { AGENT_LOCKS_TABLE, type AgentLockColumns, findAgentLockColumns } from '../read/agent-locks-table.ts';
import { readMoment } from '../read/read-date.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { inSavepoint } from './savepoint.ts';
import { type Column, columnsOf } from './table-columns.ts';

interface Table extends AgentLockColumns {
  readonly columns: readonly Column[];
}

/** The locks on a task that the table knows, newest end first; times are epoch ms. */
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
 * Makes the lock on a task that of `holder`: a row of ours, or one that holds without an end and is taken over, becomes that;
 * else there is a new row, and what others left stays. A table with one row for a task has it exchanged.
 */
export function writeAgentLock(db: DatabaseSync, id: TaskId, lock: Lock): void {
  const table = tableOf(db);
  if (table === undefined) return;
  const { task, holder, until } = table;
  const values: [string, SQLInputValue][] = [[holder, lock.holder], ...times(db, table, lock)];
  const update = (which: string, ...more: readonly SQLInputValue[]): boolean => {
    const sets = values.map(([column]) => `${name(column)} = ?`).join(', ');
    const sql = `UPDATE OR REPLACE ${AGENT_LOCKS_TABLE} SET ${sets} WHERE ${name(task)} = ? AND ${which}`;
    return db.prepare(sql).run(...values.map(([, value]) => value), id, ...more).changes > 0;
  };
  const known = [task, ...values.map(([column]) => column)];
  const mayInsert = !table.columns.some((column) => column.required && !known.includes(column.name.toLowerCase()));
  const insert = (): void => {
    const into = `${AGENT_LOCKS_TABLE} (${known.map(name).join(', ')}) VALUES (${known.map(() => '?').join(', ')})`;
    db.prepare(`INSERT INTO ${into}`).run(id, ...values.map(([, value]) => value));
  };
  // The table is somebody else's: what its rules forbid is left, and the lock columns hold the task all the same.
  inSavepoint(db, () => {
    if (update(`${name(holder)} = ?`, lock.holder)) return;
    if (update(until === undefined ? '1' : `${name(until)} IS NULL`)) return;
    if (mayInsert && inSavepoint(db, insert)) return;
    update('1');
  });
}

/** Gives the locks of `holder` on these tasks a new end (epoch ms). */
export function renewAgentLocks(db: DatabaseSync, ids: readonly TaskId[], holder: string, until: number): void {
  const table = tableOf(db);
  if (table === undefined) return;
  const values = times(db, table, { holder, since: undefined, until });
  if (values.length === 0) return;
  const sets = values.map(([column]) => `${name(column)} = ?`).join(', ');
  db.prepare(
    `UPDATE ${AGENT_LOCKS_TABLE} SET ${sets} WHERE ${name(table.holder)} = ?
      AND ${name(table.task)} IN (SELECT value FROM json_each(?))`,
  ).run(...values.map(([, value]) => value), holder, JSON.stringify(ids));
}

/** Who else has a lock that runs on one of these tasks, by task. */
export function othersInAgentLocks(
  db: DatabaseSync,
  ids: readonly TaskId[],
  holder: string,
  now: number,
): ReadonlyMap<TaskId, string> {
  const others = new Map<TaskId, string>();
  if (tableOf(db) === undefined) return others;
  for (const id of ids) {
    const other = readAgentLocks(db, id).find((lock) => lock.holder !== holder && (lock.until ?? 0) > now);
    if (other !== undefined) others.set(id, other.holder);
  }
  return others;
}

/** Every lock of a holder that the table knows. */
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

/** Moves the locks of one holder on these tasks to another, with a new end. */
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
    `UPDATE OR REPLACE ${AGENT_LOCKS_TABLE} SET ${values.map(([column]) => `${name(column)} = ?`).join(', ')}
      WHERE ${name(table.holder)} = ? AND ${name(table.task)} IN (SELECT value FROM json_each(?))`,
  ).run(...values.map(([, value]) => value), from, JSON.stringify(ids));
}

/** Removes the lock of `holder` on a task. */
export function clearAgentLock(db: DatabaseSync, id: TaskId, holder: string): void {
  const table = tableOf(db);
  if (table === undefined) return;
  db.prepare(`DELETE FROM ${AGENT_LOCKS_TABLE} WHERE ${name(table.task)} = ? AND ${name(table.holder)} = ?`).run(
    id,
    holder,
  );
}

function tableOf(db: DatabaseSync): Table | undefined {
  const columns = columnsOf(db, AGENT_LOCKS_TABLE);
  const roles = findAgentLockColumns(columns.map((column) => column.name));
  return roles === undefined ? undefined : { ...roles, columns };
}

/** The values for the columns of time that the table has; a time that is undefined is not written. */
function times(db: DatabaseSync, table: Table, lock: Lock): [string, SQLInputValue][] {
  const pairs = [
    [table.since, lock.since],
    [table.until, lock.until],
  ] as const;
  return pairs.flatMap(([column, at]): [string, SQLInputValue][] =>
    column === undefined || at === undefined ? [] : [[column, asThere(db, table, column, at)]],
  );
}

/** A time as the column has others, or as it is declared: text where that is text, else a number of seconds or ms. */
function asThere(db: DatabaseSync, { columns }: Table, column: string, at: number): SQLInputValue {
  const sample = db
    .prepare(`SELECT ${time(column)} AS value FROM ${AGENT_LOCKS_TABLE} WHERE ${name(column)} IS NOT NULL LIMIT 1`)
    .get()?.['value'];
  if (typeof sample === 'number') return sample > 1e11 ? at : Math.floor(at / 1000);
  const declared = columns.find((each) => each.name.toLowerCase() === column)?.type ?? '';
  if (typeof sample === 'string' || /CHAR|TEXT|DATE|TIME/.test(declared)) return formatRfc3339(at);
  return /_ms$/i.test(column) ? at : Math.floor(at / 1000);
}

/** A column of time as a value that fits a number: a huge integer must not throw. */
function time(column: string | undefined): string {
  if (column === undefined) return 'NULL';
  return `CASE typeof(${name(column)}) WHEN 'integer' THEN CAST(${name(column)} AS REAL) WHEN 'blob' THEN NULL ELSE ${name(column)} END`;
}

function name(column: string): string {
  return `"${column.replaceAll('"', '""')}"`;
}
