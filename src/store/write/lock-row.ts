import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Lock, TaskId } from '../../core/task.ts';
import { readAgentLocks } from './agent-locks.ts';
import { NotWritten } from './connection.ts';
import { prepared } from './prepared.ts';

/** Who speaks, and when (epoch ms), inside a transaction that has the write lock. */
export interface LockContext {
  readonly db: DatabaseSync;
  readonly holder: string;
  readonly now: number;
}

/** What statements about locks need of a task. */
export interface LockRow {
  readonly status: string;
  readonly version: number;
  /** What the lock columns say; undefined where nobody is named there. An empty name is nobody. */
  readonly lock: Lock | undefined;
  /** Every lock on the task: that of the columns first, then those of a table of agents' locks, where there is one. */
  readonly locks: readonly Lock[];
}

/** The row of a task, read under the write lock; undefined where there is none. */
export function readLockRow({ db }: Pick<LockContext, 'db'>, id: TaskId): LockRow | undefined {
  // Other programs write these columns too: text where a number belongs is no time, and a huge integer must not throw.
  const row = prepared(
    db,
    `SELECT COALESCE(CAST(status AS TEXT), '') AS status, CAST(COALESCE(version, 0) AS REAL) AS version,
        NULLIF(CAST(assignee AS TEXT), '') AS holder,
        CASE WHEN typeof(assigned_at) IN ('integer', 'real') THEN CAST(assigned_at AS REAL) END AS since,
        CASE WHEN typeof(lock_until) IN ('integer', 'real') THEN CAST(lock_until AS REAL) END AS until
        FROM tasks WHERE id = ?`,
  ).get(id);
  if (row === undefined) return undefined;
  const holder = row['holder'] as string | null;
  const lock =
    holder === null
      ? undefined
      : {
          holder,
          since: milliseconds(row['since'] as number | null),
          until: milliseconds(row['until'] as number | null),
        };
  return {
    status: row['status'] as string,
    version: row['version'] as number,
    lock,
    locks: [...(lock === undefined ? [] : [lock]), ...readAgentLocks(db, id)],
  };
}

/** Runs a statement on a row that was read a moment ago under the same write lock; a trigger may still have refused. */
export function changeOne(db: DatabaseSync, sql: string, values: Record<string, SQLInputValue>): void {
  if (prepared(db, sql).run(values).changes !== 1) throw new NotWritten('the row was not changed');
}

/** The end of a lease of `leaseMs` in whole seconds, rounded up: up to a second more than asked for, never less. */
export function endOfLease(now: number, leaseMs: number): number {
  return Math.ceil((now + leaseMs) / 1000);
}

/** Epoch ms as the database has times. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function milliseconds(value: number | null): number | undefined {
  return value === null ? undefined : value * 1000;
}
