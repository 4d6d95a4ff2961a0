import assert from 'node:assert/strict';
import { test } from 'node:test';
import { taskId } from '../../../../src/core/task.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../../../src/core/waves/waves.ts';
import type { WaveOptions } from '../../../../src/core/waves/waves.ts';
import { showPlan, task, tasks } from '../../../support/backlog.ts';

type Case = readonly [name: string, backlog: readonly string[], expected: string];

function claim(cases: readonly Case[], options: Partial<WaveOptions>): void {
  for (const [name, backlog, expected] of cases) {
    test(name, () => {
      assert.equal(
        showPlan(planWaves(tasks(...backlog), { ...DEFAULT_WAVE_OPTIONS, ...options })),
        expected,
      );
    });
  }
}

claim(
  [
    ['an empty backlog has no waves', [], ''],
    ['independent tasks share a wave', ['a', 'b'], 'a b'],
    ['a diamond joins', ['a', 'b < a', 'c < a', 'd < b c'], 'a | b c | d'],
    ['a task waits for the last of its dependencies', ['a', 'b < a', 'c < a b'], 'a | b | c'],
    ['a dependency that is named twice counts once', ['a', 'b < a a'], 'a | b'],
    ['done work counts as settled', ['+a', 'b < a'], 'b'],
    ['cancelled work counts as settled', ['-a', 'b < a'], 'b'],
    [
      'open work behind done work does not wait for what that waited for',
      ['a', '+b < a', 'c < b'],
      'a c',
    ],
    [
      'every open status has its place in a wave',
      ['?a', '#b < a', '*c < b', '~d < c'],
      'a | b | c | d',
    ],
    [
      'priority comes first in a wave, then the number, then the id',
      ['T-10', 'T-9', 'T-11:high', 'b', 'a', 'T-2:low', 'S-9'],
      'T-11 S-9 T-9 T-10 a b T-2',
    ],
    [
      'words for a priority that nobody knows come last',
      ['a:other', 'b:low', 'c:critical'],
      'c b a',
    ],
    ['a cycle blocks its members and nobody else', ['a < b', 'b < a', 'c'], 'c ! a<b ! b<a'],
    [
      'what waits for a cycle is blocked behind it',
      ['a < b', 'b < a', 'c < b', 'd < c', 'e'],
      'e ! a<b ! b<a ! c<<a,b ! d<<a,b',
    ],
    ['what a cycle waits for is not blocked', ['a', 'b < a c', 'c < b'], 'a ! b<c ! c<b'],
    [
      'a cycle behind a cycle is a cycle of its own',
      ['a < b', 'b < a', 'c < d b', 'd < c', 'e < d'],
      '! a<b ! b<a ! c<d ! d<c ! e<<c,d',
    ],
    ['a cycle that done work breaks is none', ['a < b', '+b < a'], 'a'],
    ['a task that names itself is planned as if it did not', ['a < a', 'b < a', 'c ^c'], 'a c | b'],
    ['a dependency that no task has does not hinder', ['a < x', 'b < a'], 'a | b'],
    ['a child comes after its parent', ['a', 'b ^a', 'c ^b'], 'a | b | c'],
    ['a child of a settled parent waits for nobody', ['+a', 'b ^a'], 'b'],
    ['a parent that no task has is no matter', ['b ^x'], 'b'],
    [
      'an epic that depends on its children comes after them',
      ['e < a b', 'a ^e', 'b ^e'],
      'a b | e',
    ],
    [
      'an epic that depends on one child still comes before the other',
      ['e < a', 'a ^e', 'b ^e'],
      'a | e | b',
    ],
    [
      'an epic that depends on a grandchild comes after it',
      ['e < c', 'a ^e', 'c ^a < a'],
      'a | c | e',
    ],
    ["tasks that are each other's parent are planned as if neither was", ['a ^b', 'b ^a'], 'a b'],
    ['a parent in a cycle does not block its child', ['a < b', 'b < a', 'c ^a'], 'c ! a<b ! b<a'],
    ['of two tasks with the same id the first counts', ['a', 'b < a', '+a', 'b'], 'a | b'],
  ],
  {},
);

