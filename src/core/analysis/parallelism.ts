import { findCriticalPath } from '../plan/critical-path.ts';
import { type FileConflict, sharedFilesOf } from './conflicts.ts';
import { pushTo } from '../push-to.ts';
import { type Priority, priorityRank, type Task } from '../task.ts';
import type { Plan } from '../waves/waves.ts';

/** Tasks of one wave and one priority, at least two, which can run in parallel. */
export interface ParallelGroup {
  readonly wave: number;
  readonly priority: Priority;
  readonly tasks: readonly Task[];
}

/**
 * Files that several tasks of one wave name: those tasks could conflict when they run in parallel.
 */
export interface SharedFiles extends FileConflict {
  readonly wave: number;
}

/** How much of a plan can run in parallel, and what limits it. */
export interface Parallelism {
  /** Every task of every wave, wave by wave. */
  readonly order: readonly Task[];
  readonly groups: readonly ParallelGroup[];
  /**
   * The longest chain of tasks in which each waits for the one before: no number of agents makes it
   * shorter.
   */
  readonly criticalPath: readonly Task[];
  /** The most tasks of one wave. */
  readonly widest: number;
  readonly sharedFiles: readonly SharedFiles[];
}

/** Analyses the wanted tasks; waves are those of the whole plan. Deterministic. */
export function analyseParallelism(
  plan: Plan,
  isWanted: (task: Task) => boolean,
  options: { readonly foldCase: boolean },
): Parallelism {
  const waves = plan.waves
    .map(({ number, tasks }) => ({ number, tasks: tasks.filter(isWanted) }))
    .filter(({ tasks }) => tasks.length > 0);
  return {
    order: waves.flatMap(({ tasks }) => tasks),
    groups: waves.flatMap(({ number, tasks }) => groupsOf(number, tasks)),
    criticalPath: findCriticalPath(plan),
    widest: waves.reduce((most, { tasks }) => Math.max(most, tasks.length), 0),
    sharedFiles: waves.flatMap(({ number, tasks }) =>
      sharedFilesOf(tasks, options).map((shared) => ({ wave: number, ...shared })),
    ),
  };
}

/** Groups the tasks in Todo and In Progress; all others wait for the user. */
function groupsOf(wave: number, tasks: readonly Task[]): readonly ParallelGroup[] {
  const groups = new Map<Priority, Task[]>();
  for (const task of tasks) {
    if (task.status !== 'Todo' && task.status !== 'In Progress') continue;
    pushTo(groups, task.priority, task);
  }
  return [...groups]
    .filter(([, members]) => members.length > 1)
    .sort(([a], [b]) => priorityRank(a) - priorityRank(b))
    .map(([priority, members]) => ({ wave, priority, tasks: members }));
}
