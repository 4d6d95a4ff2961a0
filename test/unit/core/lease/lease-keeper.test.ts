import assert from 'node:assert/strict';
import test from 'node:test';
import type { Failure } from '../../../../src/core/failure.ts';
import type { Renewal } from '../../../../src/core/ports.ts';
import { fail, ok, type Result } from '../../../../src/core/result.ts';
import { LeaseKeeper, type LostLock } from '../../../../src/core/lease/lease-keeper.ts';
import { taskId, type TaskId } from '../../../../src/core/task.ts';
import { HandClock, settle } from '../../../support/hand-clock.ts';

const MINUTE = 60_000;
const LEASE_MS = 30 * MINUTE;

/** A keeper whose renewals are listed, answered by `answer`, which a test may replace. */
function makeKeeper(clock = new HandClock(), leaseMs = () => LEASE_MS) {
  const calls: { readonly ids: string; readonly at: number }[] = [];
  const lost: LostLock[] = [];
  const failed: Failure[] = [];
  const bugs: unknown[] = [];
  const begin = clock.now();
  const answers = {
    renew: (ids: readonly TaskId[]): Promise<Result<Renewal, Failure>> =>
      Promise.resolve(ok({ renewed: ids, until: clock.now() + LEASE_MS, lost: [] })),
  };
  const keeper = new LeaseKeeper({
    locks: {
      renew: (ids) => {
        calls.push({ ids: ids.join(' '), at: (clock.now() - begin) / MINUTE });
        return answers.renew(ids);
      },
    },
    clock,
    leaseMs,
    reportBug: (error) => void bugs.push(error),
  });
  keeper.onDidLose((lock) => void lost.push(lock));
  keeper.onDidFail((failure) => void failed.push(failure));
  return { clock, keeper, calls, lost, failed, bugs, answers };
}

test('a lock is renewed each time a third of its lease has gone', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  await clock.turn(35 * MINUTE);
  assert.deepEqual(
    calls,
    [10, 20, 30].map((at) => ({ ids: 'a', at })),
  );
});

test('locks taken at different times are renewed together, when the oldest is due', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  await clock.turn(4 * MINUTE);
  keeper.track(taskId('b'), LEASE_MS);
  await clock.turn(20 * MINUTE);
  assert.deepEqual(
    calls,
    [10, 20].map((at) => ({ ids: 'a b', at })),
  );
});

test('a dropped lock is renewed no more, and no timer is left', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  keeper.untrack(taskId('a'));
  assert.equal(clock.waiting, 0);
  await clock.turn(LEASE_MS);
  assert.deepEqual(calls, []);
});

test('a lost lock is told once, with its new holder, and dropped', async () => {
  const { clock, keeper, calls, lost, answers } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  keeper.track(taskId('b'), LEASE_MS);
  answers.renew = () =>
    Promise.resolve(
      ok({ renewed: [taskId('b')], until: 0, lost: [{ id: taskId('a'), holder: 'other' }] }),
    );
  await clock.turn(20 * MINUTE);
  assert.deepEqual(lost, [{ id: 'a', holder: 'other' }]);
  assert.deepEqual(
    calls.map((call) => call.ids),
    ['a b', 'b'],
  );
});

test('a renewal that fails is told and tried again long before the lease ends', async () => {
  const { clock, keeper, calls, failed, answers } = makeKeeper();
  const well = answers.renew;
  const failure: Failure = { kind: 'busy', file: 'todo2.db', waitedMs: 5000 };
  answers.renew = () => Promise.resolve(fail(failure));
  keeper.track(taskId('a'), LEASE_MS);
  await clock.turn(10.5 * MINUTE);
  assert.deepEqual(
    calls.map((call) => call.at),
    [10, 10.25, 10.5],
  );
  assert.deepEqual(failed, [failure, failure, failure]);
  answers.renew = well;
  await clock.turn(11 * MINUTE);
  assert.deepEqual(
    calls.slice(3).map((call) => call.at),
    [10.75, 20.75],
  );
});

test('a lock that is given back while its renewal is under way is not told as lost', async () => {
  const { clock, keeper, lost, answers } = makeKeeper();
  let answer = (_: Result<Renewal, Failure>): void => undefined;
  answers.renew = () => new Promise((resolve) => (answer = resolve));
  keeper.track(taskId('a'), LEASE_MS);
  keeper.track(taskId('b'), LEASE_MS);
  await clock.turn(10 * MINUTE);
  keeper.untrack(taskId('a'));
  keeper.untrack(taskId('b'));
  keeper.track(taskId('b'), LEASE_MS);
  const gone = ['a', 'b'].map((id) => ({ id: taskId(id), holder: undefined }));
  answer(ok({ renewed: [], until: 0, lost: gone }));
  await settle();
  assert.deepEqual(lost, []);
  assert.deepEqual(keeper.held, ['b']);
});

test('after a sleep longer than the lease the locks are renewed at the first look', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  clock.jump(120 * MINUTE);
  await clock.ringNext();
  assert.deepEqual(calls, [{ ids: 'a', at: 120 }]);
});

test('a clock that goes back makes the renewal early, never late', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  clock.jump(-60 * MINUTE);
  await clock.ringNext();
  assert.equal(calls.length, 1);
});

test('a bug in the renewal is reported and the locks are kept', async () => {
  const { clock, keeper, bugs, calls, answers } = makeKeeper();
  answers.renew = () => Promise.reject(new Error('Internal error'));
  keeper.track(taskId('a'), LEASE_MS);
  await clock.turn(10.25 * MINUTE);
  assert.equal(bugs.length, 2);
  assert.equal(calls.length, 2);
  assert.deepEqual(keeper.held, ['a']);
});

