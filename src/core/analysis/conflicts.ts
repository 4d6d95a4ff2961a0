import { filesOf, type PathOptions } from '../named-files.ts';
import { pushTo } from '../push-to.ts';
import { compareIds, type Task, type TaskId } from '../task.ts';

/** Two tasks In Progress of which one waits for the other, so that it was started too early. */
export interface Overlap {
  readonly id: TaskId;
  /** What it waits for. */
  readonly on: TaskId;
}

/** Files that each of these tasks names. */
export interface FileConflict {
  readonly ids: readonly TaskId[];
  readonly files: readonly string[];
}

/** The conflicts among the tasks In Progress. */
export interface Conflicts {
  readonly overlaps: readonly Overlap[];
  readonly files: readonly FileConflict[];
}

/** Finds them in id order, in time linear in the dependencies and files that the tasks name. */
export function findConflicts(tasks: readonly Task[], options: PathOptions): Conflicts {
  const atWork = tasks
    .filter(({ status }) => status === 'In Progress')
    .toSorted((a, b) => compareIds(a.id, b.id));
  const ids = new Set(atWork.map(({ id }) => id));
  const overlaps = atWork.flatMap(({ id, dependencies }) =>
    [...new Set(dependencies)].filter((on) => on !== id && ids.has(on)).map((on) => ({ id, on })),
  );
  return { overlaps, files: sharedFilesOf(atWork, options) };
}

/**
 * Files that more than one of these tasks names, those of the same tasks together; in the order of
 * the tasks.
 */
export function sharedFilesOf(
  tasks: readonly Task[],
  options: PathOptions,
): readonly FileConflict[] {
  const users = new Map<string, TaskId[]>();
  for (const task of tasks) {
    for (const file of filesOf(task.description, options)) {
      pushTo(users, file, task.id);
    }
  }
  const sets = new Map<string, { readonly ids: readonly TaskId[]; readonly files: string[] }>();
  for (const [file, named] of users) {
    if (named.length < 2) continue;
    const ids = named.toSorted(compareIds);
    const key = JSON.stringify(ids);
    const set = sets.get(key);
    if (set === undefined) sets.set(key, { ids, files: [file] });
    else set.files.push(file);
  }
  return [...sets.values()].map(({ ids, files }) => ({ ids, files: files.sort() }));
}
