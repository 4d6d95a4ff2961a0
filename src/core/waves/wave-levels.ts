/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { buildGraph, componentsOf, type Graph, type Levels, levelsOf } from './graph.ts';
import type { TaskGraph } from './task-graph.ts';

/**
 * Levels of the nodes that are not hidden; hidden ones are ignored, and their own levels mean
 * nothing.
 *
 * Edges within a cycle that no task has to wait for are left out, so that an epic that depends on
 * its own children has a level: edges from parent to child, and those from or to a settled task.
 * Cycles of open dependencies must be hidden.
 */
export function levelsAround(graph: TaskGraph, hidden: Uint8Array): Levels {
  const levels = levelsOf(graph.edges, hidden);
  let visible = 0;
  for (let v = 0; v < hidden.length; v++) if (hidden[v] === 0) visible++;
  return levels.placed === visible ? levels : repairedLevels(graph, hidden);
}

function repairedLevels(graph: TaskGraph, hidden: Uint8Array): Levels {
  const { componentOf } = componentsOf(selectEdges(graph, true, isVisible));
  const repaired = levelsOf(
    selectEdges(graph, true, (v, w, isParent) => {
      if (!isVisible(v, w)) return false;
      const isSoft = isParent || graph.settled[v] === 1 || graph.settled[w] === 1;
      return !isSoft || componentOf[v] !== componentOf[w];
    }),
  );
  if (repaired.placed !== graph.tasks.length) {
    throw new Error('Internal error: a cycle of open dependencies was not hidden');
  }
  return repaired;

  function isVisible(v: number, w: number): boolean {
    return hidden[v] === 0 && hidden[w] === 0;
  }
}

/** The same nodes with some of the edges. */
export function selectEdges(
  { edges: { size, offsets, targets }, dependentsEnd }: TaskGraph,
  withParents: boolean,
  wanted: (from: number, to: number, isParent: boolean) => boolean,
): Graph {
  const from = new Int32Array(targets.length);
  const to = new Int32Array(targets.length);
  let count = 0;
  for (let v = 0; v < size; v++) {
    const end = withParents ? offsets[v + 1]! : dependentsEnd[v]!;
    for (let e = offsets[v]!; e < end; e++) {
      if (!wanted(v, targets[e]!, e >= dependentsEnd[v]!)) continue;
      from[count] = v;
      to[count++] = targets[e]!;
    }
  }
  return buildGraph(size, from.subarray(0, count), to.subarray(0, count));
}
