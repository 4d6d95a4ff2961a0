import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyWaveOverride } from '../../../../src/core/plan/wave-override.ts';
import { readWaveOverride } from '../../../../src/core/plan/read-wave-override.ts';
import { writeMainPlan } from '../../../../src/core/plan/main-plan.ts';
import { readPlan } from '../../../../src/core/plan/read-plan.ts';
import { statusMoves } from '../../../../src/core/plan/status-moves.ts';
import {
  dependenciesForWaves,
  type WaveChange,
} from '../../../../src/core/plan/wave-dependencies.ts';
import { writeSubagentsPlan } from '../../../../src/core/plan/subagents-plan.ts';
import { taskId, type Task, type TaskId } from '../../../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../../../src/core/waves/waves.ts';
import { byId, showPlan, task, tasks } from '../../../support/backlog.ts';

const recorded = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../golden/plans', name), 'utf8');
const plan = (backlog: readonly Task[]) => planWaves(backlog, DEFAULT_WAVE_OPTIONS);

test('waves are read from every kind of file that others keep them in', () => {
  assert.deepEqual(readWaveOverride('x.json', recorded('parallel-execution-waves.json')), [
    ['T-1', 'T-2'],
    ['T-3'],
    ['T-9'],
  ]);
  const phases = [
    ['T-1', 'T-2'],
    ['T-3', 'T-4'],
  ];
  const research = recorded('PARALLEL_EXECUTION_PLAN_RESEARCH.md');
  assert.deepEqual(readWaveOverride('docs/x.md', research), phases);
  assert.deepEqual(readWaveOverride('docs/x.md', research.replaceAll('\n', '\r\n')), phases);
  const subagents = writeSubagentsPlan({
    title: '',
    rootName: 'x',
    plan: plan(tasks('a', 'b', 'c < a')),
  });
  assert.ok(subagents.ok);
  assert.deepEqual(readWaveOverride('s.plan.md', subagents.value), [['a', 'b'], ['c']]);
  for (const [text, waves] of [
    ['{"wave_1": ["b"], "wave_0": [{"id": "a"}, 7], "note": ["c"]}', [['a'], ['b']]],
    ['{"waves": [["a"], [], ["b"]]}', [['a'], ['b']]],
    ['{"waves": {}}', undefined],
    ['[1', undefined],
    ['null', undefined],
  ] as const) {
    assert.deepEqual(readWaveOverride('x.json', text), waves, text);
  }
  assert.equal(readWaveOverride('x.md', '# Nothing\n'), undefined);
});

test('waves of a file hold open tasks once, and say whom they leave out and which dependencies they break', () => {
  const backlog = tasks('+z', 'a', 'b < a', 'c', 'd < c', 'x < y', 'y < x');
  const source = {
    kind: 'file',
    file: 'w.json',
    waves: [['b', 'z', 'no'], ['z'], ['a', 'b', 'd']],
  } as const;
  const asked = applyWaveOverride(plan(backlog), source);
  assert.equal(showPlan(asked), 'b | a d ! x<y ! y<x');
  assert.deepEqual(
    [...asked.waveOf],
    [
      ['b', 0],
      ['a', 1],
      ['d', 1],
    ],
  );
  assert.ok(asked.asked?.kind === 'used');
  assert.deepEqual(
    asked.asked.leftOut.map(({ id }) => id),
    ['c'],
  );
  assert.deepEqual(asked.asked.broken, [
    { id: 'b', on: 'a' },
    { id: 'd', on: 'c' },
  ]);
});

test('a file whose tasks are all finished, or that cannot be used, leaves the computed waves', () => {
  const computed = plan(tasks('+a', 'b'));
  const none = applyWaveOverride(computed, { kind: 'file', file: 'w.json', waves: [['a']] });
  assert.deepEqual(none, {
    ...computed,
    asked: { kind: 'notUsed', file: 'w.json', why: 'nothingLeft' },
  });
  const gone = applyWaveOverride(computed, { kind: 'unusable', file: 'w.json', why: 'missing' });
  assert.deepEqual(gone.asked, { kind: 'notUsed', file: 'w.json', why: 'missing' });
  assert.equal(gone.waves, computed.waves);
});

/** `a:1 b:0` */
function ask(text: string): ReadonlyMap<TaskId, number> {
  return new Map(
    text.split(' ').map((part) => [taskId(part.split(':')[0]!), Number(part.split(':')[1])]),
  );
}

