import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacedChanges } from '../../../src/ui/paced-changes.ts';
import { HandClock } from '../../support/hand-clock.ts';

function rig() {
  const clock = new HandClock();
  const told: string[] = [];
  const visible = new Set(['a', 'b']);
  const paced = new PacedChanges(
    { clock, restMs: () => 3_000 },
    (key) => visible.has(key),
    (key) => told.push(key),
  );
  return { clock, told, visible, paced };
}

test('the first change is told at once, those of the next seconds together, and each for itself', async () => {
  const { clock, told, paced } = rig();
  paced.changed('a');
  paced.changed('a');
  await clock.turn(1_000);
  paced.changed('a');
  paced.changed('b');
  assert.deepEqual(told, ['a', 'b']);
  await clock.turn(1_999);
  assert.deepEqual(told, ['a', 'b']);
  await clock.turn(1);
  assert.deepEqual(told, ['a', 'b', 'a']);
  await clock.turn(60_000);
  assert.deepEqual(told, ['a', 'b', 'a']);
  assert.equal(clock.waiting, 0);
});

test('what nobody sees is told once somebody does, and what was closed is not', () => {
  const { clock, told, visible, paced } = rig();
  visible.clear();
  paced.changed('a');
  paced.changed('b');
  assert.deepEqual([told, clock.waiting], [[], 0]);
  paced.forget('b');
  visible.add('a').add('b');
  paced.look();
  assert.deepEqual(told, ['a']);
});

test('after the end nothing is told any more', async () => {
  const { clock, told, paced } = rig();
  paced.changed('a');
  paced.changed('a');
  paced.dispose();
  await clock.turn(10_000);
  assert.deepEqual([told, clock.waiting], [['a'], 0]);
});
