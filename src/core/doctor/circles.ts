/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { buildGraph, componentsOf, type Graph } from '../graph.ts';
import type { Snapshot } from '../snapshot.ts';
import { buildTaskGraph, type TaskGraph } from '../task-graph.ts';
import { compareIds, type TaskId } from '../task.ts';

/** Tasks that all wait for each other. */
export interface Tangle {
  /** In id order. */
  readonly members: readonly TaskId[];
  /** A shortest circle through the first member that is in one, each waiting for the next. */
  readonly circle: readonly TaskId[];
  readonly isOpen: boolean;
}

/**
 * Every tangle of dependencies, that of finished tasks included, since exarp-go's levels know no status. Where a part of a
 * tangle is open, that is the tangle: it is what holds up work. `isBlocked` says which tasks are in an open one.
 */
export function findCircles(snapshot: Snapshot, isBlocked: (id: TaskId) => boolean): readonly Tangle[] {
  const graph = buildTaskGraph(snapshot.tasks);
  const all = dependenciesOf(graph, () => true);
  const tangled = tanglesIn(all).filter((nodes) => !nodes.some((v) => isBlocked(graph.ids[v]!)));
  const open = dependenciesOf(graph, (v) => graph.settled[v] === 0);
  // Two looks at the same edges are only worth it where the plan has found something.
  const blocked = graph.ids.some(isBlocked) ? tanglesIn(open) : [];
  return [
    ...blocked.map((nodes) => describe(graph, open, nodes, true)),
    ...tangled.map((nodes) => describe(graph, all, nodes, false)),
  ];
}

/** Edges from a task to what it waits for, between tasks that are wanted. */
function dependenciesOf({ tasks, from, to, dependencyCount }: TaskGraph, wanted: (node: number) => boolean): Graph {
  const both = (_: number, e: number): boolean => wanted(from[e]!) && wanted(to[e]!);
  return buildGraph(
    tasks.length,
    to.subarray(0, dependencyCount).filter(both),
    from.subarray(0, dependencyCount).filter(both),
  );
}

function tanglesIn(graph: Graph): readonly (readonly number[])[] {
  const { count, componentOf } = componentsOf(graph);
  if (count === graph.size) return [];
  const members = Array.from({ length: count }, (): number[] => []);
  componentOf.forEach((component, v) => members[component]!.push(v));
  return members.filter((nodes) => nodes.length > 1);
}

function describe({ ids }: TaskGraph, graph: Graph, nodes: readonly number[], isOpen: boolean): Tangle {
  const byId = (v: number, w: number): number => compareIds(ids[v]!, ids[w]!);
  const sorted = nodes.toSorted(byId);
  const circle = circleThrough(sorted[0]!, graph, new Set(nodes), byId);
  return { members: sorted.map((v) => ids[v]!), circle: circle.map((v) => ids[v]!), isOpen };
}

/** A shortest way from a node back to itself; of several, the one by the smallest ids. There is one in every tangle. */
function circleThrough(
  start: number,
  { offsets, targets }: Graph,
  within: ReadonlySet<number>,
  compare: (v: number, w: number) => number,
): readonly number[] {
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (const v of queue) {
    const next = [...targets.subarray(offsets[v], offsets[v + 1])].filter((w) => within.has(w)).sort(compare);
    if (next.includes(start)) {
      const back = [v];
      for (let w = v; w !== start; back.push(w)) w = cameFrom.get(w)!;
      return back.reverse();
    }
    for (const w of next) {
      if (cameFrom.has(w)) continue;
      cameFrom.set(w, v);
      queue.push(w);
    }
  }
  throw new Error('Internal error: a tangle without a circle');
}
