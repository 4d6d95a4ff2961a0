import assert from 'node:assert/strict';
import test from 'node:test';
import type { RunState, TaskRun } from '../../src/core/run/run-events.ts';
import { StuckWatch } from '../../src/core/run/stuck-watch.ts';
import { taskId } from '../../src/core/task.ts';
import { HandClock } from '../support/hand-clock.ts';

const A = taskId('a');
const IDLE_MS = 10 * 60_000;

function watchOf(task: Partial<TaskRun>, idleMs = IDLE_MS) {
  const clock = new HandClock();
  const output = new Map([[A, clock.now()]]);
  const run = (): RunState =>
    ({
      phase: 'running',
      options: { idleMs },
      tasks: new Map([
        [A, { id: A, phase: 'running', startedAt: clock.now() - 1, agent: { how: 'unattended' }, ...task }],
      ]),
    }) as unknown as RunState;
  const fixed = run();
  const watch = new StuckWatch({ runs: () => [fixed], lastOutputAt: (id) => output.get(id), clock });
  const told: (number | undefined)[] = [];
  watch.onDidChange(() => void told.push(watch.since(A)));
  watch.look();
  return { clock, output, watch, told };
}

test('an agent that is silent for longer than its run allows looks stuck, and no more once it speaks', async () => {
  const { clock, output, watch, told } = watchOf({});
  const spoke = clock.now();
  await clock.turn(IDLE_MS - 1);
  assert.equal(watch.since(A), undefined);
  await clock.turn(15_000);
  assert.equal(watch.since(A), spoke);
  output.set(A, clock.now());
  await clock.turn(15_000);
  assert.equal(watch.since(A), undefined);
  assert.deepEqual(told, [spoke, undefined], 'each change is told once');
});

for (const [name, task, idleMs] of [
  ['a limit of 0', {}, 0],
  ['an agent that a person sits with', { agent: { how: 'interactive', agent: 'claude', model: undefined } }, IDLE_MS],
  ['a task that waits for its turn', { phase: 'queued' }, IDLE_MS],
] as const) {
  test(`${name} never looks stuck`, async () => {
    const { clock, watch } = watchOf(task, idleMs);
    await clock.turn(10 * IDLE_MS);
    assert.equal(watch.since(A), undefined);
  });
}

test('with nothing at work no timer is left', () => {
  const { clock, watch } = watchOf({ phase: 'ended' });
  assert.equal(clock.waiting, 0);
  watch.dispose();
});
