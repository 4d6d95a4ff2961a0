import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Failure } from '../core/failure.ts';
import type { Renewal } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { parseStatus, type TaskId } from '../core/task.ts';
import { NotWritten } from './connection.ts';
import { formatRfc3339 } from './rfc3339.ts';
import type { Ask, FinalStatus, Values } from './writer-protocol.ts';

/** Who speaks, and when (epoch ms). Every function here runs inside a transaction that has the write lock. */
export interface Speaker {
  readonly db: DatabaseSync;
  readonly holder: string;
  readonly now: number;
}

type Of<Op extends Ask['op']> = Extract<Ask, { op: Op }>;
type Outcome<Op extends keyof Values> = Result<Values[Op], Failure>;

/**
 * Takes a Todo or In Progress task, whatever the spelling, and writes `In Progress`.
 *
 * A lock is in the way while its end lies ahead; ours never is. The end is written in whole seconds, rounded up, and
 * `Claim.until` is what was written: up to a second more than asked for, never less.
 */
export function claimTask(speaker: Speaker, ask: Of<'claim'>): Outcome<'claim'> {
  const { db, holder, now } = speaker;
  const { id } = ask;
  const row = readRow(db, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  const status = parseStatus(row.status);
  if (status !== 'Todo' && status !== 'In Progress') {
    return fail({ kind: 'notClaimable', id, status, rawStatus: row.status });
  }
  const fresh = row.holder !== holder;
  if (fresh && row.holder !== undefined) {
    if (row.until === undefined) {
      if (!ask.takeUnleased) return fail({ kind: 'unleased', id, holder: row.holder });
    } else if (row.until > now) {
      return fail({ kind: 'held', id, holder: row.holder, until: row.until });
    }
  }
  const since = seconds(fresh ? now : (row.since ?? now));
  const until = endOfLease(now, ask.leaseMs);
  // `last_modified` stays, as with every lock operation of exarp-go.
  changeOne(
    db,
    `UPDATE tasks SET assignee = :holder, assigned_at = :since, lock_until = :until, status = 'In Progress',
      version = COALESCE(version, 0) + 1, updated_at = :now WHERE id = :id`,
    { holder, since, until, now: seconds(now), id },
  );
  return ok({
    claim: { id, holder, since: since * 1000, until: until * 1000, fresh },
    changed: row.status !== 'In Progress',
  });
}

/** Gives every lock that is still ours a new end, in one statement, and says who has the others. */
export function renewLocks({ db, holder, now }: Speaker, { ids, leaseMs }: Of<'renew'>): Renewal {
  const until = endOfLease(now, leaseMs);
  const renewed = db
    .prepare(
      `UPDATE tasks SET lock_until = :until, version = COALESCE(version, 0) + 1, updated_at = :now
        WHERE assignee = :holder AND id IN (SELECT value FROM json_each(:ids)) RETURNING id`,
    )
    .all({ until, now: seconds(now), holder, ids: JSON.stringify(ids) })
    .map((row) => row['id'] as TaskId);
  const kept = new Set(renewed);
  const lost = [...new Set(ids)].filter((id) => !kept.has(id)).map((id) => ({ id, holder: readRow(db, id)?.holder }));
  return { renewed, until: until * 1000, lost };
}

/** Clears our lock and moves In Progress to `to`, in one statement. Any other status was set by somebody: it stays. */
export function finishTask(speaker: Speaker, { id, to, again }: Of<'finish'>): Outcome<'finish'> {
  const { db, holder, now } = speaker;
  const row = readRow(db, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  if (row.holder !== holder) {
    // The first try may have come through before its answer was lost: then this is what it left behind.
    if (again && row.holder === undefined && row.status === to) return ok({ status: to, changed: true });
    return fail({ kind: 'lockLost', id, holder: row.holder });
  }
  const status = parseStatus(row.status);
  if (status === 'In Progress') {
    writeStatus(speaker, id, to, true);
    return ok({ status: to, changed: true });
  }
  changeOne(
    db,
    `UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL,
      version = COALESCE(version, 0) + 1, updated_at = :now WHERE id = :id AND assignee = :holder`,
    { now: seconds(now), id, holder },
  );
  return ok({ status, changed: false });
}

/** Writes a status where the stored one is still `from` and no lock of somebody else is in the way; clears ours. */
export function setTaskStatus(speaker: Speaker, { id, from, to, again }: Of<'setStatus'>): Outcome<'setStatus'> {
  const row = readRow(speaker.db, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  const ours = row.holder === speaker.holder;
  if (row.holder !== undefined && !ours) {
    if (row.until === undefined) return fail({ kind: 'unleased', id, holder: row.holder });
    if (row.until > speaker.now) return fail({ kind: 'held', id, holder: row.holder, until: row.until });
  }
  if (row.status !== from) {
    if (again && row.status === to && !ours) return ok({ status: to, changed: true });
    return fail({ kind: 'changedMeanwhile', id, rawStatus: row.status });
  }
  writeStatus(speaker, id, to, ours);
  return ok({ status: to, changed: true });
}

/**
 * Clears every lock of the holder that was taken up to `takenBefore` (epoch ms) and moves In Progress back to Todo;
 * answers what it moved. A later lock is that of a new process which was given the same id.
 */
export function releaseAllLocks(speaker: Speaker, takenBefore: number): readonly TaskId[] {
  const { db, holder } = speaker;
  const rows = db
    .prepare(
      `SELECT id FROM tasks
        WHERE assignee = :holder AND (assigned_at IS NULL OR assigned_at <= :before)`,
    )
    .all({ holder, before: seconds(takenBefore) });
  const moved: TaskId[] = [];
  for (const row of rows) {
    const id = row['id'] as TaskId;
    const outcome = finishTask(speaker, { op: 'finish', id, to: 'Todo', again: false });
    if (outcome.ok && outcome.value.changed) moved.push(id);
  }
  return moved;
}

function writeStatus({ db, holder, now }: Speaker, id: TaskId, to: FinalStatus, clearLock: boolean): void {
  // `completed` and `completed_at` as exarp-go wants to read them: never NULL, and empty where the task is not done.
  changeOne(
    db,
    `UPDATE tasks SET status = :to, completed = :done,
      completed_at = CASE WHEN :done = 1 THEN COALESCE(NULLIF(completed_at, ''), :at) ELSE '' END,
      ${clearLock ? 'assignee = NULL, assigned_at = NULL, lock_until = NULL,' : ''}
      last_modified = :at, version = COALESCE(version, 0) + 1, updated_at = :now
      WHERE id = :id ${clearLock ? 'AND assignee = :holder' : ''}`,
    {
      to,
      done: to === 'Done' ? 1 : 0,
      at: formatRfc3339(now),
      now: seconds(now),
      id,
      ...(clearLock ? { holder } : {}),
    },
  );
}

function changeOne(db: DatabaseSync, sql: string, values: Record<string, SQLInputValue>): void {
  // The row was read a moment ago under the same write lock; a trigger of somebody's may still have refused.
  if (db.prepare(sql).run(values).changes !== 1) throw new NotWritten('the row was not changed');
}

interface Row {
  readonly status: string;
  /** Undefined where nobody is named; an empty name is nobody. */
  readonly holder: string | undefined;
  readonly since: number | undefined;
  readonly until: number | undefined;
}

function readRow(db: DatabaseSync, id: TaskId): Row | undefined {
  // Other programs write these columns too: text where a number belongs is no time, and a huge integer must not throw.
  const row = db
    .prepare(
      `SELECT COALESCE(CAST(status AS TEXT), '') AS status, NULLIF(CAST(assignee AS TEXT), '') AS holder,
        CASE WHEN typeof(assigned_at) IN ('integer', 'real') THEN CAST(assigned_at AS REAL) END AS since,
        CASE WHEN typeof(lock_until) IN ('integer', 'real') THEN CAST(lock_until AS REAL) END AS until
        FROM tasks WHERE id = ?`,
    )
    .get(id);
  if (row === undefined) return undefined;
  return {
    status: row['status'] as string,
    holder: (row['holder'] as string | null) ?? undefined,
    since: milliseconds(row['since'] as number | null),
    until: milliseconds(row['until'] as number | null),
  };
}

function endOfLease(now: number, leaseMs: number): number {
  return Math.ceil((now + leaseMs) / 1000);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function milliseconds(value: number | null): number | undefined {
  return value === null ? undefined : value * 1000;
}
