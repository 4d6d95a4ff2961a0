import type { DatabaseSync } from 'node:sqlite';
import type { TaskId } from '../../core/task.ts';
import { columnsOf } from './table-columns.ts';

/** Longer ones are cut here already: they go into prompts, and the rest of them is in the backlog. */
const MAX_CHARS = 20_000;

const NEEDED = ['id', 'task_id', 'comment_type', 'content', 'created'];

/** The latest comment of type `result` of each of these tasks that has one; none where there is no such table. */
export function readResults(db: DatabaseSync, ids: readonly TaskId[]): readonly (readonly [TaskId, string])[] {
  const columns = new Set(columnsOf(db, 'task_comments').map(({ name }) => name));
  if (!NEEDED.every((name) => columns.has(name))) return [];
  // Two of one second are told apart by their ids, which end with nanoseconds.
  const rows = db
    .prepare(
      `SELECT task_id AS task, substr(CAST(content AS TEXT), 1, ${MAX_CHARS}) AS content FROM task_comments
        WHERE comment_type = 'result' AND task_id IN (SELECT value FROM json_each(?)) ORDER BY created, id`,
    )
    .all(JSON.stringify(ids));
  const latest = new Map<TaskId, string>();
  for (const { task, content } of rows) if (typeof content === 'string') latest.set(task as TaskId, content);
  return [...latest];
}
