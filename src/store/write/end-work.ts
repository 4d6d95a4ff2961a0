import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { parseStatus } from '../../core/task.ts';
import { hasComment, writeComment } from './comments.ts';
import { finishWork } from './finish-work.ts';
import { readLockRow, type Speaker } from './lock-row.ts';
import type { Ask, Values } from './writer-protocol.ts';

type Of<Op extends Ask['op']> = Extract<Ask, { op: Op }>;

/**
 * Ends work that the holder itself reports about, inside one transaction: the lock is cleared, In Progress becomes `to`, and the
 * comment is added. A status that somebody set meanwhile stays. Fails with `lockLost` where the lock is not the holder's,
 * and with `noSuchTask`.
 */
export function endWork(speaker: Speaker, { id, to, comment, again }: Of<'end'>): Result<Values['end'], Failure> {
  const row = readLockRow(speaker, id);
  const ours = row?.locks.find(({ holder }) => holder === speaker.holder);
  if (again && row !== undefined && row.locks.length === 0 && parseStatus(row.status) === to) {
    // The first try may have come through before its answer was lost: then its comment is there, too.
    const isWritten = comment === null || hasComment(speaker.db, id, comment.type, comment.text);
    if (isWritten) return ok({ status: to, changed: true, commented: comment !== null });
  }
  const ending = { to, overrules: false, comment: undefined };
  const finished = finishWork(speaker, { id, ending, claimedAt: ours?.since ?? 0 });
  if (!finished.ok) return finished;
  const { status, changed } = finished.value;
  const commented = comment !== null && writeComment(speaker, id, comment.type, comment.text);
  return ok({ status, changed, commented });
}

/** Adds a note to a task, whoever holds it. Fails with `noSuchTask`, and where the store takes no comments with `writeFailed`. */
export function addNote(
  speaker: Speaker,
  { id, text, again }: Of<'note'>,
  file: string,
): Result<Values['note'], Failure> {
  if (readLockRow(speaker, id) === undefined) return fail({ kind: 'noSuchTask', id });
  if (again && hasComment(speaker.db, id, 'note', text)) return ok(null);
  if (writeComment(speaker, id, 'note', text)) return ok(null);
  return fail({ kind: 'writeFailed', file, detail: 'it has no table of comments that takes a note' });
}
