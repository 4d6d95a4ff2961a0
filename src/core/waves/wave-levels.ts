/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { buildGraph, componentsOf, levelsOf } from './graph.ts';
import type { Graph, Levels } from './graph.ts';
import type { TaskGraph } from './task-graph.ts';

/**
 * Levels of the nodes that are not hidden; a hidden one is as if it were not there, and its own level means nothing.
 *
 * Edges that lie in a cycle and that nothing has to wait for are left out, so that an epic that depends on its own
 * children has a level: edges from parent to child, and those from or to a settled task. Cycles of open dependencies have
 * to be hidden.
 */
export function levelsAround(graph: TaskGraph, hidden: Uint8Array): Levels {
  const levels = visibleLevels(graph.edges, hidden);
  let visible = 0;
  for (let v = 0; v < hidden.length; v++) if (hidden[v] === 0) visible++;
  return levels.placed === visible ? levels : repairedLevels(graph, hidden);
}

/** As `levelsOf`, of what is left of a graph without the hidden nodes. */
function visibleLevels({ size, offsets, targets }: Graph, hidden: Uint8Array): Levels {
  const waitsFor = new Int32Array(size);
  for (let v = 0; v < size; v++) {
    if (hidden[v] !== 0) continue;
    for (let e = offsets[v]!; e < offsets[v + 1]!; e++) waitsFor[targets[e]!]!++;
  }
  const levelOf = new Int32Array(size);
  const queue = new Int32Array(size);
  let placed = 0;
  for (let v = 0; v < size; v++) if (waitsFor[v] === 0 && hidden[v] === 0) queue[placed++] = v;
  for (let head = 0; head < placed; head++) {
    const v = queue[head]!;
    // The queue runs in order of levels, so the last predecessor to come along is one of the deepest.
    const below = levelOf[v]! + 1;
    for (let e = offsets[v]!; e < offsets[v + 1]!; e++) {
      const w = targets[e]!;
      if (--waitsFor[w]! !== 0 || hidden[w] !== 0) continue;
      levelOf[w] = below;
      queue[placed++] = w;
    }
  }
  return { levelOf, placed, height: placed === 0 ? 0 : levelOf[queue[placed - 1]!]! + 1 };
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
