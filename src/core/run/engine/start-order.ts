/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every index below is a node or an edge of the graph at hand; a check per access would only cost time. */
import { buildGraph } from '../../waves/graph.ts';

/** In which order tasks start that may all start. */
export interface StartOrder {
  /** Each node's place, 0 for the one that starts first, and the node at each place. */
  readonly placeOf: Int32Array;
  readonly nodeAt: Int32Array;
  /** How many edges that count lead to each node. */
  readonly waitsFor: Int32Array;
  /**
   * 0 for the edges of a cycle and of what lies behind it: they do not count, as such tasks would
   * wait for ever.
   */
  readonly isEdge: Uint8Array;
}

/**
 * Orders nodes by the longest path of weights that begins at each, then by rank, then by their own
 * order. Edge `e` leads `from[e]` to `to[e]`. Takes O(m + n log n).
 */
export function planOrder(
  nodes: readonly { readonly weight: number; readonly rank: number; readonly wave: number }[],
  from: Int32Array,
  to: Int32Array,
): StartOrder {
  const size = nodes.length;
  const { offsets, targets } = buildGraph(size, from, to);
  const waitsFor = new Int32Array(size);
  for (let e = 0; e < to.length; e++) waitsFor[to[e]!]!++;
  const counting = waitsFor.slice();
  const sequence = new Int32Array(size);
  let placed = 0;
  for (let v = 0; v < size; v++) if (counting[v] === 0) sequence[placed++] = v;
  for (let head = 0; head < placed; head++) {
    const v = sequence[head]!;
    for (let e = offsets[v]!; e < offsets[v + 1]!; e++)
      if (--counting[targets[e]!]! === 0) sequence[placed++] = targets[e]!;
  }
  // What a circle holds back has no place in the sequence: its edges from others of that kind do
  // not count.
  const isEdge = new Uint8Array(to.length).fill(1);
  for (let e = 0; placed < size && e < to.length; e++) {
    if (counting[to[e]!]! === 0 || counting[from[e]!]! === 0) continue;
    isEdge[e] = 0;
    waitsFor[to[e]!]!--;
  }
  const path = Float64Array.from(nodes, ({ weight }) => weight);
  for (let i = placed - 1; i >= 0; i--) {
    const v = sequence[i]!;
    let longest = 0;
    for (let e = offsets[v]!; e < offsets[v + 1]!; e++)
      longest = Math.max(longest, path[targets[e]!]!);
    path[v]! += longest;
  }
  const nodeAt = Int32Array.from(nodes, (_, v) => v).sort(
    (v, w) =>
      path[w]! - path[v]! ||
      nodes[v]!.rank - nodes[w]!.rank ||
      nodes[v]!.wave - nodes[w]!.wave ||
      v - w,
  );
  const placeOf = new Int32Array(size);
  for (let place = 0; place < size; place++) placeOf[nodeAt[place]!] = place;
  return { placeOf, nodeAt, waitsFor, isEdge };
}
