import type { BacklogRuns } from '../backlog-runs.ts';
import type { Task, TaskId } from '../task.ts';
import type { Readiness } from '../waves/readiness.ts';
import type { Plan } from '../waves/waves.ts';

/** What decides which tasks can be claimed. */
export interface ClaimContext {
  readonly plan: Plan | undefined;
  readonly runs: Pick<BacklogRuns, 'of'>;
  readinessOf(task: Task): Readiness;
}

/**
 * What *Claim Next* may take, best first: ready tasks in the order of the waves, first those in
 * Todo, then those with an expired lease. A task In Progress without a lock is left to the user or
 * agent who works on it.
 */
export function claimCandidates(backlog: ClaimContext): readonly TaskId[] {
  const free = (backlog.plan?.waves ?? [])
    .flatMap((wave) => wave.tasks)
    .filter(
      (task) =>
        backlog.readinessOf(task).kind === 'ready' && backlog.runs.of(task.id) === undefined,
    );
  const fresh = free.filter((task) => task.status === 'Todo');
  const left = free.filter((task) => task.status === 'In Progress' && task.lock !== undefined);
  return [...fresh, ...left].map((task) => task.id);
}