function show(change: WaveChange): string {
  if (change.kind === 'refused') {
    return change.refusals
      .map((each) => {
        if (each.kind === 'waitsFor')
          return `${each.id} waits for ${each.asParent ? 'its parent ' : ''}${each.on}`;
        if (each.kind === 'noneBefore')
          return `nothing before ${each.id}${each.path.length > 0 ? ` (${each.path.join(' ')})` : ''}`;
        return `${each.id} ${each.kind}`;
      })
      .join(', ');
  }
  const added = change.added.map(({ id, on }) => `+${id}<${on}`);
  const moved = change.moved.map(({ id, from, to }) => `${id} ${from}→${to}`);
  return [...added, ...moved].join(', ') || 'nothing';
}

const cases: readonly [
  name: string,
  backlog: readonly string[],
  asked: string,
  expected: string,
][] = [
  ['what is so already takes nothing', ['a', 'b < a'], 'a:0 b:1', 'nothing'],
  ['one more wait moves a task down', ['a', 'b'], 'b:1', '+b<a'],
  ['what waits for it moves along', ['a', 'b', 'c < b'], 'b:1', '+b<a, c 1→2'],
  ['one of the wave before is enough', ['a', 'b', 'c', 'd'], 'a:0 b:0 c:1 d:1', '+c<a, +d<a'],
  ['a task never moves up past what it waits for', ['a', 'b < a'], 'b:0', 'b waits for a'],
  ['nor past its parent', ['p', 'c ^p'], 'c:0', 'c waits for its parent p'],
  ['nor beside what it waits for', ['a', 'b < a', 'c < b'], 'b:2 c:2', 'c waits for b'],
  ['a wave needs somebody in the one before', ['a'], 'a:1', 'nothing before a'],
  ['a wait that would close a circle is not proposed', ['a', 'b < a'], 'a:1', 'nothing before a'],
  [
    'a circle through finished work counts too',
    ['a', '+d < a', 'b < d'],
    'a:1',
    'nothing before a (b d a)',
  ],
  [
    'finished tasks and those in circles are in no wave',
    ['+a', 'b < c', 'c < b'],
    'a:0 b:1',
    'a notPlaced, b notPlaced',
  ],
];

test('the smallest additions that bring tasks into the waves asked for', () => {
  for (const [name, backlog, asked, expected] of cases) {
    const change = dependenciesForWaves(tasks(...backlog), ask(asked), DEFAULT_WAVE_OPTIONS);
    assert.equal(show(change), expected, name);
  }
});

const graph = fc
  .record({
    size: fc.integer({ min: 1, max: 9 }),
    edges: fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { maxLength: 14 }),
    parents: fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { maxLength: 3 }),
    done: fc.array(fc.nat(8), { maxLength: 3 }),
    levels: fc.array(fc.nat(3), { minLength: 9, maxLength: 9 }),
    wanted: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  })
  .map(({ size, edges, parents, done, levels, wanted }) => ({
    tasks: Array.from({ length: size }, (_, i) =>
      task(`t${i}`, {
        status: done.includes(i) ? 'Done' : 'Todo',
        dependencies: edges
          .filter(([from, to]) => from === i && to < size)
          .map(([, to]) => `t${to}`),
        parentId: parents
          .filter(([child, parent]) => child === i && parent < size)
          .map(([, parent]) => `t${parent}`)[0],
      }),
    ),
    asked: new Map(
      levels
        .slice(0, size)
        .flatMap((level, i) => (wanted[i] === true ? [[taskId(`t${i}`), level] as const] : [])),
    ),
  }));

function added(backlog: readonly Task[], change: WaveChange): readonly Task[] {
  assert.ok(change.kind === 'possible');
  return backlog.map((each) => ({
    ...each,
    dependencies: [
      ...each.dependencies,
      ...change.added.filter(({ id }) => id === each.id).map(({ on }) => on),
    ],
  }));
}

test('applying a change gives exactly the waves asked for, takes nothing away, and says all that moves', () => {
  let possible = 0;
  fc.assert(
    fc.property(graph, ({ tasks: backlog, asked }) => {
      const options = DEFAULT_WAVE_OPTIONS;
      const change = dependenciesForWaves(backlog, asked, options);
      if (change.kind === 'refused') return;
      possible++;
      const before = planWaves(backlog, options);
      const after = planWaves(added(backlog, change), options);
      for (const [id, wave] of asked) assert.equal(after.waveOf.get(id), wave);
      const moved = new Map(change.moved.map(({ id, to }) => [id, to]));
      for (const [id, wave] of after.waveOf) {
        if (!asked.has(id)) assert.equal(wave, moved.get(id) ?? before.waveOf.get(id));
      }
      assert.deepEqual(after.cycles, before.cycles, 'no new circle');
      assert.ok(change.added.every(({ id }) => asked.has(id)));
    }),
    { seed: 3, numRuns: 3000 },
  );
  assert.ok(possible > 300, `only ${possible} were possible`);
});

