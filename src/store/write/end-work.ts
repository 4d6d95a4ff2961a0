import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { parseStatus } from '../../core/task.ts';
import { hasComment, writeComment } from './comments.ts';
import { finishWork } from './finish-work.ts';
import { readLockRow, type LockContext } from './lock-row.ts';
import type { WriterRequest, Values } from './writer-protocol.ts';

type Of<Op extends WriterRequest['op']> = Extract<WriterRequest, { op: Op }>;

/**
 * Ends work that the holder itself reports about, inside one transaction: the lock is cleared, In Progress becomes `to`, and the
 * comment is added. A status that somebody set meanwhile stays. Fails with `lockLost` where the lock is not the holder's,
 * and with `noSuchTask`.
 */
export function endWork(
  context: LockContext,
  { id, to, comment, again }: Of<'releaseWithResult'>,
): Result<Values['releaseWithResult'], Failure> {
  const row = readLockRow(context, id);
  const ours = row?.locks.find(({ holder }) => holder === context.holder);
  if (again && row !== undefined && row.locks.length === 0 && parseStatus(row.status) === to) {
    // The first try may have come through before its answer was lost: then its comment is there, too.
    const isWritten = comment === null || hasComment(context.db, id, comment.type, comment.text);
    if (isWritten) return ok({ status: to, changed: true, commented: comment !== null });
  }
  const ending = { to, overrules: false, comment: undefined };
  const finished = finishWork(context, { id, ending, claimedAt: ours?.since ?? 0 });
  if (!finished.ok) return finished;
  const { status, changed } = finished.value;
  const commented = comment !== null && writeComment(context, id, comment.type, comment.text);
  return ok({ status, changed, commented });
}

/** Adds a note to a task, whoever holds it. Fails with `noSuchTask`, and where the store takes no comments with `writeFailed`. */
export function addNote(
  context: LockContext,
  { id, text, again }: Of<'note'>,
  file: string,
): Result<Values['note'], Failure> {
  if (readLockRow(context, id) === undefined) return fail({ kind: 'noSuchTask', id });
  if (again && hasComment(context.db, id, 'note', text)) return ok(null);
  if (writeComment(context, id, 'note', text)) return ok(null);
  return fail({ kind: 'writeFailed', file, detail: 'it has no table of comments that takes a note' });
}
