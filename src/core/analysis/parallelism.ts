import { findCriticalPath } from '../plan/critical-path.ts';
import { type FileConflict, sharedFilesOf } from './conflicts.ts';
import { type Priority, priorityRank, type Task } from '../task.ts';
import type { Plan } from '../waves/waves.ts';

/** Tasks of one wave and one priority, at least two: as many agents may work on them side by side. */
export interface ParallelGroup {
  readonly wave: number;
  readonly priority: Priority;
  readonly tasks: readonly Task[];
}

/** Files that the same tasks of one wave name: side by side, these would get into each other's way. */
export interface SharedFiles extends FileConflict {
  readonly wave: number;
}

/** What a plan says about how many could work at once, and what stands against it. */
export interface Parallelism {
  /** Every task of every wave, wave by wave. */
  readonly order: readonly Task[];
  readonly groups: readonly ParallelGroup[];
  /** The longest chain of tasks in which each waits for the one before: no number of agents makes it shorter. */
  readonly criticalPath: readonly Task[];
  /** The most tasks of one wave. */
  readonly widest: number;
  readonly sharedFiles: readonly SharedFiles[];
}

/** Judges the tasks that are wanted; the plan as a whole decides on waves. Same plan in, same answer out. */
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

/** Of those that can be begun or are being worked on; the others wait for a person. */
function groupsOf(wave: number, tasks: readonly Task[]): readonly ParallelGroup[] {
  const groups = new Map<Priority, Task[]>();
  for (const task of tasks) {
    if (task.status !== 'Todo' && task.status !== 'In Progress') continue;
    const group = groups.get(task.priority);
    if (group === undefined) groups.set(task.priority, [task]);
    else group.push(task);
  }
  return [...groups]
    .filter(([, members]) => members.length > 1)
    .sort(([a], [b]) => priorityRank(a) - priorityRank(b))
    .map(([priority, members]) => ({ wave, priority, tasks: members }));
}
