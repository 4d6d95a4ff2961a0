import type { Failure } from '../../core/failure.ts';
import type { Claim, Renewal } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { parseStatus, type TaskId } from '../../core/task.ts';
import {
  agentLocksOf,
  clearAgentLock,
  othersInAgentLocks,
  renewAgentLocks,
  writeAgentLock,
} from './agent-locks.ts';
import { isDoubtful } from './claim-doubt.ts';
import { noteStatus } from './edit-history.ts';
import { noteTakeOver } from './lock-audit.ts';
import {
  changeOne,
  endOfLease,
  lockInTheWay,
  type LockRow,
  readLockRow,
  seconds,
  type LockContext,
} from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';
import type { FinalStatus, RequestOf, Values } from './writer-protocol.ts';

type Outcome<Op extends keyof Values> = Result<Values[Op], Failure>;

/**
 * Claims a Todo or In Progress task, in any spelling, and writes `In Progress`.
 *
 * Another holder's lock blocks the claim until its end. The new end is written in whole seconds,
 * rounded up, and `Claim.until` is the written value: at most a second longer than requested, never
 * shorter. Taking over another holder's lock is recorded in `task_activities`.
 */
export function claimTask(context: LockContext, request: RequestOf<'claim'>): Outcome<'claim'> {
  const { db, holder, now } = context;
  const { id } = request;
  context.touch?.(id);
  const row = readLockRow(context, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  const status = parseStatus(row.status);
  if (status !== 'Todo' && status !== 'In Progress') {
    return fail({ kind: 'notClaimable', id, status, rawStatus: row.status });
  }
  const inTheWay = lockInTheWay(row, context, id);
  if (inTheWay !== undefined && !(inTheWay.kind === 'unleased' && request.takeUnleased))
    return fail(inTheWay);
  if (isDoubtful(context, id, row))
    return fail({ kind: 'changedMeanwhile', id, rawStatus: row.status });
  const ours = row.locks.find((lock) => lock.holder === holder);
  const taken = ours === undefined ? row.locks[0] : undefined;
  const since = seconds(ours === undefined ? now : (ours.since ?? now));
  const until = endOfLease(now, request.leaseMs);
  // `last_modified` stays, as in exarp-go's lock operations.
  changeOne(
    db,
    `UPDATE tasks SET assignee = :holder, assigned_at = :since, lock_until = :until, status = 'In Progress',
      version = COALESCE(version, 0) + 1, updated_at = :now WHERE id = :id`,
    { holder, since, until, now: seconds(now), id },
  );
  writeAgentLock(db, id, { holder, since: since * 1000, until: until * 1000 });
  noteStatus(context, id, row.status, 'In Progress');
  if (taken !== undefined) noteTakeOver(context, id, taken);
  const claim: Claim = {
    id,
    holder,
    since: since * 1000,
    until: until * 1000,
    fresh: ours === undefined,
    version: row.version + 1,
    ...(taken === undefined ? {} : { takenFrom: { holder: taken.holder, until: taken.until } }),
  };
  return ok({ claim, changed: row.status !== 'In Progress' });
}

/**
 * Sets a new end on all locks that are still ours, in one statement, and reports the holders of the
 * lost ones.
 */
export function renewLocks(context: LockContext, { ids, leaseMs }: RequestOf<'renew'>): Renewal {
  const { db, holder, now } = context;
  for (const id of ids) context.touch?.(id);
  const until = endOfLease(now, leaseMs);
  const taken = othersInAgentLocks(db, ids, holder, now);
  const wanted = ids.filter((id) => !taken.has(id));
  const renewed = db
    .prepare(
      `UPDATE tasks SET lock_until = :until, version = COALESCE(version, 0) + 1, updated_at = :now
        WHERE assignee = :holder AND id IN (SELECT value FROM json_each(:ids)) RETURNING id`,
    )
    .all({ until, now: seconds(now), holder, ids: JSON.stringify(wanted) })
    .map((row) => row['id'] as TaskId);
  renewAgentLocks(db, renewed, holder, until * 1000);
  const kept = new Set(renewed);
  const lost = [...new Set(ids)]
    .filter((id) => !kept.has(id))
    .map((id) => ({ id, holder: taken.get(id) ?? readLockRow(context, id)?.lock?.holder }));
  return { renewed, until: until * 1000, lost };
}

/**
 * Releases our lock and moves In Progress to `to`, in one statement. Any other status was set by
 * another process or the user, and stays.
 */
export function releaseTask(
  context: LockContext,
  {
    id,
    to,
    again,
    onlyMoved = false,
  }: Omit<RequestOf<'release'>, 'onlyMoved'> & {
    readonly onlyMoved?: boolean;
  },
): Outcome<'release'> {
  const { db, holder, now } = context;
  const isOpen = context.touch?.(id) === 'open';
  const row = readLockRow(context, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  const ours = oursIn(row, holder);
  if (ours === 'none') {
    // The first try may have been committed before its answer was lost: then this is its result.
    if (again && row.lock === undefined && row.status === to)
      return ok({ status: to, changed: true });
    return fail({ kind: 'lockLost', id, holder: row.lock?.holder });
  }
  const status = parseStatus(row.status);
  if (onlyMoved && (isOpen || status === 'In Progress'))
    return ok({ status: 'In Progress', changed: false });
  if (status === 'In Progress') {
    writeStatus(context, id, { from: row.status, to }, ours);
    return ok({ status: to, changed: true });
  }
  if (ours === 'columns') {
    changeOne(
      db,
      `UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL,
        version = COALESCE(version, 0) + 1, updated_at = :now WHERE id = :id AND assignee = :holder`,
      { now: seconds(now), id, holder },
    );
  }
  clearAgentLock(db, id, holder);
  return ok({ status, changed: false });
}

/**
 * Writes a status where the stored one is still `from` and no lock of another holder blocks it;
 * releases ours.
 */
export function setTaskStatus(
  context: LockContext,
  { id, from, to, again }: RequestOf<'setStatus'>,
): Outcome<'setStatus'> {
  context.touch?.(id);
  const row = readLockRow(context, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  const ours = oursIn(row, context.holder);
  const inTheWay = lockInTheWay(row, context, id);
  if (inTheWay !== undefined) return fail(inTheWay);
  if (row.status !== from) {
    if (again && row.status === to && ours === 'none') return ok({ status: to, changed: true });
    return fail({ kind: 'changedMeanwhile', id, rawStatus: row.status });
  }
  writeStatus(context, id, { from: row.status, to }, ours);
  return ok({ status: to, changed: true });
}

/**
 * Releases all locks of the holder that were taken up to `takenBefore` (epoch ms), except those on
 * `except`, moves In Progress back to Todo, and returns the moved tasks. A later lock belongs to a
 * new process with the same id.
 */
export function releaseAllLocks(
  context: LockContext,
  takenBefore: number,
  except: ReadonlySet<TaskId> = new Set(),
): readonly TaskId[] {
  const { db, holder } = context;
  const rows = db
    .prepare(
      `SELECT id FROM tasks
        WHERE assignee = :holder AND (assigned_at IS NULL OR assigned_at <= :before)`,
    )
    .all({ holder, before: seconds(takenBefore) });
  const moved: TaskId[] = [];
  for (const row of rows) {
    const id = row['id'] as TaskId;
    if (except.has(id)) continue;
    const outcome = releaseTask(context, { id, to: 'Todo', again: false });
    if (outcome.ok && outcome.value.changed) moved.push(id);
  }
  for (const lock of agentLocksOf(db, holder)) {
    if (!except.has(lock.id) && (lock.since ?? 0) <= takenBefore)
      clearAgentLock(db, lock.id, holder);
  }
  return moved;
}

/**
 * The place of our lock on a task: only in the agent table where another program has cleared the
 * columns.
 */
type Ours = 'columns' | 'agentTable' | 'none';

function oursIn({ lock, locks }: LockRow, holder: string): Ours {
  if (lock !== undefined) return lock.holder === holder ? 'columns' : 'none';
  return locks.some((each) => each.holder === holder) ? 'agentTable' : 'none';
}

function writeStatus(
  context: LockContext,
  id: TaskId,
  { from, to }: { readonly from: string; readonly to: FinalStatus },
  ours: Ours,
): void {
  const { db, holder, now } = context;
  const clearLock = ours === 'columns';
  // exarp-go requires `completed` and `completed_at` to be not NULL, and `completed_at` empty where
  // the task is not done.
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
  if (ours !== 'none') clearAgentLock(db, id, holder);
  noteStatus(context, id, from, to);
}
