/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a task or a mention at hand; a check per access would only cost time. */
import { IdIndex } from './id-index.ts';
import type { Task, TaskId } from '../task.ts';

/**
 * Dependencies and parents of the tasks of a list, as positions in it. The same object is kept
 * until an id, a dependency or a parent changes, so that a graph built from it can be reused.
 */
export interface TaskLinks {
  readonly ids: readonly TaskId[];
  /** Of at least these ids: it is shared, and a later list may have added more. */
  readonly index: IdIndex;
  /**
   * Task `v` depends on `targets[offsets[v]]` up to, not including, `targets[offsets[v + 1]]`, in
   * the order in which it names them; `ABSENT` is a dependency that no task has.
   */
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
  /** By task: its parent, `NONE`, or `ABSENT`. */
  readonly parentOf: Int32Array;
}

export const NONE = -1;
export const ABSENT = -2;

/** Looks up every id. Ids must be unique, and at their positions in `index` where one is given. */
export function linkTasks(
  tasks: readonly Task[],
  ids: readonly TaskId[],
  index = new IdIndex(ids),
): TaskLinks {
  return link(tasks, ids, index, undefined, () => true);
}

/**
 * The links after the tasks at some positions got other dependencies or another parent, and others
 * were appended. Costs a copy of the numbers and a look-up for each new link.
 */
export function relinkTasks(
  before: TaskLinks,
  tasks: readonly Task[],
  changed: ReadonlySet<number>,
): TaskLinks {
  const old = before.ids.length;
  if (tasks.length === old)
    return link(tasks, before.ids, before.index, before, (v) => changed.has(v));
  const ids = before.ids.slice();
  for (let v = old; v < tasks.length; v++) ids.push(tasks[v]!.id);
  // Where another list was continued from the same one, the index holds ids that are not in this
  // list.
  const isOurs = before.index.size === old && before.index.hasRoomFor(ids.length);
  const index = isOurs ? before.index : new IdIndex(ids);
  if (isOurs) for (let v = old; v < ids.length; v++) index.add(ids[v]!, v);
  // A dependency that was missing may be among the appended tasks.
  const lacks = (v: number): boolean => {
    if (before.parentOf[v] === ABSENT) return true;
    for (let i = before.offsets[v]!; i < before.offsets[v + 1]!; i++)
      if (before.targets[i] === ABSENT) return true;
    return false;
  };
  return link(tasks, ids, index, before, (v) => v >= old || changed.has(v) || lacks(v));
}

function link(
  tasks: readonly Task[],
  ids: readonly TaskId[],
  index: IdIndex,
  before: TaskLinks | undefined,
  isNew: (task: number) => boolean,
): TaskLinks {
  const size = tasks.length;
  const offsets = new Int32Array(size + 1);
  const parentOf = new Int32Array(size);
  let targets = new Int32Array(before === undefined ? size * 2 : before.targets.length + 16);
  let count = 0;
  const find = (id: TaskId): number => {
    const position = index.get(id);
    // A shared index may be ahead of this list.
    return position === -1 || position >= size ? ABSENT : position;
  };
  for (let v = 0; v < size; v++) {
    offsets[v] = count;
    if (before !== undefined && !isNew(v)) {
      const end = before.offsets[v + 1]!;
      targets = withRoom(targets, count + end - before.offsets[v]!);
      for (let i = before.offsets[v]!; i < end; i++) targets[count++] = before.targets[i]!;
      parentOf[v] = before.parentOf[v]!;
      continue;
    }
    const { dependencies, parentId } = tasks[v]!;
    targets = withRoom(targets, count + dependencies.length);
    for (let i = 0; i < dependencies.length; i++) targets[count++] = find(dependencies[i]!);
    parentOf[v] = parentId === undefined ? NONE : find(parentId);
  }
  offsets[size] = count;
  return { ids, index, offsets, targets: targets.subarray(0, count), parentOf };
}

function withRoom(numbers: Int32Array<ArrayBuffer>, needed: number): Int32Array<ArrayBuffer> {
  if (needed <= numbers.length) return numbers;
  const larger = new Int32Array(Math.max(needed, numbers.length * 2));
  larger.set(numbers);
  return larger;
}
