import type { Failure } from '../../core/failure.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Ending } from '../../core/run/attempt/task-work.ts';
import { parseStatus, type Status, type TaskId } from '../../core/task.ts';
import { writeComment } from './comments.ts';
import { readLockRow, type LockContext } from './lock-row.ts';
import { claimTask, releaseTask, setTaskStatus } from './lock-statements.ts';

/**
 * exarp-go rewrites all tasks from what it read some time before, and may so put a task back to Todo that was claimed in
 * between. That comes soon after the claim; a Todo that is found later was somebody's decision.
 */
const UNDONE_WITHIN_MS = 60_000;

/** What ending a piece of work wrote. `comment`: what became of it. */
export interface Finished {
  readonly status: Status;
  /** False where the status is what somebody else made it. */
  readonly changed: boolean;
  readonly comment: 'written' | 'none' | 'noTable';
}

/**
 * Ends our work on a task that was claimed at `claimedAt` (epoch ms), inside one transaction: the lock is cleared, In Progress
 * becomes `ending.to`, and the comment is added where there is a table of comments that takes it.
 *
 * A status that somebody set meanwhile stays, but where the ending overrules Review and Done. Fails with `lockLost`, `noSuchTask`.
 */
export function finishWork(
  context: LockContext,
  { id, ending, claimedAt }: { readonly id: TaskId; readonly ending: Ending; readonly claimedAt: number },
): Result<Finished, Failure> {
  const row = readLockRow(context, id);
  const isOurs = row?.locks.some(({ holder }) => holder === context.holder) === true;
  if (isOurs && parseStatus(row.status) === 'Todo' && context.now - claimedAt < UNDONE_WITHIN_MS) {
    const again = claimTask(context, { op: 'claim', id, leaseMs: UNDONE_WITHIN_MS, takeUnleased: false });
    if (!again.ok) return again;
  }
  const finished = releaseTask(context, { op: 'release', id, to: ending.to, again: false });
  if (!finished.ok) return finished;
  const { status, changed } = ending.overrules ? overrule(context, id, ending.to, finished.value) : finished.value;
  const text = ending.comment?.(status);
  const comment = text === undefined ? 'none' : writeComment(context, id, 'result', text) ? 'written' : 'noTable';
  return ok({ status, changed, comment });
}

type Settled = Pick<Finished, 'status' | 'changed'>;

function overrule(context: LockContext, id: TaskId, to: Ending['to'], settled: Settled): Settled {
  if (settled.status !== 'Review' && settled.status !== 'Done') return settled;
  if (settled.status === to) return settled;
  const from = readLockRow(context, id)?.status ?? '';
  const moved = setTaskStatus(context, { op: 'setStatus', id, from, to, again: false });
  // Somebody else has the task by another kind of lock: then its status is theirs.
  return moved.ok ? { status: to, changed: true } : settled;
}
