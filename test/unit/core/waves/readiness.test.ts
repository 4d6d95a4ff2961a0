import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readinessOf } from '../../../../src/core/waves/readiness.ts';
import type {
  NotReady,
  Readiness,
  ReadinessContext,
} from '../../../../src/core/waves/readiness.ts';
import { isSettled, taskId } from '../../../../src/core/task.ts';
import type { Lock, Status, Task } from '../../../../src/core/task.ts';
import { summariseWave } from '../../../../src/core/waves/wave-progress.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../../../src/core/waves/waves.ts';
import type { WaveOptions } from '../../../../src/core/waves/waves.ts';
import { byId, lock, task, tasks } from '../../../support/backlog.ts';

const NOW = 1_764_000_000_000;

function contextOf(
  backlog: readonly Task[],
  options: Partial<WaveOptions> = {},
  opened?: string,
): ReadinessContext {
  return {
    plan: planWaves(backlog, { ...DEFAULT_WAVE_OPTIONS, ...options }),
    byId: byId(backlog),
    isOurs: (holder) => holder === 'us',
    now: NOW,
    ...(opened === undefined ? {} : { opened: (id) => id === opened }),
  };
}

/** `ready`, `ours`, or the reasons, each as its kind and what it names. */
function show(readiness: Readiness): string {
  if (readiness.kind !== 'notReady') return readiness.kind;
  return readiness.reasons.map(showReason).join('; ');
}

function showReason(reason: NotReady): string {
  switch (reason.kind) {
    case 'waitsFor':
      return `waitsFor ${reason.id} ${reason.status} ${reason.lease.kind}`;
    case 'missing':
      return `missing ${reason.id}`;
    case 'cycle':
    case 'behindCycle':
      return `${reason.kind} ${reason.members.join(',')}`;
    case 'held':
    case 'unleased':
      return `${reason.kind} ${reason.lease.lock.holder}`;
    case 'status':
      return `status ${reason.rawStatus}`;
  }
}

/** The readiness of the last task of a backlog. */
function readinessOfLast(
  backlog: readonly Task[],
  options?: Partial<WaveOptions>,
  opened?: string,
): string {
  return show(readinessOf(backlog.at(-1)!, contextOf(backlog, options, opened)));
}

const cases: readonly [name: string, backlog: readonly string[], expected: string][] = [
  ['a Todo without dependencies is ready', ['a'], 'ready'],
  ['an In Progress task that nobody holds is ready', ['~a'], 'ready'],
  ['settled dependencies do not hinder', ['+a', '-b', 'c < a b'], 'ready'],
  [
    'every open dependency is named, in id order, once',
    ['T-10', '~T-9', '+T-8', 'c < T-10 T-9 T-8 T-10'],
    'waitsFor T-9 In Progress free; waitsFor T-10 Todo free',
  ],
  ['a dependency in Review is still open', ['?a', 'b < a'], 'waitsFor a Review free'],
  ['only direct dependencies are named', ['a', 'b < a', 'c < b'], 'waitsFor b Todo free'],
  ['an open parent does not hinder', ['a', 'b ^a'], 'ready'],
  ['a missing dependency does not hinder where it counts as satisfied', ['a < x'], 'ready'],
  ['a task that names itself does not wait for itself', ['a < a'], 'ready'],
  ['nothing starts from Review', ['?a'], 'status Review'],
  ['nothing starts from Blocked', ['#a'], 'status Blocked'],
  ['nothing starts from Done', ['+a'], 'status Done'],
  ['nothing starts from Cancelled', ['-a'], 'status Cancelled'],
  ['nothing starts from a status that nobody knows', ['*a'], 'status Unknown'],
  [
    'a member of a cycle says so, and what it waits for',
    ['a < b', 'b < a'],
    'cycle a,b; waitsFor a Todo free',
  ],
  [
    'a task behind a cycle says so, and what it waits for',
    ['a < b', 'b < a', 'c < a'],
    'behindCycle a,b; waitsFor a Todo free',
  ],
  ['an epic that waits for its child is not in a cycle', ['e < a', 'a ^e'], 'ready'],
];

for (const [name, backlog, expected] of cases) {
  test(name, () => assert.equal(readinessOfLast(tasks(...backlog)), expected));
}

test('missing dependencies hinder where the plan says so, after those that exist', () => {
  const backlog = tasks('a', 'b < T-10 T-9 a T-9');
  const expected = 'waitsFor a Todo free; missing T-9; missing T-10';
  assert.equal(readinessOfLast(backlog, { missing: 'blocked' }), expected);
  assert.equal(
    readinessOfLast([...backlog, task('c', { dependencies: ['b'] })], { missing: 'blocked' }),
    'waitsFor b Todo free',
  );
});

const locks: readonly [name: string, lock: Lock, expected: string][] = [
  ['a live lock of another holds a task', lock('them', NOW + 1), 'held them'],
  ['a live lock of ours makes it ours', lock('us', NOW + 1), 'ours'],
  ['a lock that ends now does not hinder', lock('them', NOW), 'ready'],
  ['an expired lock of ours does not hinder', lock('us', NOW - 1), 'ready'],
  ['a stale lock does not hinder', lock('them', NOW - 3_600_000), 'ready'],
  ['a holder without a lease hinders', lock('them', undefined), 'unleased them'],
  ['a holder without a lease hinders even if it is us', lock('us', undefined), 'unleased us'],
];

