import type { DatabaseSync } from 'node:sqlite';
import type { TaskId } from '../../core/task.ts';
import { hasColumns } from './table-columns.ts';

/** In characters; longer results are cut, since they go into prompts. */
const MAX_CHARS = 20_000;

const NEEDED = ['id', 'task_id', 'comment_type', 'content', 'created'];

/**
 * The latest comment of type `result` of each of these tasks; none where the table does not exist.
 */
export function readResults(
  db: DatabaseSync,
  ids: readonly TaskId[],
): readonly (readonly [TaskId, string])[] {
  if (!hasColumns(db, 'task_comments', NEEDED)) return [];
  // Within a second, ids decide: they end with nanoseconds.
  const rows = db
    .prepare(
      `SELECT task_id AS task, substr(CAST(content AS TEXT), 1, ${MAX_CHARS}) AS content FROM task_comments
        WHERE comment_type = 'result' AND task_id IN (SELECT value FROM json_each(?)) ORDER BY created, id`,
    )
    .all(JSON.stringify(ids));
  const latest = new Map<TaskId, string>();
  for (const { task, content } of rows)
    if (typeof content === 'string') latest.set(task as TaskId, content);
  return [...latest];
}

/** So many notes of a task are read, the newest ones. */
const MOST_NOTES = 20;

/** A comment of a task that is no result; `at` as stored. */
export interface StoredNote {
  readonly type: string;
  readonly text: string;
  readonly at: string;
}

/**
 * The notes of a task, of all authors, the oldest first: comments of every type but `result`.
 * None where the table does not exist.
 */
export function readNotes(db: DatabaseSync, id: TaskId): readonly StoredNote[] {
  if (!hasColumns(db, 'task_comments', NEEDED)) return [];
  const rows = db
    .prepare(
      `SELECT CAST(comment_type AS TEXT) AS type, substr(CAST(content AS TEXT), 1, ${MAX_CHARS}) AS content,
        CAST(created AS TEXT) AS at FROM task_comments
        WHERE task_id = ? AND comment_type <> 'result' ORDER BY created DESC, id DESC LIMIT ${MOST_NOTES}`,
    )
    .all(id);
  return rows.reverse().map((row) => ({
    type: String(row['type'] ?? ''),
    text: String(row['content'] ?? ''),
    at: String(row['at'] ?? ''),
  }));
}
