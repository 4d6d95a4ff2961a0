import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  buildGraph,
  componentsOf,
  levelsOf,
  longestPathsFrom,
  reverseGraph,
} from '../../../../src/core/waves/graph.ts';
import type { Graph } from '../../../../src/core/waves/graph.ts';

type Edges = readonly (readonly [from: number, to: number])[];

function graphOf(size: number, edges: Edges): Graph {
  return buildGraph(
    size,
    Int32Array.from(edges, ([from]) => from),
    Int32Array.from(edges, ([, to]) => to),
  );
}

function showComponents(size: number, edges: Edges): string {
  const { componentOf, count } = componentsOf(graphOf(size, edges));
  assert.deepEqual(new Set(componentOf), new Set(Array.from({ length: count }, (_, i) => i)));
  const groups = new Map<number, string>();
  componentOf.forEach((component, v) =>
    groups.set(component, `${groups.get(component) ?? ''}${v}`),
  );
  return [...groups.values()].join(' ');
}

const cases: readonly [
  name: string,
  size: number,
  edges: Edges,
  levels: string,
  paths: string,
  components: string,
][] = [
  ['an empty graph has no levels', 0, [], '', '', ''],
  ['nodes without edges share level 0', 3, [], '0 0 0', '1 1 1', '0 1 2'],
  [
    'a chain has a level per node',
    3,
    [
      [2, 1],
      [1, 0],
    ],
    '2 1 0',
    '1 2 3',
    '0 1 2',
  ],
  [
    'the longest way decides the level',
    4,
    [
      [0, 1],
      [1, 2],
      [0, 2],
      [2, 3],
    ],
    '0 1 2 3',
    '4 3 2 1',
    '0 1 2 3',
  ],
  [
    'an edge that is there twice counts once',
    2,
    [
      [0, 1],
      [0, 1],
    ],
    '0 1',
    '2 1',
    '0 1',
  ],
  [
    'a cycle and what is behind it have no level',
    4,
    [
      [0, 1],
      [1, 0],
      [1, 2],
    ],
    '-1 -1 -1 0',
    '0 0 1 1',
    '01 2 3',
  ],
  [
    'what leads into a cycle has a level',
    3,
    [
      [0, 1],
      [1, 2],
      [2, 1],
    ],
    '0 -1 -1',
    '0 0 0',
    '0 12',
  ],
  ['an edge to itself is a cycle', 2, [[0, 0]], '-1 0', '0 1', '0 1'],
  [
    'two cycles joined by one edge stay two',
    4,
    [
      [0, 1],
      [1, 0],
      [1, 2],
      [2, 3],
      [3, 2],
    ],
    '-1 -1 -1 -1',
    '0 0 0 0',
    '01 23',
  ],
];

for (const [name, size, edges, levels, paths, components] of cases) {
  test(name, () => {
    const graph = graphOf(size, edges);
    assert.equal(levelsOf(graph).levelOf.join(' '), levels);
    assert.equal(longestPathsFrom(graph).join(' '), paths);
    assert.equal(showComponents(size, edges), components);
  });
}

test('a chain of a million nodes and a cycle of a million nodes overflow nothing', () => {
  const size = 1_000_000;
  const from = Int32Array.from({ length: size }, (_, v) => v);
  const to = Int32Array.from({ length: size }, (_, v) => (v + 1) % size);
  const chain = buildGraph(size, from.subarray(1), to.subarray(1));
  assert.deepEqual([levelsOf(chain).placed, levelsOf(chain).height], [size, size]);
  assert.equal(componentsOf(chain).count, size);
  assert.equal(longestPathsFrom(chain)[1], size);
  const cycle = buildGraph(size, from, to);
  assert.equal(componentsOf(cycle).count, 1);
  assert.equal(levelsOf(cycle).placed, 0);
});

const someGraph = fc
  .integer({ min: 1, max: 9 })
  .chain((size) =>
    fc.tuple(
      fc.constant(size),
      fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 14 }),
    ),
  );

/** Which nodes each node reaches by at least one edge, by trying every way. */
function reachOf(size: number, edges: Edges): readonly ReadonlySet<number>[] {
  return Array.from({ length: size }, (_, start) => {
    const reached = new Set<number>();
    const visit = (v: number): void => {
      for (const [from, to] of edges) {
        if (from !== v || reached.has(to)) continue;
        reached.add(to);
        visit(to);
      }
    };
    visit(start);
    return reached;
  });
}

test('levels, components and paths are what following every edge finds', () => {
  fc.assert(
    fc.property(someGraph, ([size, edges]) => {
      const graph = graphOf(size, edges);
      const reach = reachOf(size, edges);
      const { componentOf, count } = componentsOf(graph);
      const { levelOf, placed, height } = levelsOf(graph);
      const paths = longestPathsFrom(graph);
      const isCyclic = (v: number): boolean => reach[v]!.has(v);
      for (let v = 0; v < size; v++) {
        for (let w = 0; w < size; w++) {
          assert.equal(
            componentOf[v] === componentOf[w],
            v === w || (reach[v]!.has(w) && reach[w]!.has(v)),
          );
        }
        const before = edges.filter(([, to]) => to === v).map(([from]) => levelOf[from]!);
        const behindCycle = reach.some((reached, w) => reached.has(v) && isCyclic(w));
        assert.equal(levelOf[v], behindCycle ? -1 : 1 + Math.max(-1, ...before));
        const after = edges.filter(([from]) => from === v).map(([, to]) => paths[to]!);
        assert.equal(paths[v], [v, ...reach[v]!].some(isCyclic) ? 0 : 1 + Math.max(0, ...after));
      }
      for (const [from, to] of edges) assert.ok(componentOf[from]! >= componentOf[to]!);
      assert.equal(count, new Set(componentOf).size);
      assert.equal(placed, levelOf.filter((level) => level !== -1).length);
      assert.equal(height, 1 + Math.max(-1, ...levelOf));
    }),
    { seed: 12, numRuns: 400 },
  );
});

test('turning every edge round twice gives the same graph', () => {
  fc.assert(
    fc.property(someGraph, ([size, edges]) => {
      const graph = graphOf(size, edges);
      const rows = (g: Graph): number[][] =>
        Array.from({ length: size }, (_, v) =>
          [...g.targets.subarray(g.offsets[v], g.offsets[v + 1])].sort(),
        );
      assert.deepEqual(rows(reverseGraph(reverseGraph(graph))), rows(graph));
      assert.deepEqual(
        rows(reverseGraph(graph)),
        rows(
          graphOf(
            size,
            edges.map(([from, to]) => [to, from]),
          ),
        ),
      );
    }),
    { seed: 13 },
  );
});
