import {
  coordGreedy,
  coordSimplex,
  decrossDfs,
  decrossTwoLayer,
  graphStratify,
  sugiyama,
  type Graph,
  type Layering,
} from 'd3-dag';
import { NODE } from './node-size.ts';

/** What is laid out: tasks in layers, and which comes after which. */
export interface LayoutRequest {
  readonly nodes: readonly { readonly id: string; readonly layer: number }[];
  readonly edges: readonly (readonly [from: string, to: string])[];
}

export interface Layout {
  /** The upper left corner of each node, in px. */
  readonly nodes: readonly { readonly id: string; readonly x: number; readonly y: number }[];
  /** Those that go from layer to layer, with the points between their ends. */
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
  /** Where each layer begins and how wide it is. */
  readonly layers: readonly {
    readonly layer: number;
    readonly x: number;
    readonly width: number;
  }[];
  readonly width: number;
  readonly height: number;
}

const STEP_Y = NODE.height + NODE.gapY;
/** Beyond so many tasks in one piece, the best order and places would take seconds. */
const MOST_FOR_BEST = 200;
const MOST_FOR_GOOD = 1000;

interface Datum {
  readonly id: string;
  readonly parentIds: readonly string[];
}

/**
 * Puts tasks into columns by layer, so that lines cross little and stay short. Each piece of the
 * graph is laid out alone and put where it fits below the ones before; tasks without any line fill
 * up the columns in blocks.
 */
export function layoutGraph({ nodes, edges }: LayoutRequest): Layout {
  const layerOf = new Map(nodes.map(({ id, layer }) => [id, layer]));
  // A line within a layer, or back, belongs to a circle; it is drawn, but places no task.
  const forward = edges.filter(([from, to]) => {
    const [a, b] = [layerOf.get(from), layerOf.get(to)];
    return a !== undefined && b !== undefined && a < b;
  });
  const { pieces, alone } = piecesOf([...layerOf.keys()], forward);

  const used = new Map<number, number>();
  const yOf = new Map<string, number>();
  const between = new Map<string, readonly number[]>();
  for (const piece of pieces) {
    const laid = layoutPiece(piece, layerOf);
    let down = 0;
    for (const [layer, { top }] of laid.extents)
      down = Math.max(down, (used.get(layer) ?? 0) - top);
    for (const [id, y] of laid.ys) yOf.set(id, y + down);
    for (const [key, ys] of laid.between)
      between.set(
        key,
        ys.map((y) => y + down),
      );
    for (const [layer, { bottom }] of laid.extents) used.set(layer, bottom + down + NODE.gapY);
  }
  return place(nodes, edges, alone, layerOf, yOf, between, used);
}

interface Piece {
  readonly ids: readonly string[];
  readonly parents: ReadonlyMap<string, readonly string[]>;
}

/** The connected parts, the largest first, and what is connected to nothing. */
function piecesOf(
  ids: readonly string[],
  edges: readonly (readonly [string, string])[],
): { readonly pieces: readonly Piece[]; readonly alone: readonly string[] } {
  const near = new Map<string, string[]>(ids.map((id) => [id, []]));
  const parents = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const [from, to] of edges) {
    near.get(from)?.push(to);
    near.get(to)?.push(from);
    parents.get(to)?.push(from);
  }
  const seen = new Set<string>();
  const pieces: Piece[] = [];
  const alone: string[] = [];
  for (const id of ids) {
    if (seen.has(id)) continue;
    seen.add(id);
    const piece = [id];
    for (const each of piece)
      for (const other of near.get(each) ?? [])
        if (!seen.has(other)) {
          seen.add(other);
          piece.push(other);
        }
    if (piece.length === 1) alone.push(id);
    else pieces.push({ ids: piece, parents });
  }
  return { pieces: pieces.sort((a, b) => b.ids.length - a.ids.length), alone };
}

interface Laid {
  readonly ys: readonly (readonly [id: string, y: number])[];
  /** By `from to`: where a line passes the layers between its ends. */
  readonly between: ReadonlyMap<string, readonly number[]>;
  readonly extents: ReadonlyMap<number, { readonly top: number; readonly bottom: number }>;
}

