import type { Task } from '../../core/task.ts';
import { columnNames, type EditContext, writePairs } from './edit-row.ts';
import { insertTask } from './insert-task.ts';
import { SCHEMA } from './schema.ts';
import type { Values } from './writer-protocol.ts';

/**
 * Makes every table, index and migration row of a store that has no table of tasks, and puts these tasks into it. What is
 * there already stays as it is. Where there is a table of tasks nothing is done at all; for a repetition that is the first
 * try, which has come through.
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

/** Ids stay as they are; a dependency on a task that is not among them, or on itself, has no place in the table. */
function importTasks(context: EditContext, tasks: readonly Task[]): void {
  for (const task of tasks) {
    insertTask(context, {
      ...task,
      // The canonical words, since exarp-go compares letter by letter; a word that nobody knows stays.
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
