import type { Backlog } from '../backlog.ts';
import type { TaskId } from '../task.ts';

/**
 * What *Claim Next* may take, best first: ready tasks in the order of the waves, those that nobody began before those that
 * somebody left. What is In Progress without a lock is left to whoever is at it.
 */
export function claimCandidates(backlog: Pick<Backlog, 'plan' | 'readinessOf' | 'runs'>): readonly TaskId[] {
  const free = (backlog.plan?.waves ?? [])
    .flatMap((wave) => wave.tasks)
    .filter((task) => backlog.readinessOf(task).kind === 'ready' && backlog.runs.of(task.id) === undefined);
  const fresh = free.filter((task) => task.status === 'Todo');
  const left = free.filter((task) => task.status === 'In Progress' && task.lock !== undefined);
  return [...fresh, ...left].map((task) => task.id);
}