function layoutPiece({ ids, parents }: Piece, layerOf: ReadonlyMap<string, number>): Laid {
  const data = ids.map((id): Datum => ({ id, parentIds: [...new Set(parents.get(id))] }));
  const first = Math.min(...ids.map((id) => layerOf.get(id) ?? 0));
  const graph: Graph<Datum, undefined> = graphStratify()(data);
  // The layers are the waves.
  const layering: Layering<Datum, undefined> = <N extends Datum, L extends undefined>(
    dag: Graph<N, L>,
  ) => {
    let last = 0;
    for (const node of dag.nodes()) {
      node.y = (layerOf.get(node.data.id) ?? 0) - first;
      last = Math.max(last, node.y);
    }
    return last;
  };
  const layout = sugiyama()
    .nodeSize([NODE.height, 1])
    .gap([NODE.gapY, 1])
    .layering(layering)
    .decross(ids.length <= MOST_FOR_GOOD ? decrossTwoLayer() : decrossDfs())
    .coord(ids.length <= MOST_FOR_BEST ? coordSimplex() : coordGreedy());
  layout(graph);

  const extents = new Map<number, { top: number; bottom: number }>();
  const takes = (layer: number, y: number) => {
    const extent = extents.get(layer);
    extents.set(layer, {
      top: Math.min(extent?.top ?? Infinity, y),
      bottom: Math.max(extent?.bottom ?? -Infinity, y + NODE.height),
    });
  };
  const ys: [string, number][] = [];
  for (const node of graph.nodes()) {
    const y = node.x - NODE.height / 2;
    ys.push([node.data.id, y]);
    takes(layerOf.get(node.data.id) ?? 0, y);
  }
  const between = new Map<string, readonly number[]>();
  for (const { source, target, points } of graph.links()) {
    const passes = points.slice(1, -1).map(([y]) => y);
    const from = layerOf.get(source.data.id) ?? 0;
    for (const [i, y] of passes.entries()) takes(from + 1 + i, y - NODE.height / 2);
    if (passes.length > 0) between.set(`${source.data.id} ${target.data.id}`, passes);
  }
  return { ys, between, extents };
}

function place(
  nodes: LayoutRequest['nodes'],
  edges: LayoutRequest['edges'],
  alone: readonly string[],
  layerOf: ReadonlyMap<string, number>,
  yOf: Map<string, number>,
  between: ReadonlyMap<string, readonly number[]>,
  used: ReadonlyMap<number, number>,
): Layout {
  const blocks = new Map<number, string[]>();
  for (const id of alone) {
    const layer = layerOf.get(id) ?? 0;
    const block = blocks.get(layer);
    if (block) block.push(id);
    else blocks.set(layer, [id]);
  }
  // About as high as wide, for a screen.
  const tallest = Math.max(0, ...used.values());
  const total = nodes.length * STEP_Y * (NODE.width + NODE.gapX);
  const wanted = Math.max(tallest, Math.sqrt(total) * 0.8, 8 * STEP_Y);

  const xOf = new Map<string, number>();
  const layers: { layer: number; x: number; width: number }[] = [];
  let [x, height] = [0, tallest];
  for (const layer of [...new Set(layerOf.values())].sort((a, b) => a - b)) {
    const block = blocks.get(layer) ?? [];
    const top = used.get(layer) ?? 0;
    const rows = Math.max(4, Math.floor((wanted - top) / STEP_Y), Math.ceil(block.length / 4));
    const columns = Math.max(1, Math.ceil(block.length / rows));
    const perColumn = Math.ceil(block.length / columns);
    for (const [i, id] of block.entries()) {
      xOf.set(id, x + Math.floor(i / perColumn) * (NODE.width + NODE.gapY));
      const y = top + (i % perColumn) * STEP_Y;
      yOf.set(id, y);
      height = Math.max(height, y + NODE.height);
    }
    const width = columns * (NODE.width + NODE.gapY) - NODE.gapY;
    layers.push({ layer, x, width });
    x += width + NODE.gapX;
  }
  const layerX = new Map(layers.map((each) => [each.layer, each.x]));
  return {
    nodes: nodes.map(({ id, layer }) => ({
      id,
      x: xOf.get(id) ?? layerX.get(layer) ?? 0,
      y: yOf.get(id) ?? 0,
    })),
    edges: edges.map(([from, to]) => ({
      from,
      to,
      points: (between.get(`${from} ${to}`) ?? []).flatMap((y, i): [number, number][] => {
        const at = layerX.get((layerOf.get(from) ?? 0) + 1 + i);
        return at === undefined
          ? []
          : [
              [at, y],
              [at + NODE.width, y],
            ];
      }),
    })),
    layers,
    width: Math.max(0, x - NODE.gapX),
    height,
  };
}
