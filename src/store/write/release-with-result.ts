import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Ending } from '../../core/run/attempt/task-work.ts';
import { parseStatus, type TaskId } from '../../core/task.ts';
import { hasComment, writeComment, type CommentType } from './comments.ts';
import { readLockRow, type LockContext } from './lock-row.ts';
import { claimTask, releaseTask, setTaskStatus } from './lock-statements.ts';
import type { Values } from './writer-protocol.ts';

/**
 * exarp-go rewrites all tasks from an older read, which may reset a claimed task to Todo. That
 * happens soon after the claim; a later Todo was set on purpose by another program.
 */
const UNDONE_WITHIN_MS = 60_000;

export interface EndOfWork extends Ending {
  readonly id: TaskId;
  /**
   * True where another process may have ended the work: the task is in Review or Done, and its lock
   * is released.
   */
  readonly acceptsMoved: boolean;
  readonly commentType: CommentType;
  /** True for a repeated request whose outcome is unknown. */
  readonly again: boolean;
}

/**
 * Ends the holder's work on a task in one transaction: releases the lock, moves In Progress to
 * `to`, and adds the comment for the resulting status where a table takes it.
 *
 * A status that another process has set stays, unless the ending overrules Review and Done. Fails
 * with `lockLost` where the lock is not the holder's, with `noSuchTask`, and with `busy` while it is
 * open whether a rewrite has set the status back.
 */
export function releaseWithResult(
  context: LockContext,
  { id, to, overrules, comment, acceptsMoved, commentType, again }: EndOfWork,
): Result<Values['releaseWithResult'], Failure> {
  const isOpen = context.touch?.(id) === 'open';
  const row = readLockRow(context, id);
  const before = row && parseStatus(row.status);
  // Soon it shows whether somebody set it or a rewrite set it back.
  if (isOpen && before !== 'In Progress') return fail({ kind: 'busy', file: '', waitedMs: 0 });
  if (again && before !== undefined && row?.locks.length === 0) {
    // The first try may have been committed before its answer was lost: then its comment exists,
    // too.
    const text = comment?.(before);
    const isDone =
      text === undefined ? before === to : hasComment(context.db, id, commentType, text);
    if (isDone)
      return ok({
        status: before,
        changed: before === to,
        comment: text === undefined ? 'none' : 'written',
      });
  }
  const lock = row?.locks.find(({ holder }) => holder === context.holder);
  if (
    lock !== undefined &&
    before === 'Todo' &&
    context.now - (lock.since ?? 0) < UNDONE_WITHIN_MS
  ) {
    const claimed = claimTask(context, { id, leaseMs: UNDONE_WITHIN_MS, takeUnleased: false });
    if (!claimed.ok) return claimed;
  }
  let released: Result<Values['release'], Failure> = releaseTask(context, { id, to, again: false });
  const isMoved =
    acceptsMoved && row?.lock === undefined && (before === 'Review' || before === 'Done');
  if (!released.ok && isMoved) released = ok({ status: before, changed: false });
  if (!released.ok) return released;
  const { status, changed } = overrules
    ? overrule(context, id, to, released.value)
    : released.value;
  const text = comment?.(status);
  const isWritten = text !== undefined && writeComment(context, id, commentType, text);
  return ok({
    status,
    changed,
    comment: text === undefined ? 'none' : isWritten ? 'written' : 'noTable',
  });
}

/** Moves Review and Done to `to`, unless another holder has the task by then. */
function overrule(
  context: LockContext,
  id: TaskId,
  to: Ending['to'],
  released: Values['release'],
): Values['release'] {
  const { status } = released;
  if ((status !== 'Review' && status !== 'Done') || status === to) return released;
  const from = readLockRow(context, id)?.status ?? '';
  const moved = setTaskStatus(context, { id, from, to, again: false });
  return moved.ok ? { status: to, changed: true } : released;
}