claim(
  [
    [
      'where missing dependencies block, the task that names one is blocked',
      ['a < x', 'b'],
      'b ! a<?x',
    ],
    [
      'what waits for a task with a missing dependency is blocked behind it',
      ['a < x', 'b < a', 'c < b', 'd'],
      'd ! a<?x ! b<<?a ! c<<?a',
    ],
    ['all that is missing is named once, in id order', ['a < T-10 T-9 T-10'], '! a<?T-9,T-10'],
    ['settled work may lack what it likes', ['+a < x', 'b < a'], 'b'],
    ['a cycle is the stronger reason', ['a < b x', 'b < a', 'c < a y'], '! a<b ! b<a ! c<<a,b'],
    [
      "a missing dependency of its own is a stronger reason than another's",
      ['a < x', 'b < a y'],
      '! a<?x ! b<?y',
    ],
    ['a blocked parent does not block its child, nor push it back', ['a < x', 'b ^a'], 'b ! a<?x'],
  ],
  { missing: 'blocked' },
);

claim(
  [
    [
      'a wave past the limit is cut into consecutive ones',
      ['T-1', 'T-2', 'T-3', 'T-4 < T-1'],
      'T-1 T-2 | T-3 | T-4',
    ],
    ['a cut leaves the urgent tasks in front', ['T-1:low', 'T-2', 'T-3:high'], 'T-3 T-2 | T-1'],
    ['a wave of exactly the limit stays whole', ['T-1', 'T-2', 'T-3 < T-1'], 'T-1 T-2 | T-3'],
  ],
  { maxTasksPerWave: 2 },
);

test('a limit that is no number of tasks is no limit', () => {
  for (const maxTasksPerWave of [0, -1, 0.5, NaN, Infinity]) {
    const plan = planWaves(tasks('a', 'b', 'c'), { ...DEFAULT_WAVE_OPTIONS, maxTasksPerWave });
    assert.equal(showPlan(plan), 'a b c');
  }
});

const EXARP: WaveOptions = { ...DEFAULT_WAVE_OPTIONS, numbering: 'exarp' };
const numbersOf = (backlog: readonly string[], options: Partial<WaveOptions> = {}): string =>
  planWaves(tasks(...backlog), { ...EXARP, ...options })
    .waves.map((wave) => `${wave.number}:${wave.tasks.map((each) => each.id).join(',')}`)
    .join(' ');

const exarpCases: readonly [name: string, backlog: readonly string[], expected: string][] = [
  ['settled work still counts as a level', ['+a', 'b < a', 'c < b'], '1:b 2:c'],
  ['levels without open tasks leave a gap', ['a', '+b < a', 'c < b'], '0:a 2:c'],
  ['ids are ordered as text', ['T-9', 'T-10', 'T-1:low'], '0:T-10,T-9,T-1'],
  [
    'Review, Blocked and unknown statuses are in no wave and count as a level',
    ['?a', '#b < a', '*c', 'd < b', '~e'],
    '0:e 2:d',
  ],
  ['parents count as dependencies, settled or not', ['+a', 'b ^a'], '1:b'],
  ['missing dependencies and self-references are as if not there', ['a < x a', 'b ^b'], '0:a,b'],
  ['a cycle is blocked, not given a number', ['a < b', 'b < a', 'c < a', 'd'], '0:d'],
  ['a parent that waits for its child comes after it', ['e < a', 'a ^e', 'b < e'], '0:a 1:e 2:b'],
  ['a circle through settled work blocks nobody', ['a < b', '+b < a', 'c < b'], '0:a 1:c'],
];

for (const [name, backlog, expected] of exarpCases) {
  test(`in exarp-go's numbering ${name}`, () => assert.equal(numbersOf(backlog), expected));
}

