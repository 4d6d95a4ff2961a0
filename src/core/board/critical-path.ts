import type { Task, TaskId } from '../task.ts';
import type { Plan } from '../waves/waves.ts';

/**
 * The open tasks of the plan whose ends decide when all of it can be done, however many agents
 * work: the chain of dependencies that takes longest. Empty where nothing waits for anything. Of
 * chains of the same length one. Linear in the number of dependencies.
 */
export function criticalPath(
  { waves, waveOf }: Pick<Plan, 'waves' | 'waveOf'>,
  durationOf: (id: TaskId) => number,
): ReadonlySet<TaskId> {
  const ends = new Map<TaskId, { readonly ms: number; readonly before: TaskId | undefined }>();
  let last: TaskId | undefined;
  let most = -1;
  // A task comes in a later wave than what it depends on, but not in the waves of every file.
  for (const { tasks } of waves)
    for (const task of tasks) {
      const before = longest(task, ends);
      const ms = (before === undefined ? 0 : (ends.get(before)?.ms ?? 0)) + durationOf(task.id);
      ends.set(task.id, { ms, before });
      if (ms > most && waveOf.has(task.id)) [most, last] = [ms, task.id];
    }
  const path = new Set<TaskId>();
  for (let id = last; id !== undefined; id = ends.get(id)?.before) path.add(id);
  return path.size > 1 ? path : new Set();
}

function longest(
  { dependencies }: Task,
  ends: ReadonlyMap<TaskId, { readonly ms: number }>,
): TaskId | undefined {
  let found: TaskId | undefined;
  for (const id of dependencies) {
    const ms = ends.get(id)?.ms ?? -1;
    if (ms >= 0 && (found === undefined || ms > (ends.get(found)?.ms ?? -1))) found = id;
  }
  return found;
}
