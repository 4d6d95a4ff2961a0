import { namedBy } from '../edit/cycle.ts';
import { compareIds, type Task, type TaskId } from '../task.ts';
import type { Plan } from '../waves/waves.ts';

/**
 * The longest chain of open tasks in which each waits for the one before, by number of tasks, first
 * to last. Of chains equally long, the one whose end, and then each task before it, has the lowest
 * id. Empty without waves.
 */
export function findCriticalPath(plan: Plan): readonly Task[] {
  const best = new Map<TaskId, { task: Task; length: number; before: TaskId | undefined }>();
  // Waves are in order, so a task comes after what it waits for.
  for (const wave of plan.waves) {
    for (const task of wave.tasks) {
      const named = namedBy(task).filter((id) => id !== task.id);
      const before = longest(named, best);
      const length = (before === undefined ? 0 : (best.get(before)?.length ?? 0)) + 1;
      best.set(task.id, { task, length, before });
    }
  }
  const path: Task[] = [];
  let end = longest(best.keys(), best);
  while (end !== undefined) {
    const step = best.get(end);
    if (step !== undefined) path.push(step.task);
    end = step?.before;
  }
  return path.reverse();
}

function longest(
  ids: Iterable<TaskId>,
  best: ReadonlyMap<TaskId, { readonly length: number }>,
): TaskId | undefined {
  let found: TaskId | undefined;
  let length = 0;
  for (const id of ids) {
    const candidate = best.get(id)?.length ?? 0;
    if (
      candidate > length ||
      (candidate === length && found !== undefined && compareIds(id, found) < 0)
    ) {
      found = id;
      length = candidate;
    }
  }
  return found;
}
