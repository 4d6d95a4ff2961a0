import { randomInt } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { TaskId } from '../../core/task.ts';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { readLockRow, type LockContext } from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { inSavepoint } from './savepoint.ts';
import { columnNames, hasColumns, takesRow } from './table-columns.ts';
import type { RequestOf } from './writer-protocol.ts';

/** The comment types of exarp-go that we write: the result of work, and a note on the way. */
export type CommentType = 'result' | 'note';

const COLUMNS = ['id', 'task_id', 'comment_type', 'content', 'created'];

/**
 * Adds a comment; false where no table takes it. The table belongs to another program, so its
 * absence is not a failure.
 */
export function writeComment(
  { db, now }: Pick<LockContext, 'db' | 'now'>,
  id: TaskId,
  type: CommentType,
  content: string,
): boolean {
  if (!takesRow(db, 'task_comments', COLUMNS, ['last_modified'])) return false;
  const at = formatRfc3339(now);
  const more = columnNames(db, 'task_comments').has('last_modified') ? ', last_modified' : '';
  return inSavepoint(db, () => {
    db.prepare(
      `INSERT INTO task_comments (id, task_id, comment_type, content, created${more})
        VALUES (:comment, :id, :type, :content, :at${more === '' ? '' : ', :at'})`,
    ).run({ comment: commentId(id, now), id, type, content, at });
  });
}

/** Whether a task has exactly this comment, for a repeated request whose outcome is unknown. */
export function hasComment(
  db: DatabaseSync,
  id: TaskId,
  type: CommentType,
  content: string,
): boolean {
  if (!hasColumns(db, 'task_comments', COLUMNS)) return false;
  const found = db
    .prepare('SELECT 1 FROM task_comments WHERE task_id = ? AND comment_type = ? AND content = ?')
    .get(id, type, content);
  return found !== undefined;
}

/**
 * Adds a note to a task, even one that another process holds. Fails with `noSuchTask`, and with
 * `writeFailed` where the store takes no comments.
 */
export function addNote(
  context: LockContext,
  { id, text, again }: RequestOf<'note'>,
  file: string,
): Result<null, Failure> {
  if (readLockRow(context, id) === undefined) return fail({ kind: 'noSuchTask', id });
  if (again && hasComment(context.db, id, 'note', text)) return ok(null);
  if (writeComment(context, id, 'note', text)) return ok(null);
  return fail({
    kind: 'writeFailed',
    file,
    detail: 'it has no table of comments that takes a note',
  });
}

/**
 * `<task>-C-<unix nanoseconds>`, as exarp-go writes it. The digits below a ms are random, so that
 * ids are unique.
 */
function commentId(id: TaskId, now: number): string {
  return `${id}-C-${BigInt(Math.floor(now)) * 1_000_000n + BigInt(randomInt(1_000_000))}`;
}
