/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { buildGraph, componentsOf, levelsOf } from './graph.ts';
import type { Levels } from './graph.ts';
import type { TaskGraph } from './task-graph.ts';

/**
 * exarp-go's levels: over all tasks whatever their status, by dependencies and parents, ids that are not there ignored.
 * Nodes in a cycle of that graph or behind one have -1; exarp-go itself gives them a different number each time.
 */
export function exarpLevels({ tasks, from, to }: TaskGraph): Levels {
  return levelsOf(buildGraph(tasks.length, from, to));
}

/**
 * Levels of the nodes that are not hidden; a hidden one is as if it were not there, and its own level means nothing.
 *
 * Edges that lie in a cycle and that nothing has to wait for are left out, so that an epic that depends on its own
 * children has a level: edges from parent to child, and those from or to a settled task. Cycles of open dependencies have
 * to be hidden.
 */
export function levelsAround(graph: TaskGraph, hidden: Uint8Array, withParents: boolean): Levels {
  const size = graph.tasks.length;
  const count = withParents ? graph.from.length : graph.dependencyCount;
  const edges = selectEdges(count, (e) => hidden[graph.from[e]!] === 0 && hidden[graph.to[e]!] === 0);
  const whole = buildSelected(graph, edges);
  const levels = levelsOf(whole);
  if (levels.placed === size) return levels;

  const { componentOf } = componentsOf(whole);
  const needed = edges.filter((e) => {
    const [v, w] = [graph.from[e]!, graph.to[e]!];
    const isSoft = e >= graph.dependencyCount || graph.settled[v] === 1 || graph.settled[w] === 1;
    return !isSoft || componentOf[v] !== componentOf[w];
  });
  const repaired = levelsOf(buildSelected(graph, needed));
  if (repaired.placed !== size) throw new Error('Internal error: a cycle of open dependencies was not hidden');
  return repaired;
}

function selectEdges(count: number, wanted: (edge: number) => boolean): Int32Array {
  const edges = new Int32Array(count);
  let selected = 0;
  for (let e = 0; e < count; e++) if (wanted(e)) edges[selected++] = e;
  return edges.subarray(0, selected);
}

function buildSelected(graph: TaskGraph, edges: Int32Array): ReturnType<typeof buildGraph> {
  return buildGraph(
    graph.tasks.length,
    edges.map((e) => graph.from[e]!),
    edges.map((e) => graph.to[e]!),
  );
}
