import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Change } from '../../core/edit/change.ts';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { parseStatus, type Lock, type Status, type TaskId } from '../../core/task.ts';
import { clearAgentLock } from './agent-locks.ts';
import { changeOne, readLockRow, seconds, type LockContext } from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { inSavepoint } from './savepoint.ts';
import { columnsOf } from './table-columns.ts';

/**
 * Takes a lock off a task whoever holds it, while it is still that lock, moves In Progress to Todo where no other lock is
 * left, and leaves a line in `task_activities`. Answers the status the task has now, and whether that was written.
 *
 * Fails with `noSuchTask`; with `held` where the lock has another holder or end by now; with `changedMeanwhile` where it is gone.
 */
export function clearLock(
  context: LockContext,
  { id, holder, until, reason }: Omit<Extract<Change, { kind: 'clearLock' }>, 'kind'>,
): Result<{ readonly status: Status; readonly changed: boolean }, Failure> {
  const { db, now } = context;
  const row = readLockRow(context, id);
  if (row === undefined) return fail({ kind: 'noSuchTask', id });
  const isMeant = (lock: Lock): boolean => lock.holder === holder && sameSecond(lock.until, until);
  const meant = row.locks.find(isMeant);
  if (meant === undefined) return fail(whyNot(id, row, now));

  const status = parseStatus(row.status);
  const others = row.locks.some((lock) => lock.holder !== holder && (lock.until === undefined || lock.until > now));
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
  noteActivity(context, 'lock_released', id, { ...lockDetails(meant), by: context.holder, reason });
  return ok({ status: reopens ? 'Todo' : status, changed: reopens });
}

/** Notes that the context has taken a task over from somebody whose lease had ended, or who had none. */
export function noteTakeOver(context: LockContext, id: TaskId, from: Lock): void {
  noteActivity(context, 'lock_taken_over', id, { ...lockDetails(from), by: context.holder });
}

type Activity = 'lock_released' | 'lock_taken_over' | 'todo_created' | 'todo_updated' | 'status_changed';

/** Writes a line where the table is one that we know; the table is somebody else's, so its lack is no failure. */
export function noteActivity(
  { db, now }: Pick<LockContext, 'db' | 'now'>,
  type: Activity,
  id: TaskId,
  details: Readonly<Record<string, unknown>>,
): void {
  if (!takesActivities(db)) return;
  inSavepoint(db, () => {
    db.prepare(
      `INSERT INTO task_activities (id, activity_type, task_id, task_name, timestamp, details)
      SELECT :activity, :type, id, content, :at, :details FROM tasks WHERE id = :id`,
    ).run({
      activity: `activity-${now}-${randomBytes(4).toString('hex')}`,
      type,
      at: formatRfc3339(now),
      details: JSON.stringify(details),
      id,
    });
  });
}

const ACTIVITY_COLUMNS = ['id', 'activity_type', 'task_id', 'task_name', 'timestamp', 'details'];

function takesActivities(db: DatabaseSync): boolean {
  const columns = columnsOf(db, 'task_activities');
  const names = new Set(columns.map(({ name }) => name));
  // A column that must be filled, and that we know nothing of, makes it a table of another kind.
  return (
    ACTIVITY_COLUMNS.every((name) => names.has(name)) &&
    columns.every((column) => !column.required || ACTIVITY_COLUMNS.includes(column.name))
  );
}

function lockDetails(lock: Lock): { readonly holder: string; readonly until: string | null } {
  return { holder: lock.holder, until: lock.until === undefined ? null : dateText(lock.until) };
}

function dateText(at: number): string {
  // A stored end may lie beyond what a date can be.
  return Math.abs(at) <= 8.64e15 ? formatRfc3339(at) : String(at);
}

function whyNot(id: TaskId, { status, locks }: { status: string; locks: readonly Lock[] }, now: number): Failure {
  const live = locks.find((lock) => lock.until !== undefined && lock.until > now);
  if (live?.until !== undefined) return { kind: 'held', id, holder: live.holder, until: live.until };
  const unleased = locks.find((lock) => lock.until === undefined);
  if (unleased !== undefined) return { kind: 'unleased', id, holder: unleased.holder };
  return { kind: 'changedMeanwhile', id, rawStatus: status };
}

function sameSecond(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined ? a === b : seconds(a) === seconds(b);
}
