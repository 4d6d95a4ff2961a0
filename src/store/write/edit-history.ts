import type { TaskId } from '../../core/task.ts';
import { columnNames, type EditContext } from './edit-row.ts';
import { noteActivity } from './lock-audit.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { columnsOf } from './table-columns.ts';

/** One field of a task before and after, under the name that Todo2 has for it. */
interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

const CHANGE_COLUMNS = ['task_id', 'field', 'old_value', 'new_value', 'timestamp'];

/**
 * Leaves a line for a changed field, and one for the task, where the store has Todo2's tables for them and they are as we
 * know them. exarp-go neither reads nor writes either table.
 */
export function noteChange(context: EditContext, id: TaskId, { field, from, to }: FieldChange): void {
  const { db, now, holder } = context;
  if (takesChanges(context)) {
    db.prepare('INSERT INTO task_changes (task_id, field, old_value, new_value, timestamp) VALUES (?, ?, ?, ?, ?)').run(
      id,
      field,
      JSON.stringify(from),
      JSON.stringify(to),
      formatRfc3339(now),
    );
  }
  noteActivity(context, field === 'status' ? 'status_changed' : 'todo_updated', id, { field, from, to, by: holder });
}

/** Leaves a line for a task that was made. */
export function noteCreation(context: EditContext, id: TaskId): void {
  noteActivity(context, 'todo_created', id, { by: context.holder });
}

function takesChanges({ db }: EditContext): boolean {
  const names = columnNames(db, 'task_changes');
  // A column that must be filled, and that we know nothing of, makes it a table of another kind.
  return (
    CHANGE_COLUMNS.every((name) => names.has(name)) &&
    columnsOf(db, 'task_changes').every((column) => !column.required || CHANGE_COLUMNS.includes(column.name))
  );
}