test("in exarp-go's numbering a limit closes the gaps", () => {
  const backlog = ['T-1', '+T-2 < T-1', 'T-3 < T-2', 'T-4 < T-2', 'T-5 < T-2'];
  assert.equal(numbersOf(backlog), '0:T-1 2:T-3,T-4,T-5');
  assert.equal(numbersOf(backlog, { maxTasksPerWave: 2 }), '0:T-1 1:T-3,T-4 2:T-5');
});

test("a task blocked by what is missing keeps exarp-go's level, and so does its child", () => {
  const backlog = tasks('a < x', 'b ^a', 'c < a');
  const plan = planWaves(backlog, { ...EXARP, missing: 'blocked' });
  assert.equal(showPlan(plan), 'b ! a<?x ! c<<?a');
  assert.deepEqual([...plan.exarpLevelOf.values(), plan.waves[0]?.number], [0, 1, 1, 1]);
});

test("exarp-go's levels are known in either numbering, for open tasks out of reach of a cycle", () => {
  const backlog = tasks(
    '+a',
    'b < a',
    'c ^b',
    'd < e',
    'e < d',
    'f < d',
    'p < q',
    'q ^p',
    's ^s',
    't ^s',
  );
  for (const numbering of ['open', 'exarp'] as const) {
    const { exarpLevelOf } = planWaves(backlog, { ...DEFAULT_WAVE_OPTIONS, numbering });
    assert.deepEqual(
      [...exarpLevelOf].map(([id, level]) => `${id}${level}`),
      ['b1', 'c2', 's0', 't1'],
    );
    assert.equal(exarpLevelOf.get(taskId('a')), undefined);
  }
});

test('a plan says where each task is and what is wrong with the backlog', () => {
  const backlog = tasks(
    'T-10',
    'T-9 < T-8 T-99 T-98 T-99',
    '+T-8 < T-97 T-8',
    'c < d',
    'd < c',
    'e < d',
    '-T-7',
    'f ^f',
  );
  const plan = planWaves(backlog, DEFAULT_WAVE_OPTIONS);
  assert.equal(showPlan(plan), 'T-9 T-10 f ! c<d ! d<c ! e<<c,d');
  assert.deepEqual(
    plan.settled.map((each) => each.id),
    ['T-7', 'T-8'],
  );
  assert.deepEqual(
    [...plan.waveOf],
    [
      ['T-9', 0],
      ['T-10', 0],
      ['f', 0],
    ],
  );
  assert.deepEqual(
    [...plan.missing],
    [
      ['T-8', ['T-97']],
      ['T-9', ['T-98', 'T-99']],
    ],
  );
  assert.deepEqual(plan.selfDependent, ['T-8', 'f']);
  assert.deepEqual(plan.cycles, [['c', 'd']]);
  assert.deepEqual(plan.blockedOf.get(taskId('e')), { kind: 'behindCycle', members: ['c', 'd'] });
  assert.equal(plan.blockedOf.size, 3);
});

test('a plan holds the very tasks it was given', () => {
  const only = task('a');
  assert.equal(planWaves([only], DEFAULT_WAVE_OPTIONS).waves[0]?.tasks[0], only);
});

test('a chain of 200,000 tasks has as many waves, and a ring of them is one cycle', () => {
  const size = 200_000;
  const one = task('T-0');
  const chain = Array.from({ length: size }, (_, n) => ({
    ...one,
    id: taskId(`T-${n}`),
    dependencies: n === 0 ? [] : [taskId(`T-${n - 1}`)],
  }));
  assert.equal(planWaves(chain, DEFAULT_WAVE_OPTIONS).waves.length, size);
  chain[0] = { ...one, dependencies: [taskId(`T-${size - 1}`)] };
  const ring = planWaves(chain, DEFAULT_WAVE_OPTIONS);
  assert.deepEqual([ring.waves.length, ring.cycles.length, ring.blocked.length], [0, 1, size]);
});
