import type { Backlog } from '../core/backlog.ts';
import { waysTo } from '../core/edit/cycle.ts';
import { isSettled, type Task, type TaskId } from '../core/task.ts';
import { circleReason, standingOf } from './edit-words.ts';
import { plain } from '../core/text.ts';

/** A task that another may wait for, as a line of a list. */
export interface DependencyItem {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly id: TaskId;
  /** Why it cannot be chosen; undefined where it can. */
  readonly refusal: string | undefined;
}

/**
 * The tasks that `id`, or a task that is not there yet, may depend on: what it depends on already
 * first, also what no task is; then the open ones in the order of their waves, then finished ones.
 * Last come those that wait for `id` themselves.
 */
export function dependencyItems(
  backlog: Backlog,
  id: TaskId | undefined,
  current: readonly TaskId[],
): readonly DependencyItem[] {
  const tasks = backlog.snapshot?.tasks ?? [];
  const ways = id === undefined ? new Map<TaskId, readonly TaskId[]>() : waysTo(tasks, id);
  const now = new Set(current);
  const rank = (task: Task): number => {
    if (now.has(task.id)) return -1;
    if (ways.has(task.id)) return Infinity;
    return isSettled(task.status)
      ? Number.MAX_SAFE_INTEGER
      : (backlog.plan?.waveOf.get(task.id) ?? 1e9);
  };
  const missing = current.filter((each) => backlog.task(each) === undefined);
  return [
    ...missing.map((each) => ({
      label: plain(each),
      description: '',
      detail: 'not in the backlog',
      id: each,
      refusal: undefined,
    })),
    ...tasks
      .filter((task) => task.id !== id)
      .map((task) => ({ task, order: rank(task) }))
      .sort((a, b) => (a.order === b.order ? 0 : a.order - b.order))
      .map(({ task }) =>
        dependencyItem(backlog, task, now.has(task.id) ? undefined : ways.get(task.id)),
      ),
  ];
}

function dependencyItem(
  backlog: Backlog,
  task: Task,
  way: readonly TaskId[] | undefined,
): DependencyItem {
  const refusal = way === undefined ? undefined : circleReason(way);
  return {
    label: `${refusal === undefined ? '' : '$(circle-slash) '}${plain(task.title || task.id)}`,
    description: plain(task.id),
    detail: plain(
      refusal === undefined ? standingOf(backlog, task) : `Cannot be chosen: ${refusal}`,
    ),
    id: task.id,
    refusal,
  };
}
