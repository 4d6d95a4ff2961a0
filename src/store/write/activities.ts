import { randomBytes } from 'node:crypto';
import type { TaskId } from '../../core/task.ts';
import type { LockContext } from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { inSavepoint } from './savepoint.ts';
import { takesRow } from './table-columns.ts';

/** What an entry of the activities tells. */
type Activity =
  'lock_released' | 'lock_taken_over' | 'todo_created' | 'todo_updated' | 'status_changed';

/**
 * Adds an activity where the table has a known form; it belongs to another program, so its absence
 * is not a failure.
 */
export function noteActivity(
  { db, now }: Pick<LockContext, 'db' | 'now'>,
  type: Activity,
  id: TaskId,
  details: Readonly<Record<string, unknown>>,
): void {
  if (!takesRow(db, 'task_activities', ACTIVITY_COLUMNS)) return;
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