for (const [name, held, expected] of locks) {
  test(name, () => assert.equal(readinessOfLast([task('a', { lock: held })]), expected));
}

test('every reason is given: the status, the holder, the cycle and what is open', () => {
  const mine = task('b', {
    status: 'Blocked',
    rawStatus: 'waiting',
    lock: lock('them', NOW + 1),
    dependencies: ['a'],
  });
  const backlog = [...tasks('a < b'), mine];
  assert.equal(
    readinessOfLast(backlog),
    'status waiting; held them; cycle a,b; waitsFor a Todo free',
  );
});

test('a task that we hold and that still waits is not ours to go on with', () => {
  const backlog = [...tasks('a'), task('b', { lock: lock('us', NOW + 1), dependencies: ['a'] })];
  assert.equal(readinessOfLast(backlog), 'waitsFor a Todo free');
});

test('an open dependency says who holds it at this moment', () => {
  const backlog = [
    task('a', { status: 'In Progress', lock: lock('them', NOW + 5) }),
    ...tasks('b < a'),
  ];
  const readiness = readinessOf(backlog[1]!, contextOf(backlog));
  assert.ok(readiness.kind === 'notReady' && readiness.reasons[0].kind === 'waitsFor');
  assert.deepEqual(readiness.reasons[0].lease, {
    kind: 'theirs',
    lock: lock('them', NOW + 5),
    remainingMs: 5,
  });
});

test('a task that a run brought to Review opens the gate for its dependants and no other', () => {
  const backlog = tasks('?a', '?b', 'c < a b');
  assert.equal(readinessOfLast(backlog, {}, 'a'), 'waitsFor b Review free');
  assert.equal(readinessOfLast(tasks('?a', 'c < a'), {}, 'a'), 'ready');
});

test('the progress of a wave counts each task once', () => {
  const backlog = [
    ...tasks('ready1', '~ready2', '?review', '#blocked', '*unknown'),
    task('running1', { status: 'In Progress', lock: lock('them', NOW + 1) }),
    task('running2', { status: 'In Progress', lock: lock('us', NOW + 1) }),
    task('claimed', { lock: lock('us', NOW + 1) }),
    task('held', { lock: lock('them', NOW + 1) }),
    task('unleased', { status: 'In Progress', lock: lock('them', undefined) }),
    task('expired', { status: 'In Progress', lock: lock('them', NOW) }),
  ];
  const context = contextOf(backlog);
  const expected = { total: 11, ready: 3, failed: 0, running: 3, review: 1, waiting: 4 };
  assert.deepEqual(summariseWave(context.plan.waves[0]!, context), expected);
});

test('a task that runs although it should wait counts as running', () => {
  const backlog = [
    ...tasks('a'),
    task('b', { status: 'In Progress', lock: lock('them', NOW + 1), dependencies: ['a'] }),
  ];
  const context = contextOf(backlog);
  const expected = { total: 1, ready: 0, failed: 0, running: 1, review: 0, waiting: 0 };
  assert.deepEqual(summariseWave(context.plan.waves[1]!, context), expected);
});

test('a task is ready exactly if it can be started, no one has it and all it depends on is settled or gone', () => {
  const ids = ['T-1', 'T-2', 'T-3', 'T-4', 'T-5'];
  const statuses: readonly Status[] = [
    'Todo',
    'In Progress',
    'Review',
    'Done',
    'Cancelled',
    'Blocked',
    'Unknown',
  ];
  const held = fc.option(
    fc.record({
      holder: fc.constantFrom('us', 'them'),
      until: fc.constantFrom(undefined, NOW - 1, NOW, NOW + 1),
    }),
    { nil: undefined },
  );
  const one = (id: string): fc.Arbitrary<Task> =>
    fc
      .record({
        status: fc.constantFrom(...statuses),
        dependencies: fc.array(fc.constantFrom(...ids, 'missing'), { maxLength: 2 }),
        parentId: fc.option(fc.constantFrom(...ids), { nil: undefined }),
        held,
      })
      .map(({ held, ...fields }) =>
        task(id, { ...fields, lock: held && lock(held.holder, held.until) }),
      );
  fc.assert(
    fc.property(fc.tuple(...ids.map(one)), fc.constantFrom(...ids), (backlog, opened) => {
      const context = contextOf(backlog, {}, opened);
      for (const each of backlog) {
        const waits = each.dependencies.some((id) => {
          const other = context.byId.get(id);
          return (
            other !== undefined &&
            other !== each &&
            !isSettled(other.status) &&
            id !== taskId(opened)
          );
        });
        const blocked = context.plan.blockedOf.has(each.id);
        const canStart = each.status === 'Todo' || each.status === 'In Progress';
        const end = each.lock === undefined ? 0 : (each.lock.until ?? Infinity);
        const oursNow = each.lock?.holder === 'us' && end > NOW && end !== Infinity;
        const free = end <= NOW || oursNow;
        const expected =
          canStart && free && !waits && !blocked ? (oursNow ? 'ours' : 'ready') : 'notReady';
        assert.equal(readinessOf(each, context).kind, expected, each.id);
      }
      for (const wave of context.plan.waves) {
        const hasFailed = (id: string): boolean => id === 'T-3';
        const { total, ready, failed, running, review, waiting } = summariseWave(
          wave,
          context,
          hasFailed,
        );
        assert.equal(ready + failed + running + review + waiting, total);
      }
    }),
    { seed: 31, numRuns: 500 },
  );
});
