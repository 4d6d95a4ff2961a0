import { randomInt } from 'node:crypto';
import type { Failure } from '../core/failure.ts';
import { ok, type Result } from '../core/result.ts';
import type { Ending } from '../core/run/task-work.ts';
import { parseStatus, type Status, type TaskId } from '../core/task.ts';
import { readLockRow, type Speaker } from './lock-row.ts';
import { claimTask, finishTask, setTaskStatus } from './lock-statements.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { writeAside } from './side-write.ts';
import { columnsOf } from './table-columns.ts';

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
  speaker: Speaker,
  { id, ending, claimedAt }: { readonly id: TaskId; readonly ending: Ending; readonly claimedAt: number },
): Result<Finished, Failure> {
  const row = readLockRow(speaker, id);
  const isOurs = row?.locks.some(({ holder }) => holder === speaker.holder) === true;
  if (isOurs && parseStatus(row.status) === 'Todo' && speaker.now - claimedAt < UNDONE_WITHIN_MS) {
    const again = claimTask(speaker, { op: 'claim', id, leaseMs: UNDONE_WITHIN_MS, takeUnleased: false });
    if (!again.ok) return again;
  }
  const finished = finishTask(speaker, { op: 'finish', id, to: ending.to, again: false });
  if (!finished.ok) return finished;
  const { status, changed } = ending.overrules ? overrule(speaker, id, ending.to, finished.value) : finished.value;
  const text = ending.comment?.(status);
  const comment = text === undefined ? 'none' : writeComment(speaker, id, text) ? 'written' : 'noTable';
  return ok({ status, changed, comment });
}

type Settled = Pick<Finished, 'status' | 'changed'>;

function overrule(speaker: Speaker, id: TaskId, to: Ending['to'], settled: Settled): Settled {
  if (settled.status !== 'Review' && settled.status !== 'Done') return settled;
  if (settled.status === to) return settled;
  const from = readLockRow(speaker, id)?.status ?? '';
  const moved = setTaskStatus(speaker, { op: 'setStatus', id, from, to, again: false });
  // Somebody else has the task by another kind of lock: then its status is theirs.
  return moved.ok ? { status: to, changed: true } : settled;
}

const COMMENT_COLUMNS = ['id', 'task_id', 'comment_type', 'content', 'created'];

/** Adds a comment of type `result`; false where there is no table that takes it. The table is somebody else's, so its lack is no failure. */
function writeComment({ db, now }: Pick<Speaker, 'db' | 'now'>, id: TaskId, content: string): boolean {
  const columns = columnsOf(db, 'task_comments');
  const names = new Set(columns.map(({ name }) => name));
  // A column that must be filled, and that we know nothing of, makes it a table of another kind.
  const takesIt =
    COMMENT_COLUMNS.every((name) => names.has(name)) &&
    columns.every(({ name, required }) => !required || [...COMMENT_COLUMNS, 'last_modified'].includes(name));
  if (!takesIt) return false;
  const at = formatRfc3339(now);
  const more = names.has('last_modified') ? ', last_modified' : '';
  return writeAside(db, () => {
    db.prepare(
      `INSERT INTO task_comments (id, task_id, comment_type, content, created${more})
        VALUES (:comment, :id, 'result', :content, :at${more === '' ? '' : ', :at'})`,
    ).run({ comment: commentId(id, now), id, content, at });
  });
}

/** `<task>-C-<unix nanoseconds>`, as exarp-go spells it. A clock of ms leaves the rest to chance, so that no two are the same. */
function commentId(id: TaskId, now: number): string {
  return `${id}-C-${BigInt(Math.floor(now)) * 1_000_000n + BigInt(randomInt(1_000_000))}`;
}
