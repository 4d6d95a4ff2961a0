import { longestChain } from '../../longest-chain.ts';
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
  // In the order of the waves, so that the dependencies of a task come before it; a cycle ends
  // where it began.
  const { chain, length } = longestChain(
    run.tasks.values(),
    ({ id }) => dependenciesOf(id),
    (task) => durationOf(task, now) ?? 0,
    { before: 'first', end: 'first' },
  );
  return { ids: chain.map(({ id }) => id), ms: length };
}
