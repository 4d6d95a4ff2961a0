import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../../../src/core/failure.ts';
import type { Claim } from '../../../../src/core/ports.ts';
import { fail, ok, type Result } from '../../../../src/core/result.ts';
import { adoptLostLocks } from '../../../../src/core/lease/lease-adoption.ts';
import { taskId, type TaskId } from '../../../../src/core/task.ts';
import { HandClock, settle } from '../../../support/hand-clock.ts';

const LEASE_MS = 60_000;

/** A window that has just started, and what it finds of others. */
function makeWindow(lost: Record<string, string>) {
  const clock = new HandClock();
  const steps: string[] = [];
  const world = {
    othersLive: false,
    failure: undefined as Failure | undefined,
    lost: new Map(Object.entries(lost)),
  };
  const adopt = (
    ids: readonly TaskId[],
    from: string,
  ): Promise<Result<readonly Claim[], Failure>> => {
    steps.push(`adopt ${ids.join(' ')} of ${from}`);
    if (world.failure !== undefined) return Promise.resolve(fail(world.failure));
    // What begins with x is somebody else's by now.
    const ours = ids.filter((id) => !id.startsWith('x'));
    return Promise.resolve(
      ok(ours.map((id) => ({ id, holder: 'me', since: 0, until: 1, fresh: false, version: 4 }))),
    );
  };
  const adoption = adoptLostLocks({
    records: {
      lost: () => {
        const windows = [...world.lost].map(([holder, ids]) => ({
          holder,
          ids: ids.split(' ').map(taskId),
          discard: () => {
            steps.push(`forget ${holder}`);
            world.lost.delete(holder);
            return Promise.resolve();
          },
        }));
        return Promise.resolve({ windows, othersLive: world.othersLive });
      },
    },
    locks: { adopt },
    keeper: {
      track: (id, _, work) => {
        steps.push(
          `hold ${id}${work?.byHand === true ? ' by hand' : ''} at ${work?.version ?? '?'}`,
        );
      },
    },
    clock,
    leaseMs: () => LEASE_MS,
    onAdopted: (claims, from) => void steps.push(`adopted ${claims.length} from ${from}`),
    onFailed: (failure) => void steps.push(failure.kind),
    reportBug: (error) => void steps.push(String(error)),
  });
  return { clock, steps, world, adoption };
}

test('a window takes over what a person held in one that is gone, keeps it, and only then forgets it', async () => {
  const { clock, steps } = makeWindow({ old: 'a x b' });
  await clock.turn(0);
  assert.deepEqual(steps, [
    'adopt a x b of old',
    'hold a by hand at 4',
    'hold b by hand at 4',
    'forget old',
    'adopted 2 from old',
  ]);
  assert.equal(clock.waiting, 0, 'it does not look again');
});

test('a window that has not quite ended is waited for, half a minute at most', async () => {
  const { clock, steps, world } = makeWindow({});
  world.othersLive = true;
  await clock.turn(2_000);
  assert.equal(steps.length, 0);
  world.lost.set('old', 'a');
  world.othersLive = false;
  await clock.turn(1_000);
  assert.equal(steps.at(-1), 'adopted 1 from old');
  assert.equal(clock.waiting, 0);

  const alone = makeWindow({});
  alone.world.othersLive = true;
  await alone.clock.turn(60_000);
  assert.equal(alone.clock.waiting, 0, 'the other window lives on, and nothing is asked any more');
});

test('locks that cannot be had because the database is busy are tried for again, and their record stays until then', async () => {
  const { clock, steps, world } = makeWindow({ old: 'a' });
  world.failure = { kind: 'busy', file: 'x', waitedMs: 1 };
  await clock.turn(0);
  assert.deepEqual(steps, ['adopt a of old', 'busy']);
  world.failure = undefined;
  await clock.turn(1_000);
  assert.deepEqual(steps.slice(-2), ['forget old', 'adopted 1 from old']);
});

test('a window that closes looks no further', async () => {
  const { clock, steps, adoption } = makeWindow({ old: 'a' });
  adoption.dispose();
  await clock.turn(60_000);
  await settle();
  assert.deepEqual(steps, []);
});
