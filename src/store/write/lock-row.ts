import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Failure } from '../../core/failure.ts';
import type { Lock, TaskId } from '../../core/task.ts';
import { readAgentLocks } from './agent-locks.ts';
import { NotWritten } from './connection.ts';
import { prepared } from './prepared.ts';

/** The holder and the time (epoch ms) of a transaction that has the write lock. */
export interface LockContext {
  readonly db: DatabaseSync;
  readonly holder: string;
  readonly now: number;
  /**
   * To be called for a task before it is written, by the part that watches that it is not undone.
   * `open`: the row differs from what we wrote, and may have been undone by a rewrite that has not
   * ended. `deletion`: it is going to be deleted.
   */
  readonly touch?: (id: TaskId, use?: 'deletion') => 'open' | undefined;
}

/** The part of a task's row that lock statements need. */
export interface LockRow {
  readonly status: string;
  readonly version: number;
  /** The lock in the lock columns; undefined where the holder is missing or empty. */
  readonly lock: Lock | undefined;
  /** All locks on the task: first the lock columns, then the table of agent locks, if any. */
  readonly locks: readonly Lock[];
}

/** The row of a task, read under the write lock; undefined where it does not exist. */
export function readLockRow({ db }: Pick<LockContext, 'db'>, id: TaskId): LockRow | undefined {
  // Other programs write these columns too: text in a time column is ignored, and a huge integer
  // must not throw.
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

/** The lock of another holder that blocks a task; a live lease comes before one without an end. */
export function lockInTheWay(
  row: Pick<LockRow, 'locks'>,
  { holder, now }: Pick<LockContext, 'holder' | 'now'>,
  id: TaskId,
): Failure | undefined {
  const others = row.locks.filter((lock) => lock.holder !== holder);
  const live = others.find((lock) => lock.until !== undefined && lock.until > now);
  if (live?.until !== undefined)
    return { kind: 'held', id, holder: live.holder, until: live.until };
  const unleased = others.find((lock) => lock.until === undefined);
  return unleased && { kind: 'unleased', id, holder: unleased.holder };
}

/**
 * Runs a statement on a row that was read under the same write lock; throws `NotWritten` where a
 * trigger refused.
 */
export function changeOne(
  db: DatabaseSync,
  sql: string,
  values: Record<string, SQLInputValue>,
): void {
  if (prepared(db, sql).run(values).changes !== 1) throw new NotWritten('the row was not changed');
}

/**
 * The end of a lease in whole seconds, rounded up: at most a second longer than requested, never
 * shorter.
 */
export function endOfLease(now: number, leaseMs: number): number {
  return Math.ceil((now + leaseMs) / 1000);
}

/** Epoch ms to the database's seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function milliseconds(value: number | null): number | undefined {
  return value === null ? undefined : value * 1000;
}
