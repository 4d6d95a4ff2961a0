import { pushTo } from '../push-to.ts';
import type { Task, TaskId } from '../task.ts';

/** What a task waits for directly: the tasks it depends on, and its parent. */
export type WaitsFor = (id: TaskId) => Iterable<TaskId>;

/**
 * A shortest path from `on` to `id` along what each task waits for: with one, `id` waiting for `on`
 * would close a cycle. `[id]` where both are the same task, undefined where there is no path.
 */
export function wouldCycle(
  waitsFor: WaitsFor,
  id: TaskId,
  on: TaskId,
): readonly TaskId[] | undefined {
  const cameFrom = new Map<TaskId, TaskId | undefined>([[on, undefined]]);
  // Grows during the iteration.
  for (const at of cameFrom.keys()) {
    if (at === id) return wayTo(cameFrom, id);
    for (const next of waitsFor(at)) if (!cameFrom.has(next)) cameFrom.set(next, at);
  }
  return undefined;
}

function wayTo(cameFrom: ReadonlyMap<TaskId, TaskId | undefined>, id: TaskId): readonly TaskId[] {
  const way: TaskId[] = [];
  for (let at: TaskId | undefined = id; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}

/** What each of these tasks waits for; missing tasks are left out. */
export function waitsForIn(byId: ReadonlyMap<TaskId, Task>): WaitsFor {
  return (id) => {
    const task = byId.get(id);
    return task === undefined ? [] : namedBy(task).filter((each) => byId.has(each));
  };
}

/** The dependencies of a task and its parent. */
export function namedBy({ dependencies, parentId }: Task): readonly TaskId[] {
  return parentId === undefined ? dependencies : [...dependencies, parentId];
}

/**
 * Every task that waits for `id`, directly or through others, with a shortest path from it to `id`:
 * the tasks that `id` cannot depend on. `id` itself is not among them.
 */
export function waysTo(tasks: readonly Task[], id: TaskId): ReadonlyMap<TaskId, readonly TaskId[]> {
  const waiters = new Map<TaskId, TaskId[]>();
  for (const task of tasks) {
    for (const each of namedBy(task)) pushTo(waiters, each, task.id);
  }
  const ways = new Map<TaskId, readonly TaskId[]>([[id, [id]]]);
  for (const [at, way] of ways) {
    for (const waiter of waiters.get(at) ?? [])
      if (!ways.has(waiter)) ways.set(waiter, [waiter, ...way]);
  }
  ways.delete(id);
  return ways;
}
