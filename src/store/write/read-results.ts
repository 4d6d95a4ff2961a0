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
