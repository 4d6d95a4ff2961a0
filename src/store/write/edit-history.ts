import type { TaskId } from '../../core/task.ts';
import type { EditContext } from './edit-row.ts';
import { noteActivity } from './lock-audit.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { takesRow } from './table-columns.ts';

/** A change of one field, under Todo2's name for it. */
interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

const CHANGE_COLUMNS = ['task_id', 'field', 'old_value', 'new_value', 'timestamp'];

/**
 * Records a changed field in Todo2's tables of changes and activities, where the store has them in
 * a known form. exarp-go uses neither.
 */
export function noteChange(
  context: EditContext,
  id: TaskId,
  { field, from, to }: FieldChange,
): void {
  const { db, now, holder } = context;
  if (takesRow(db, 'task_changes', CHANGE_COLUMNS)) {
    db.prepare(
      'INSERT INTO task_changes (task_id, field, old_value, new_value, timestamp) VALUES (?, ?, ?, ?, ?)',
    ).run(id, field, JSON.stringify(from), JSON.stringify(to), formatRfc3339(now));
  }
  noteActivity(context, field === 'status' ? 'status_changed' : 'todo_updated', id, {
    field,
    from,
    to,
    by: holder,
  });
}

/** Records a created task. */
export function noteCreation(context: EditContext, id: TaskId): void {
  noteActivity(context, 'todo_created', id, { by: context.holder });
}
