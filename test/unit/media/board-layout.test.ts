import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graphOf } from '../../../media/board/graph-data.ts';
import { layoutGraph } from '../../../media/board/layout-graph.ts';
import { NODE } from '../../../media/board/node-size.ts';
import { boardState } from '../../support/board-fixture.ts';

const cardsOf = (tasks: number) =>
  new Map(boardState({ tasks, phase: 'running', now: 0 }).cards.map((card) => [card.id, card]));

for (const tasks of [4, 40, 400])
  test(`no two of ${tasks} tasks are drawn over each other, and each is in the column of its wave`, () => {
    const graph = graphOf(cardsOf(tasks), 'all', undefined);
    const { nodes, layers, width, height } = layoutGraph(graph);
    assert.equal(nodes.length, tasks);
    const layerOf = new Map(graph.nodes.map(({ id, layer }) => [id, layer]));
    for (const [i, a] of nodes.entries()) {
      const layer = layers.find((each) => each.layer === layerOf.get(a.id));
      assert.ok(layer && a.x >= layer.x && a.x + NODE.width <= layer.x + layer.width, a.id);
      assert.ok(a.x >= 0 && a.y >= -0.001 && a.x + NODE.width <= width, a.id);
      assert.ok(a.y + NODE.height <= height + 0.001, a.id);
      for (const b of nodes.slice(0, i))
        assert.ok(
          Math.abs(a.x - b.x) >= NODE.width || Math.abs(a.y - b.y) >= NODE.height - 0.001,
          `${a.id} over ${b.id}`,
        );
    }
  });

test('a circle and a line within a wave are drawn, and place no task', () => {
  const { nodes, edges } = layoutGraph({
    nodes: [
      { id: 'a', layer: 0 },
      { id: 'b', layer: 0 },
      { id: 'c', layer: 1 },
    ],
    edges: [
      ['a', 'b'],
      ['b', 'a'],
      ['c', 'a'],
    ],
  });
  assert.equal(nodes.length, 3);
  assert.deepEqual(
    edges.map(({ from, to, points }) => [from, to, points.length]),
    [
      ['a', 'b', 0],
      ['b', 'a', 0],
      ['c', 'a', 0],
    ],
  );
});

test('the same line told twice, and a line from a task to itself, do no harm', () => {
  const { nodes } = layoutGraph({
    nodes: [
      { id: 'a', layer: 0 },
      { id: 'b', layer: 2 },
    ],
    edges: [
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'a'],
    ],
  });
  assert.equal(nodes.length, 2);
});

test('the part around a task is what it waits for, what waits for it, or both', () => {
  const [some] = cardsOf(4).values();
  assert.ok(some);
  const card = (id: string, after: readonly string[]) => ({ ...some, id, after });
  const cards = new Map(
    [card('a', []), card('b', ['a']), card('c', ['b']), card('d', ['a']), card('e', [])].map(
      (each) => [each.id, each],
    ),
  );
  const part = (which: 'before' | 'after' | 'both') =>
    graphOf(cards, which, 'b')
      .nodes.map(({ id }) => id)
      .join(' ');
  assert.equal(part('before'), 'a b');
  assert.equal(part('after'), 'b c');
  assert.equal(part('both'), 'a b c');
});
