import { namedBy } from '../edit/cycle.ts';
import { longestChain } from '../longest-chain.ts';
import type { Task } from '../task.ts';
import type { Plan } from '../waves/waves.ts';

/**
 * The longest chain of open tasks in which each waits for the one before, by number of tasks, first
 * to last. Of chains equally long, the one whose end, and then each task before it, has the lowest
 * id. Empty without waves.
 */
export function findCriticalPath(plan: Plan): readonly Task[] {
  // Waves are in order, so a task comes after what it waits for.
  const tasks = plan.waves.flatMap((wave) => wave.tasks);
  const ties = { before: 'lowestId', end: 'lowestId' } as const;
  return longestChain(tasks, namedBy, () => 1, ties).chain;
}