test('a disposed keeper leaves no timer and takes no lock', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  keeper.dispose();
  keeper.track(taskId('b'), LEASE_MS);
  assert.equal(clock.waiting, 0);
  await clock.turn(LEASE_MS);
  assert.deepEqual(calls, []);
});

test('a lease that is made longer in the settings does not let a lock run out that was taken for less', async () => {
  let leaseMs = 3 * MINUTE;
  const { clock, keeper, calls } = makeKeeper(new HandClock(), () => leaseMs);
  keeper.track(taskId('a'), leaseMs);
  leaseMs = 30 * MINUTE;
  await clock.turn(12 * MINUTE);
  assert.deepEqual(
    calls,
    [1, 11].map((at) => ({ ids: 'a', at })),
  );
});

test('a lock whose work has ended is renewed no more, and told', async () => {
  const { clock, keeper, calls } = makeKeeper();
  const outlived: TaskId[] = [];
  keeper.onDidOutlive((id) => void outlived.push(id));
  let isAlive = true;
  keeper.track(taskId('a'), LEASE_MS, { isAlive: () => isAlive });
  keeper.track(taskId('b'), LEASE_MS, { byHand: true });
  await clock.turn(15 * MINUTE);
  isAlive = false;
  await clock.turn(10 * MINUTE);
  assert.deepEqual(
    calls.map((call) => call.ids),
    ['a b', 'b'],
  );
  assert.deepEqual([outlived, keeper.held], [['a'], ['b']]);
});

const jumps: readonly [name: string, minutes: number][] = [
  ['goes ahead, or the computer slept,', 5],
  ['goes back', -5],
];
for (const [name, minutes] of jumps) {
  test(`a clock that ${name} is told, and every lock is asked about at once`, async () => {
    const { clock, keeper, calls } = makeKeeper();
    const told: number[] = [];
    keeper.onDidJump((aheadMs) => void told.push(Math.round(aheadMs / MINUTE)));
    keeper.track(taskId('a'), LEASE_MS);
    await clock.turn(MINUTE);
    clock.jump(minutes * MINUTE);
    await clock.ringNext();
    assert.deepEqual(told, [minutes]);
    assert.equal(calls.length, 1, 'although a third of the lease has not gone');
  });
}

test('a timer that is a little late is no jump', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS);
  clock.jump(25_000);
  await clock.ringNext();
  assert.deepEqual(calls, []);
});

test('after a sleep what somebody took is told as lost before a lock that was only cleared is claimed again', async () => {
  const steps: string[] = [];
  const clock = new HandClock();
  const keeper = new LeaseKeeper({
    locks: {
      renew: (ids) => {
        steps.push(`ask about ${ids.join(' ')}`);
        const lost = [
          { id: taskId('cleared'), holder: undefined },
          { id: taskId('taken'), holder: 'other' },
        ];
        return Promise.resolve(ok({ renewed: [taskId('expired')], until: 0, lost }));
      },
    },
    clock,
    leaseMs: () => LEASE_MS,
    reportBug: (error) => assert.fail(String(error)),
    reclaim: (id) => {
      steps.push(`reclaim ${id}`);
      keeper.track(id, LEASE_MS);
      return Promise.resolve(true);
    },
  });
  keeper.onDidLose(({ id, holder }) => void steps.push(`lost ${id} to ${holder ?? 'nobody'}`));
  for (const id of ['cleared', 'taken', 'expired']) keeper.track(taskId(id), LEASE_MS);
  clock.jump(120 * MINUTE);
  await clock.ringNext();
  assert.deepEqual(steps, [
    'ask about cleared taken expired',
    'lost taken to other',
    'reclaim cleared',
  ]);
  assert.deepEqual([...keeper.held].sort(), ['cleared', 'expired']);
});

test('a cleared lock that cannot be claimed again is lost', async () => {
  const { keeper, clock } = (() => {
    const clock = new HandClock();
    const renewal = { renewed: [], until: 0, lost: [{ id: taskId('a'), holder: undefined }] };
    const keeper = new LeaseKeeper({
      ...{ clock, leaseMs: () => LEASE_MS, reportBug: (error) => assert.fail(String(error)) },
      locks: { renew: () => Promise.resolve(ok(renewal)) },
      reclaim: () => Promise.resolve(false),
    });
    return { keeper, clock };
  })();
  keeper.track(taskId('a'), LEASE_MS);
  await clock.turn(10 * MINUTE);
  assert.deepEqual(keeper.held, []);
});

test('a lock that could not be given back is kept again, as it was', async () => {
  const { clock, keeper, calls } = makeKeeper();
  keeper.track(taskId('a'), LEASE_MS, { byHand: true, version: 3 });
  const keep = keeper.untrack(taskId('a'));
  keep();
  assert.deepEqual([keeper.heldByHand, keeper.lockOf(taskId('a'))?.version], [['a'], 3]);
  await clock.turn(10 * MINUTE);
  assert.equal(calls.length, 1);
});

test('a change of what is held by hand is told, and a renewal is none', async () => {
  const { clock, keeper } = makeKeeper();
  const told: string[] = [];
  keeper.onDidChange(() => void told.push(keeper.heldByHand.join(' ')));
  keeper.track(taskId('a'), LEASE_MS, { byHand: true });
  await clock.turn(20 * MINUTE);
  keeper.track(taskId('a'), LEASE_MS, { isAlive: () => true });
  keeper.untrack(taskId('a'));
  assert.deepEqual(told, ['a', '', '']);
});
