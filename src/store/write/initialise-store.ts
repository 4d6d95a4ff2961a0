import type { Task } from '../../core/task.ts';
import { type EditContext, writePairs } from './edit-row.ts';
import { insertTask } from './insert-task.ts';
import { SCHEMA } from './schema.ts';
import { columnNames } from './table-columns.ts';
import type { Values } from './writer-protocol.ts';

/**
 * Creates the tables, indexes and migration rows of a store without a table of tasks, and inserts
 * these tasks. Existing tables stay as they are. A store with a table of tasks is left alone; for a
 * repeated request (`again`) that means that the first try was committed.
 */
export function initialiseStore(
  context: EditContext,
  { tasks, again }: { readonly tasks: readonly Task[]; readonly again: boolean },
): Values['initialise'] {
  if (columnNames(context.db, 'tasks').size > 0) return { made: again };
  for (const statement of SCHEMA) context.db.exec(statement);
  importTasks(context, tasks);
  return { made: true };
}

/**
 * Keeps ids. Dependencies on unknown tasks, or on the task itself, are left out: the table does not
 * accept them.
 */
function importTasks(context: EditContext, tasks: readonly Task[]): void {
  for (const task of tasks) {
    insertTask(context, {
      ...task,
      // Canonical values, since exarp-go compares exactly; unknown values stay.
      status: task.status === 'Unknown' ? task.rawStatus : task.status,
      priority: task.priority === 'other' ? task.rawPriority : task.priority,
    });
  }
  const ids = new Set(tasks.map((task) => task.id));
  for (const { id, dependencies } of tasks) {
    const possible = dependencies.filter((on) => on !== id && ids.has(on));
    if (possible.length > 0) writePairs(context.db, 'task_dependencies', id, possible);
  }
}
