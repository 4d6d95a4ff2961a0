/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { IdIndex } from './id-index.ts';
import { isSettled, priorityRank } from './task.ts';
import type { Task, TaskId } from './task.ts';

/**
 * A backlog as nodes and edges, before anything is decided. Node `v` is `tasks[v]`; edge `e` leads from what comes first,
 * `from[e]`, to what waits, `to[e]`. Edges to themselves and to tasks that are not there are left out.
 */
export interface TaskGraph {
  /** Each id once: of two tasks with the same id, the first. */
  readonly tasks: readonly Task[];
  /** The id of each node, and the node of each id. */
  readonly ids: readonly TaskId[];
  readonly index: IdIndex;
  /** By node, 1 for a task that is Done or Cancelled. */
  readonly settled: Uint8Array;
  /** By node, the rank of its priority. */
  readonly rankOf: Uint8Array;
  /** Dependency edges first, then edges from parent to child. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** How many of the edges are dependencies. */
  readonly dependencyCount: number;
  /** By node, the dependencies that no task has, each once. */
  readonly missing: ReadonlyMap<number, readonly TaskId[]>;
  /** Nodes that name themselves, as a dependency or as their parent. */
  readonly selfDependent: readonly number[];
}

/** Finds the task behind each id that a task names; the one place where the graph of a backlog has to do with text. */
export function buildTaskGraph(backlog: readonly Task[]): TaskGraph {
  const { tasks, ids, index } = indexTasks(backlog);
  const size = tasks.length;
  // Tasks lie scattered in memory: what later steps need of them is gathered in one go.
  const settled = new Uint8Array(size);
  const rankOf = new Uint8Array(size);
  let room = size;
  for (let v = 0; v < size; v++) {
    const { status, priority, dependencies } = tasks[v]!;
    if (isSettled(status)) settled[v] = 1;
    rankOf[v] = priorityRank(priority);
    room += dependencies.length;
  }
  const from = new Int32Array(room);
  const to = new Int32Array(room);
  const parentOf = new Int32Array(size);
  const missing = new Map<number, TaskId[]>();
  const selfDependent: number[] = [];
  let count = 0;
  for (let v = 0; v < size; v++) {
    const { dependencies, parentId } = tasks[v]!;
    const parent = parentId === undefined ? -1 : index.get(parentId);
    parentOf[v] = parent === v ? -1 : parent;
    let namesItself = parent === v;
    for (let i = 0; i < dependencies.length; i++) {
      const node = index.get(dependencies[i]!);
      if (node === -1) noteMissing(missing, v, dependencies[i]!);
      else if (node === v) namesItself = true;
      else {
        from[count] = node;
        to[count++] = v;
      }
    }
    if (namesItself) selfDependent.push(v);
  }
  const dependencyCount = count;
  for (let v = 0; v < size; v++) {
    if (parentOf[v] === -1) continue;
    from[count] = parentOf[v]!;
    to[count++] = v;
  }
  return {
    tasks,
    ids,
    index,
    settled,
    rankOf,
    from: from.subarray(0, count),
    to: to.subarray(0, count),
    dependencyCount,
    missing,
    selfDependent,
  };
}

/** Leaves out every task whose id an earlier one has; nearly always there is none, and the list stays the one it is. */
function indexTasks(backlog: readonly Task[]): Pick<TaskGraph, 'tasks' | 'ids' | 'index'> {
  const ids = backlog.map((task) => task.id);
  const index = new IdIndex(ids);
  if (index.size === ids.length) return { tasks: backlog, ids, index };
  return indexTasks(backlog.filter((task, position) => index.get(task.id) === position));
}

function noteMissing(missing: Map<number, TaskId[]>, node: number, id: TaskId): void {
  const ids = missing.get(node);
  if (ids === undefined) missing.set(node, [id]);
  else if (!ids.includes(id)) ids.push(id);
}
