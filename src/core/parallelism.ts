import { findCriticalPath } from './plan/critical-path.ts';
import { filesOf } from './shared-files.ts';
import { compareIds, type Priority, priorityRank, type Task, type TaskId } from './task.ts';
import type { Plan } from './waves.ts';

/** Tasks of one wave and one priority, at least two: as many agents may work on them side by side. */
export interface ParallelGroup {
  readonly wave: number;
  readonly priority: Priority;
  readonly tasks: readonly Task[];
}

/** Files that the same tasks of one wave name: side by side, these would get into each other's way. */
export interface SharedFiles {
  readonly wave: number;
  readonly ids: readonly TaskId[];
  readonly files: readonly string[];
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
    sharedFiles: waves.flatMap(({ number, tasks }) => sharedOf(number, tasks, options.foldCase)),
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

function sharedOf(wave: number, tasks: readonly Task[], foldCase: boolean): readonly SharedFiles[] {
  const users = new Map<string, TaskId[]>();
  for (const task of tasks) {
    for (const file of filesOf(task.description, { foldCase })) {
      const named = users.get(file);
      if (named === undefined) users.set(file, [task.id]);
      else named.push(task.id);
    }
  }
  const sets = new Map<string, { readonly ids: readonly TaskId[]; readonly files: string[] }>();
  for (const [file, ids] of users) {
    if (ids.length < 2) continue;
    const sorted = ids.toSorted(compareIds);
    const key = JSON.stringify(sorted);
    const set = sets.get(key);
    if (set === undefined) sets.set(key, { ids: sorted, files: [file] });
    else set.files.push(file);
  }
  return [...sets.values()].map(({ ids, files }) => ({ wave, ids, files: files.sort() }));
}
