import type { Card } from '../../src/core/board/board-state.ts';
import { dependentsOf } from './dependents.ts';
import type { Layout, LayoutRequest } from './layout-graph.ts';
import { NODE } from './node-size.ts';
import type { Move } from './navigator.ts';
import type { Part } from './ui-state.ts';

/** The layer of tasks that are done, before all waves. */
export const DONE_LAYER = -1;

/** What is drawn: ids of tasks in layers that are waves. What is done stands before, the rest after. */
export function graphOf(
  cards: ReadonlyMap<string, Card>,
  part: Part,
  partOf: string | undefined,
): LayoutRequest {
  const ids = part === 'all' || partOf === undefined ? undefined : around(cards, part, partOf);
  const shown = [...cards.values()].filter(({ id }) => ids === undefined || ids.has(id));
  const last = Math.max(-1, ...shown.map(({ wave }) => wave ?? -1)) + 1;
  const known = new Set(shown.map(({ id }) => id));
  return {
    nodes: shown.map(({ id, wave, state }) => ({
      id,
      layer: wave ?? (state === 'done' || state === 'cancelled' ? DONE_LAYER : last),
    })),
    edges: shown.flatMap((card) =>
      card.after.filter((id) => known.has(id)).map((id): [string, string] => [id, card.id]),
    ),
  };
}

function around(cards: ReadonlyMap<string, Card>, part: Part, id: string): ReadonlySet<string> {
  const found = new Set([id]);
  const follow = (next: (id: string) => readonly string[]) => {
    const way = [id];
    const seen = new Set(way);
    for (const each of way)
      for (const other of next(each))
        if (!seen.has(other)) {
          seen.add(other);
          found.add(other);
          way.push(other);
        }
  };
  const dependents = dependentsOf(cards);
  if (part !== 'after') follow((each) => cards.get(each)?.after ?? []);
  if (part !== 'before') follow((each) => dependents.get(each) ?? []);
  return found;
}

interface Spot {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/** A layout with what is asked of it while it is looked at. */
export class Sheet {
  readonly layout: Layout;
  readonly spots: ReadonlyMap<string, Spot>;

  constructor(layout: Layout) {
    this.layout = layout;
    this.spots = new Map(layout.nodes.map((node) => [node.id, node]));
  }

  /** The task at this point. */
  at(x: number, y: number): string | undefined {
    return this.layout.nodes.find(
      (node) => x >= node.x && x <= node.x + NODE.width && y >= node.y && y <= node.y + NODE.height,
    )?.id;
  }

  /** The nearest task in a direction; one that a line leads to comes first. */
  next(from: string, direction: Move, joined: (id: string) => boolean): string | undefined {
    const own = this.spots.get(from);
    if (own === undefined) return this.layout.nodes[0]?.id;
    if (direction === 'first' || direction === 'last') {
      const column = this.layout.nodes.filter(({ x }) => x === own.x).sort((a, b) => a.y - b.y);
      return (direction === 'first' ? column[0] : column.at(-1))?.id;
    }
    let best: { readonly id: string; readonly cost: number } | undefined;
    for (const node of this.layout.nodes) {
      const [dx, dy] = [node.x - own.x, node.y - own.y];
      const cost =
        direction === 'up' || direction === 'down'
          ? dx === 0 && (direction === 'up' ? dy < 0 : dy > 0)
            ? Math.abs(dy)
            : undefined
          : (direction === 'left' ? dx < 0 : dx > 0)
            ? Math.abs(dx) + 2 * Math.abs(dy) - (joined(node.id) ? 1e7 : 0)
            : undefined;
      if (cost !== undefined && (best === undefined || cost < best.cost))
        best = { id: node.id, cost };
    }
    return best?.id;
  }
}

/** A line from a node to a node through the points between, as cubic curves: x, y, and three pairs for each. */
export function curveOf(from: Spot, to: Spot, between: readonly (readonly [number, number])[]) {
  const half = NODE.height / 2;
  const start: readonly [number, number] = [from.x + NODE.width, from.y + half];
  const stops = [...between, [to.x, to.y + half] as const];
  const curves: (readonly [number, number, number, number, number, number])[] = [];
  let [x, y] = start;
  for (const [nextX, nextY] of stops) {
    // Back, or down within a layer, as lines in a circle go: out of the way of the nodes.
    const bend = nextX > x ? (nextX - x) / 2 : 60;
    curves.push([x + bend, y, nextX - bend, nextY, nextX, nextY]);
    [x, y] = [nextX, nextY];
  }
  return { start, curves };
}
