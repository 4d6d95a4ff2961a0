import type { TaskId } from '../../task.ts';
import type { RunState } from '../run-events.ts';
import { durationOf } from './run-summary.ts';

/**
 * A chain of tasks in which each waited for the one before, and how long their work took in all.
 */
export interface ActualPath {
  readonly ids: readonly TaskId[];
  readonly ms: number;
}

/**
 * The chain of tasks of a run whose work took longest: no number of agents makes the run shorter
 * than that. Tasks that were never started take no time. Of chains equally long, the one that ends
 * first in the order of the run. Linear.
 */
export function findActualPath(
  run: RunState,
  dependenciesOf: (id: TaskId) => readonly TaskId[],
  now: number,
): ActualPath {
  const best = new Map<TaskId, { readonly ms: number; readonly before: TaskId | undefined }>();
  const msOf = (id: TaskId | undefined): number => (id === undefined ? 0 : (best.get(id)?.ms ?? 0));
  let end: TaskId | undefined;
  // In the order of the waves, so that the dependencies of a task come before it; a cycle ends
  // where it began.
  for (const task of run.tasks.values()) {
    let before: TaskId | undefined;
    for (const id of dependenciesOf(task.id)) {
      if (msOf(id) > msOf(before)) before = id;
    }
    const ms = msOf(before) + (durationOf(task, now) ?? 0);
    best.set(task.id, { ms, before });
    if (ms > msOf(end)) end = task.id;
  }
  const ids: TaskId[] = [];
  for (let id = end; id !== undefined; id = best.get(id)?.before) ids.push(id);
  return { ids: ids.reverse(), ms: msOf(end) };
}
