import type { Change } from '../../core/edit/change.ts';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { parseStatus, type Lock, type Status, type TaskId } from '../../core/task.ts';
import { noteActivity } from './activities.ts';
import { clearAgentLock } from './agent-locks.ts';
import { noteStatus } from './edit-history.ts';
import { changeOne, lockInTheWay, readLockRow, seconds, type LockContext } from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';

/**
 * Releases a lock of any holder while it is still that lock, moves In Progress to Todo where no
 * other live lock is left, and records it in `task_activities`. Returns the task's status, and
 * whether it was written.
 *
 * Fails with `noSuchTask`; with `held` or `unleased` where the lock has another holder or end by
 * now; with `changedMeanwhile` where it is gone.
 */
export function clearLock(
  context: LockContext,
  { id, holder, until, reason }: Omit<Extract<Change, { kind: 'clearLock' }>, 'kind'>,
): Result<{ readonly status: Status; readonly changed: boolean }, Failure> {
  const { db, now } = context;
  context.touch?.(id);
  const row = readLockRow(context, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  const isMeant = (lock: Lock): boolean => lock.holder === holder && sameSecond(lock.until, until);
  const meant = row.locks.find(isMeant);
  if (meant === undefined)
    return fail(
      lockInTheWay(row, { holder: '', now }, id) ?? {
        kind: 'changedMeanwhile',
        id,
        rawStatus: row.status,
      },
    );

  const status = parseStatus(row.status);
  const others = row.locks.some(
    (lock) => lock.holder !== holder && (lock.until === undefined || lock.until > now),
  );
  const reopens = status === 'In Progress' && !others;
  const clears = row.lock?.holder === holder;
  changeOne(
    db,
    `UPDATE tasks SET ${clears ? 'assignee = NULL, assigned_at = NULL, lock_until = NULL,' : ''}
      ${reopens ? `status = 'Todo', completed = 0, completed_at = '', last_modified = :at,` : ''}
      version = COALESCE(version, 0) + 1, updated_at = :now WHERE id = :id`,
    { now: seconds(now), id, ...(reopens ? { at: formatRfc3339(now) } : {}) },
  );
  clearAgentLock(db, id, holder);
  if (reopens) noteStatus(context, id, row.status, 'Todo');
  noteActivity(context, 'lock_released', id, { ...lockDetails(meant), by: context.holder, reason });
  return ok({ status: reopens ? 'Todo' : status, changed: reopens });
}

/**
 * Records that the context has taken a task over from another holder, whose lease had ended or had
 * no end.
 */
export function noteTakeOver(context: LockContext, id: TaskId, from: Lock): void {
  noteActivity(context, 'lock_taken_over', id, { ...lockDetails(from), by: context.holder });
}

function lockDetails(lock: Lock): { readonly holder: string; readonly until: string | null } {
  return { holder: lock.holder, until: lock.until === undefined ? null : dateText(lock.until) };
}

function dateText(at: number): string {
  // A stored end may be outside the range of a date.
  return Math.abs(at) <= 8.64e15 ? formatRfc3339(at) : String(at);
}

function sameSecond(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined ? a === b : seconds(a) === seconds(b);
}
