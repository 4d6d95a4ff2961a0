import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeMainPlan } from '../../../../src/core/plan/main-plan.ts';
import { changeForWaves } from '../../../../src/core/plan/plan-waves.ts';
import { readPlan } from '../../../../src/core/plan/read-plan.ts';
import { statusMoves } from '../../../../src/core/plan/status-moves.ts';
import type { Priority, Status, Task } from '../../../../src/core/task.ts';
import {
  DEFAULT_WAVE_OPTIONS,
  planWaves,
  type WaveOptions,
} from '../../../../src/core/waves/waves.ts';
import { byId, task } from '../../../support/backlog.ts';
import { exarpPlan, exarpSync, exarpWaves } from '../../../support/exarp-plans.ts';
import { assertGolden } from '../../../support/golden.ts';
import { oneOf, randomFrom } from '../../../support/random.ts';

const OPEN = DEFAULT_WAVE_OPTIONS;
const EXARP: WaveOptions = { ...OPEN, numbering: 'exarp' };

const STATUSES: readonly Status[] = [
  'Todo',
  'Todo',
  'Todo',
  'In Progress',
  'Review',
  'Blocked',
  'Done',
  'Done',
  'Cancelled',
];
const PRIORITIES: readonly (readonly [raw: string, priority: Priority])[] = [
  ['critical', 'critical'],
  ['high', 'high'],
  ['medium', 'medium'],
  ['low', 'low'],
  ['P0', 'critical'],
  ['P1', 'high'],
  ['p3', 'low'],
  ['urgent', 'critical'],
  ['someday', 'other'],
];

/** A backlog of chance without cycles, with every status and priority that exarp-go treats apart. */
function backlogOf(seed: number, size: number): readonly Task[] {
  const random = randomFrom(seed);
  const all: Task[] = [];
  for (let i = 0; i < size; i++) {
    const status = oneOf(random, STATUSES);
    const [rawPriority, priority] = oneOf(random, PRIORITIES);
    const before = all.filter(() => random(size) < 2).map(({ id }) => id);
    all.push(
      task(`T-${1764129938 + i}`, {
        title: `Task ${i}`,
        status,
        rawPriority,
        priority,
        dependencies: before,
        parentId: i > 0 && random(6) === 0 ? all[random(i)]?.id : undefined,
      }),
    );
  }
  return all;
}

const anyBacklog = fc
  .tuple(fc.nat(1e9), fc.integer({ min: 1, max: 60 }))
  .map(([seed, size]) => backlogOf(seed, size));

const ours = (tasks: readonly Task[], options: WaveOptions): string =>
  writeMainPlan({
    title: 'Quay',
    rootName: 'quay',
    plan: planWaves(tasks, options),
    date: '2026-11-23',
  });

/** What *Take Plan into Backlog* suggests. */
function suggested(text: string, tasks: readonly Task[], options: WaveOptions): readonly string[] {
  const read = readPlan(text);
  const { moves, unknown } = statusMoves(read, byId(tasks));
  const change = changeForWaves(tasks, read.waves ?? [], options);
  return [
    ...moves.map(({ task: { id }, to }) => `${id} -> ${to}`),
    ...unknown,
    ...(change.kind === 'possible'
      ? change.added.map(({ id, on }) => `${id} after ${on}`)
      : change.refusals.map(({ kind, id }) => `${kind} ${id}`)),
  ];
}

for (const options of [OPEN, EXARP]) {
  const { numbering } = options;

  test(`a plan of ours that nobody touched changes nothing in exarp-go, numbered ${numbering}`, () => {
    fc.assert(
      fc.property(anyBacklog, (tasks) => {
        assert.deepEqual(exarpSync(ours(tasks, options), tasks), []);
      }),
      { seed: 41, numRuns: 60 },
    );
  });

  test(`a plan of ours that nobody touched changes nothing here, numbered ${numbering}`, () => {
    fc.assert(
      fc.property(anyBacklog, fc.constantFrom(OPEN, EXARP), (tasks, readAs) => {
        assert.deepEqual(suggested(ours(tasks, options), tasks, readAs), []);
      }),
      { seed: 42, numRuns: 60 },
    );
  });

  test(`a plan of exarp-go that nobody touched changes nothing here, numbered ${numbering}`, () => {
    fc.assert(
      fc.property(anyBacklog, (tasks) => {
        assert.deepEqual(suggested(exarpPlan(tasks, 'Quay'), tasks, options), []);
        assert.deepEqual(exarpSync(exarpPlan(tasks, 'Quay'), tasks), []);
      }),
      { seed: 43, numRuns: 60 },
    );
  });
}

test('a plan that is older than the end of some tasks asks for no dependencies', () => {
  fc.assert(
    fc.property(anyBacklog, fc.nat(1e9), (tasks, seed) => {
      const random = randomFrom(seed);
      const later = tasks.map((each): Task =>
        each.status === 'Todo' && random(3) === 0
          ? { ...each, status: 'Done', rawStatus: 'Done' }
          : each,
      );
      for (const text of [ours(tasks, OPEN), ours(tasks, EXARP), exarpPlan(tasks, 'Quay')]) {
        const change = changeForWaves(later, readPlan(text).waves ?? [], OPEN);
        assert.deepEqual(change, { kind: 'possible', added: [], moved: [] });
      }
    }),
    { seed: 44, numRuns: 60 },
  );
});

test('in a plan of exarp-go only a task that its author moved gets a dependency', () => {
  // T-3 waits for what is finished, so that exarp-go has it in a later wave than its level here.
  const tasks = [
    task('T-1', { status: 'Done' }),
    task('T-2'),
    task('T-3', { dependencies: ['T-1'] }),
    task('T-4', { dependencies: ['T-2'] }),
    task('T-5'),
  ];
  const text = exarpPlan(tasks, 'Quay');
  assert.match(text, /- \["T-2", "T-5"\]\n {2}- \["T-3", "T-4"\]/);
  const moved = text
    .replace('["T-2", "T-5"]', '["T-2"]')
    .replace('["T-3", "T-4"]', '["T-3", "T-4", "T-5"]');
  assert.deepEqual(suggested(moved, tasks, OPEN), ['T-5 after T-2']);
});

test('the waves in exarp-go’s numbering are its own, wave by wave', () => {
  fc.assert(
    fc.property(anyBacklog, (tasks) => {
      const { waves, outside, blocked } = planWaves(tasks, EXARP);
      assert.deepEqual(
        waves.map(({ number, tasks: members }) => [number, members.map(({ id }) => id)]),
        [...exarpWaves(tasks)],
      );
      assert.deepEqual(
        outside.map(({ id }) => id),
        tasks.flatMap(({ id, status }) => (status === 'Review' || status === 'Blocked' ? id : [])),
      );
      assert.deepEqual(blocked, []);
    }),
    { seed: 45, numRuns: 100 },
  );
});

test('the plans of one backlog are as the golden files have them, ours and that of exarp-go', async () => {
  const tasks = backlogOf(7, 24);
  await assertGolden('quay.plan.md', ours(tasks, OPEN));
  await assertGolden('quay-numbered-by-exarp.plan.md', ours(tasks, EXARP));
  await assertGolden('quay-of-exarp.plan.md', exarpPlan(tasks, 'Quay'));
});