test('no smaller set would do, and none that would do is refused', () => {
  const small = graph.filter(({ tasks: backlog }) => backlog.length <= 4);
  let compared = 0;
  fc.assert(
    fc.property(small, ({ tasks: given, asked }) => {
      const backlog = given.map((each) => ({
        ...each,
        parentId: undefined,
        status: 'Todo' as const,
      }));
      const before = planWaves(backlog, DEFAULT_WAVE_OPTIONS);
      if (before.blocked.length > 0 || asked.size === 0) return;
      const change = dependenciesForWaves(backlog, asked, DEFAULT_WAVE_OPTIONS);
      const best = smallest(backlog, asked);
      compared++;
      assert.equal(change.kind === 'possible' ? change.added.length : undefined, best);
    }),
    { seed: 4, numRuns: 400 },
  );
  assert.ok(compared > 100);
});

/**
 * By trying all sets of added dependencies of tasks that were asked for; undefined where none does.
 */
function smallest(
  backlog: readonly Task[],
  asked: ReadonlyMap<TaskId, number>,
): number | undefined {
  const pairs = [...asked.keys()].flatMap((id) =>
    backlog.flatMap((other) => (other.id === id ? [] : [{ id, on: other.id }])),
  );
  let best: number | undefined;
  for (let set = 0; set < 2 ** pairs.length; set++) {
    const chosen = pairs.filter((_, bit) => (set & (1 << bit)) !== 0);
    if (best !== undefined && chosen.length >= best) continue;
    const next = planWaves(
      added(backlog, { kind: 'possible', added: chosen, moved: [] }),
      DEFAULT_WAVE_OPTIONS,
    );
    if ([...asked].every(([id, wave]) => next.waveOf.get(id) === wave)) best = chosen.length;
  }
  return best;
}

const STATUSES: readonly [was: Task['status'], todo: string, box: boolean, expected: string][] = [
  ['Todo', 'pending', false, ''],
  ['Todo', 'completed', false, 'Done forward todo'],
  ['Todo', 'done', true, 'Done forward todo'],
  ['Todo', 'pending', true, 'Done forward checkBox'],
  ['Todo', 'in_progress', false, 'In Progress forward todo'],
  ['Review', 'in_progress', false, ''],
  ['Blocked', 'pending', false, ''],
  ['In Progress', 'review', false, 'Review forward todo'],
  ['In Progress', 'pending', false, 'Todo back todo'],
  ['Done', 'pending', false, 'Todo back todo'],
  ['Cancelled', 'pending', false, 'Todo back todo'],
  ['Cancelled', 'pending', true, 'Done back checkBox'],
  ['Todo', 'cancelled', false, 'Cancelled forward todo'],
  ['Todo', 'whatever', false, ''],
  ['Unknown', 'completed', true, ''],
  ['Done', 'completed', true, ''],
];

test('a plan moves tasks forward, and back only as a proposal of its own', () => {
  for (const [was, todo, box, expected] of STATUSES) {
    const text = `---\ntodos:\n  - id: T-1\n    content: x\n    status: ${todo}\n---\n- [${box ? 'x' : ' '}] **x** (T-1) — a.md\n- [x] y (T-404)\n`;
    const { moves, unknown } = statusMoves(readPlan(text), byId([task('T-1', { status: was })]));
    const said = moves.map(({ to, direction, by }) => `${to} ${direction} ${by}`).join();
    assert.equal(said, expected, `${was}, ${todo}, ${box}`);
    assert.deepEqual(unknown, ['T-404']);
  }
});

test('a plan that is written of asked waves names the tasks that these leave out', () => {
  const waves = [['b'], ['a']];
  const asked = applyWaveOverride(plan(tasks('a', 'b', 'c')), {
    kind: 'file',
    file: 'docs/w.md',
    waves,
  });
  const text = writeMainPlan({ title: 'x', rootName: 'x', plan: asked, date: '2026-01-02' });
  assert.deepEqual(readPlan(text).waves, waves);
  assert.match(text, /^overview: "2 open tasks in 2 waves, 1 more in no wave\./m);
  assert.match(text, /^### Not in the waves\n\n.*: c$/m);
  assert.match(text, /^Waves are those of docs\/w\.md,/m);
});
