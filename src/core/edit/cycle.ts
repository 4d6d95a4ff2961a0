import type { Task, TaskId } from '../task.ts';

/** What a task waits for directly: the tasks it depends on, and its parent. */
export type WaitsFor = (id: TaskId) => Iterable<TaskId>;

/**
 * A shortest way from `on` to `id` along what each task waits for: where there is one, `id` waiting for `on` would close a
 * circle. `[id]` where both are the same task, undefined where nothing is in the way.
 */
export function wouldCycle(waitsFor: WaitsFor, id: TaskId, on: TaskId): readonly TaskId[] | undefined {
  const cameFrom = new Map<TaskId, TaskId | undefined>([[on, undefined]]);
  // Grows while it is walked.
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

/** The same for tasks at hand; what they name and is not there leads nowhere. */
export function waitsForIn(byId: ReadonlyMap<TaskId, Task>): WaitsFor {
  return (id) => {
    const task = byId.get(id);
    if (task === undefined) return [];
    const named = task.parentId === undefined ? task.dependencies : [...task.dependencies, task.parentId];
    return named.filter((each) => byId.has(each));
  };
}

/**
 * Every task that waits for `id`, directly or through others, with a shortest way from it to `id`: the tasks that `id` cannot
 * depend on. `id` itself is not among them.
 */
export function waysTo(tasks: readonly Task[], id: TaskId): ReadonlyMap<TaskId, readonly TaskId[]> {
  const waiters = new Map<TaskId, TaskId[]>();
  for (const task of tasks) {
    const named = task.parentId === undefined ? task.dependencies : [...task.dependencies, task.parentId];
    for (const each of named) {
      const known = waiters.get(each);
      if (known === undefined) waiters.set(each, [task.id]);
      else known.push(task.id);
    }
  }
  const ways = new Map<TaskId, readonly TaskId[]>([[id, [id]]]);
  for (const [at, way] of ways) {
    for (const waiter of waiters.get(at) ?? []) if (!ways.has(waiter)) ways.set(waiter, [waiter, ...way]);
  }
  ways.delete(id);
  return ways;
}
