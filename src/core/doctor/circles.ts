/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { componentsOf, type Graph, reverseGraph } from '../waves/graph.ts';
import type { Snapshot } from '../snapshot.ts';
import { buildTaskGraph, type TaskGraph } from '../waves/task-graph.ts';
import { selectEdges } from '../waves/wave-levels.ts';
import { compareIds, type TaskId } from '../task.ts';
import type { Plan } from '../waves/waves.ts';

/** Tasks that all wait for each other. */
export interface Tangle {
  /** In id order. */
  readonly members: readonly TaskId[];
  /** A shortest cycle through the first member, each waiting for the next. */
  readonly circle: readonly TaskId[];
  readonly isOpen: boolean;
}

/**
 * Every strongly connected group of dependencies with an open task, through finished ones too,
 * since exarp-go's levels ignore statuses. Where the open tasks alone form such a group, that one
 * is reported: it blocks work.
 */
export function findCircles(snapshot: Snapshot, plan: Plan): readonly Tangle[] {
  // A task in a cycle has no level, so a backlog without a cycle, the usual one, needs no search.
  const openCount = snapshot.tasks.length - plan.settled.length;
  if (plan.exarpLevelOf.size === openCount) return [];
  const graph = buildTaskGraph(snapshot.tasks, snapshot.links);
  const isOpen = (v: number): boolean => graph.settled[v] === 0;
  const isBlocked = (v: number): boolean => plan.blockedOf.get(graph.ids[v]!)?.kind === 'cycle';
  const all = dependenciesOf(graph, () => true);
  const open = dependenciesOf(graph, isOpen);
  return [
    ...tanglesIn(open).map((nodes) => describe(graph, open, nodes, true)),
    ...tanglesIn(all)
      .filter((nodes) => nodes.some(isOpen) && !nodes.some(isBlocked))
      .map((nodes) => describe(graph, all, nodes, false)),
  ];
}

/** Edges from a task to what it waits for, between tasks that are wanted. */
function dependenciesOf(graph: TaskGraph, wanted: (node: number) => boolean): Graph {
  return reverseGraph(selectEdges(graph, false, (v, w) => wanted(v) && wanted(w)));
}

function tanglesIn(graph: Graph): readonly (readonly number[])[] {
  const { count, componentOf } = componentsOf(graph);
  if (count === graph.size) return [];
  const members = Array.from({ length: count }, (): number[] => []);
  componentOf.forEach((component, v) => members[component]!.push(v));
  return members.filter((nodes) => nodes.length > 1);
}

function describe(
  { ids }: TaskGraph,
  graph: Graph,
  nodes: readonly number[],
  isOpen: boolean,
): Tangle {
  const byId = (v: number, w: number): number => compareIds(ids[v]!, ids[w]!);
  const sorted = nodes.toSorted(byId);
  const circle = circleThrough(sorted[0]!, graph, new Set(nodes), byId);
  return { members: sorted.map((v) => ids[v]!), circle: circle.map((v) => ids[v]!), isOpen };
}

/** A shortest path from a node back to itself; of several, the one with the smallest ids. */
function circleThrough(
  start: number,
  { offsets, targets }: Graph,
  within: ReadonlySet<number>,
  compare: (v: number, w: number) => number,
): readonly number[] {
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (const v of queue) {
    const next = [...targets.subarray(offsets[v], offsets[v + 1])]
      .filter((w) => within.has(w))
      .sort(compare);
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
