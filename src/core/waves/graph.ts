/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph; a check per access would slow loops over millions of them. */

/**
 * A directed graph over the nodes 0..size-1 in compressed rows: the edges that leave node `v` lead
 * to `targets[offsets[v]]` up to, not including, `targets[offsets[v + 1]]`. Duplicate edges are
 * allowed.
 */
export interface Graph {
  readonly size: number;
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
}

/**
 * Builds a graph whose edge `e` leads from `from[e]` to `to[e]`; keeps the order of the edges of
 * each node.
 */
export function buildGraph(size: number, from: Int32Array, to: Int32Array): Graph {
  const offsets = new Int32Array(size + 1);
  for (let e = 0; e < from.length; e++) offsets[from[e]! + 1]!++;
  for (let v = 0; v < size; v++) offsets[v + 1]! += offsets[v]!;
  const next = offsets.slice(0, size);
  const targets = new Int32Array(from.length);
  for (let e = 0; e < from.length; e++) targets[next[from[e]!]!++] = to[e]!;
  return { size, offsets, targets };
}

/** The same nodes with every edge reversed. */
export function reverseGraph(graph: Graph): Graph {
  const sources = new Int32Array(graph.targets.length);
  for (let v = 0; v < graph.size; v++) sources.fill(v, graph.offsets[v], graph.offsets[v + 1]);
  return buildGraph(graph.size, graph.targets, sources);
}

/** How deep each node lies below the nodes that nothing leads to. */
export interface Levels {
  /**
   * 0 without predecessors, else 1 + the highest level of a predecessor; -1 in a cycle, behind one,
   * and where hidden.
   */
  readonly levelOf: Int32Array;
  /** How many nodes have a level; `size` exactly if there is no cycle. */
  readonly placed: number;
  /** How many levels there are. */
  readonly height: number;
}

/**
 * Levels by Kahn's algorithm, without the nodes marked in `hidden`. Takes time linear in nodes and
 * edges.
 */
export function levelsOf(
  { size, offsets, targets }: Graph,
  hidden: Uint8Array = new Uint8Array(size),
): Levels {
  const waitsFor = new Int32Array(size);
  for (let v = 0; v < size; v++) {
    if (hidden[v] !== 0) continue;
    for (let e = offsets[v]!; e < offsets[v + 1]!; e++) waitsFor[targets[e]!]!++;
  }
  const levelOf = new Int32Array(size).fill(-1);
  const queue = new Int32Array(size);
  let placed = 0;
  for (let v = 0; v < size; v++) {
    if (waitsFor[v] !== 0 || hidden[v] !== 0) continue;
    levelOf[v] = 0;
    queue[placed++] = v;
  }
  for (let head = 0; head < placed; head++) {
    const v = queue[head]!;
    // The queue is in order of levels, so the last predecessor visited is one of the deepest.
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

/**
 * The nodes on the longest path from each node, itself included: 1 where no edge leaves, 0 where a
 * cycle can be reached.
 */
export function longestPathsFrom(graph: Graph): Int32Array {
  return levelsOf(reverseGraph(graph)).levelOf.map((level) => level + 1);
}

/** Which nodes reach each other. */
export interface Components {
  readonly count: number;
  /**
   * The component of each node; an edge between two components leads to the one with the smaller
   * number.
   */
  readonly componentOf: Int32Array;
}

/**
 * Strongly connected components by Tarjan's algorithm with an explicit stack, so that deep graphs
 * do not overflow the call stack.
 */
export function componentsOf({ size, offsets, targets }: Graph): Components {
  const componentOf = new Int32Array(size).fill(-1);
  // When a node was first seen, 0 for not yet; and the earliest node without a component that it
  // can reach, as far as known.
  const seen = new Int32Array(size);
  const low = new Int32Array(size);
  const open = new Int32Array(size);
  const path = new Int32Array(size);
  const nextEdge = offsets.slice(0, size);
  let [time, opened, count] = [0, 0, 0];
  for (let root = 0; root < size; root++) {
    if (seen[root] !== 0) continue;
    let depth = 0;
    path[0] = open[opened++] = root;
    seen[root] = low[root] = ++time;
    while (depth >= 0) {
      const v = path[depth]!;
      if (nextEdge[v]! < offsets[v + 1]!) {
        const w = targets[nextEdge[v]!++]!;
        if (seen[w] === 0) {
          path[++depth] = open[opened++] = w;
          seen[w] = low[w] = ++time;
        } else if (componentOf[w] === -1 && seen[w]! < low[v]!) {
          low[v] = seen[w]!;
        }
        continue;
      }
      if (low[v] === seen[v]) {
        while (componentOf[v] === -1) componentOf[open[--opened]!] = count;
        count++;
      }
      if (--depth >= 0 && low[v]! < low[path[depth]!]!) low[path[depth]!] = low[v]!;
    }
  }
  return { count, componentOf };
}
