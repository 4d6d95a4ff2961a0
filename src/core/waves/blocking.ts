/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { componentsOf, type Graph } from './graph.ts';
import { pushTo } from '../push-to.ts';
import type { TaskGraph } from './task-graph.ts';
import { selectEdges } from './wave-levels.ts';

/**
 * What keeps a node out of every wave; `cause` is the index of a cycle, or the node that names a
 * missing dependency.
 */
export interface Block {
  /** The first of these that applies. */
  readonly kind: 'cycle' | 'behindCycle' | 'missing' | 'behindMissing';
  readonly cause: number;
}

/** The open nodes that no wave can hold. */
export interface Blocking {
  /** By node. */
  readonly blockOf: ReadonlyMap<number, Block>;
  /** Each cycle of open dependencies once, members and cycles in id order. */
  readonly cycles: readonly (readonly number[])[];
}

/**
 * Finds cycles of open dependencies, tasks with missing dependencies where those count, and all
 * tasks that wait for either.
 *
 * Parent edges are ignored: a child does not wait for its parent to be done. `mayHaveCycles: false`
 * skips the cycle search.
 */
export function findBlocked(
  graph: TaskGraph,
  {
    mayHaveCycles,
    missingBlocks,
  }: { readonly mayHaveCycles: boolean; readonly missingBlocks: boolean },
): Blocking {
  const { order } = graph;
  const blockOf = new Map<number, Block>();
  const lacking = missingBlocks
    ? order.filter((v) => graph.settled[v] === 0 && graph.missing.has(v))
    : [];
  if (!mayHaveCycles && lacking.length === 0) return { blockOf, cycles: [] };

  const waiting = openDependencies(graph);
  const cycles = mayHaveCycles ? findCycles(waiting, order) : [];
  cycles.forEach((members, cause) => {
    for (const v of members) blockOf.set(v, { kind: 'cycle', cause });
  });
  cycles.forEach((members, cause) => blockBehind(members, 'behindCycle', cause));
  const seeds = lacking.filter((v) => !blockOf.has(v));
  for (const v of seeds) blockOf.set(v, { kind: 'missing', cause: v });
  for (const v of seeds) blockBehind([v], 'behindMissing', v);
  return { blockOf, cycles };

  function blockBehind(start: readonly number[], kind: Block['kind'], cause: number): void {
    const reached = [...start];
    for (let v = reached.pop(); v !== undefined; v = reached.pop()) {
      for (let e = waiting.offsets[v]!; e < waiting.offsets[v + 1]!; e++) {
        const w = waiting.targets[e]!;
        if (blockOf.has(w)) continue;
        blockOf.set(w, { kind, cause });
        reached.push(w);
      }
    }
  }
}

function openDependencies(graph: TaskGraph): Graph {
  return selectEdges(graph, false, (v, w) => graph.settled[v] === 0 && graph.settled[w] === 0);
}

function findCycles(graph: Graph, order: Int32Array): readonly (readonly number[])[] {
  const { count, componentOf } = componentsOf(graph);
  const sizes = new Int32Array(count);
  for (const component of componentOf) sizes[component]!++;
  const cycles = new Map<number, number[]>();
  for (const v of order) {
    const component = componentOf[v]!;
    if (sizes[component] !== 1) pushTo(cycles, component, v);
  }
  return [...cycles.values()];
}
