/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { type Graph, type Levels, levelsOf } from './graph.ts';
import { IdIndex } from './id-index.ts';
import { orderOfIds } from './id-order.ts';
import { isSettled, priorityRank, type Task, type TaskId } from '../task.ts';
import { ABSENT, linkTasks, type TaskLinks } from './task-links.ts';

/** The part of a graph that does not depend on statuses. Node `v` is `tasks[v]`. */
interface Structure {
  /** The id of each node, and the node of each id. */
  readonly ids: readonly TaskId[];
  readonly index: IdIndex;
  /** The nodes in the order of `compareIds`. */
  readonly order: Int32Array;
  /**
   * From each task to what waits for it: first the edges to its dependants, then those to its
   * children. Edges from a task to itself and to missing tasks are left out.
   */
  readonly edges: Graph;
  /** By node, where in `edges.targets` the edges to its dependants end. */
  readonly dependentsEnd: Int32Array;
  /**
   * exarp-go's levels: over all tasks of any status, by dependencies and parents. Nodes in a cycle
   * of that graph or behind one have -1; exarp-go itself gives them a different number each time.
   */
  readonly exarp: Levels;
  /** By node, the dependencies that no task has, each once. */
  readonly missing: ReadonlyMap<number, readonly TaskId[]>;
  /** Nodes that name themselves, as a dependency or as their parent. */
  readonly selfDependent: readonly number[];
}

/** A backlog as nodes and edges. */
export interface TaskGraph extends Structure {
  /** Each id once: of two tasks with the same id, the first. */
  readonly tasks: readonly Task[];
  /** By node, 1 for a task that is Done or Cancelled. */
  readonly settled: Uint8Array;
  /** By node, the rank of its priority. */
  readonly rankOf: Uint8Array;
}

/** Most new snapshots change statuses and no links, so that most of the graph can be reused. */
const structures = new WeakMap<TaskLinks, Structure>();

/**
 * The graph of a backlog. With known links no id is looked up, and the same links give the same
 * edges.
 */
export function buildTaskGraph(backlog: readonly Task[], known?: TaskLinks): TaskGraph {
  const [tasks, links] = known === undefined ? linkDistinct(backlog) : [backlog, known];
  let structure = structures.get(links);
  if (structure === undefined) {
    structure = buildStructure(tasks, links);
    structures.set(links, structure);
  }
  // Tasks are scattered in memory: what later steps need of them is gathered in one pass.
  const settled = new Uint8Array(tasks.length);
  const rankOf = new Uint8Array(tasks.length);
  for (let v = 0; v < tasks.length; v++) {
    const { status, priority } = tasks[v]!;
    if (isSettled(status)) settled[v] = 1;
    rankOf[v] = priorityRank(priority);
  }
  return { ...structure, tasks, settled, rankOf };
}

/**
 * Leaves out every task whose id an earlier one has; without such a task, which is usual, the list
 * itself is returned.
 */
function linkDistinct(backlog: readonly Task[]): [tasks: readonly Task[], links: TaskLinks] {
  const ids = backlog.map((task) => task.id);
  const index = new IdIndex(ids);
  if (index.size === ids.length) return [backlog, linkTasks(backlog, ids, index)];
  return linkDistinct(backlog.filter((task, position) => index.get(task.id) === position));
}

function buildStructure(tasks: readonly Task[], links: TaskLinks): Structure {
  const { ids, index, parentOf } = links;
  const size = tasks.length;
  const [missing, selfDependent] = findFaults(tasks, links);
  const begin = new Int32Array(size + 1);
  eachDependency(links, (first) => begin[first + 1]!++);
  for (let v = 0; v < size; v++) if (isEdge(parentOf[v]!, v)) begin[parentOf[v]! + 1]!++;
  for (let v = 0; v < size; v++) begin[v + 1]! += begin[v]!;
  const targets = new Int32Array(begin[size]!);
  const dependentsEnd = begin.slice(0, size);
  eachDependency(links, (first, v) => (targets[dependentsEnd[first]!++] = v));
  const next = dependentsEnd.slice();
  for (let v = 0; v < size; v++) if (isEdge(parentOf[v]!, v)) targets[next[parentOf[v]!]!++] = v;
  const edges = { size, offsets: begin, targets };
  const order = orderOfIds(ids);
  return {
    ids,
    index,
    order,
    edges,
    dependentsEnd,
    exarp: levelsOf(edges),
    missing,
    selfDependent,
  };
}

function eachDependency(
  { ids, offsets, targets }: TaskLinks,
  visit: (first: number, task: number) => void,
): void {
  for (let v = 0; v < ids.length; v++) {
    for (let i = offsets[v]!; i < offsets[v + 1]!; i++)
      if (isEdge(targets[i]!, v)) visit(targets[i]!, v);
  }
}

function isEdge(first: number, task: number): boolean {
  return first >= 0 && first !== task;
}

function findFaults(
  tasks: readonly Task[],
  { offsets, targets, parentOf }: TaskLinks,
): [missing: Map<number, readonly TaskId[]>, selfDependent: number[]] {
  const missing = new Map<number, readonly TaskId[]>();
  const selfDependent: number[] = [];
  for (let v = 0; v < tasks.length; v++) {
    let namesItself = parentOf[v] === v;
    let lacks = false;
    for (let i = offsets[v]!; i < offsets[v + 1]!; i++) {
      if (targets[i] === v) namesItself = true;
      else if (targets[i] === ABSENT) lacks = true;
    }
    if (namesItself) selfDependent.push(v);
    if (lacks) {
      const { dependencies } = tasks[v]!;
      missing.set(v, [
        ...new Set(dependencies.filter((_, i) => targets[offsets[v]! + i] === ABSENT)),
      ]);
    }
  }
  return [missing, selfDependent];
}
