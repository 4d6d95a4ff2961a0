import assert from 'node:assert/strict';
import test from 'node:test';
import type { RunState, TaskRun } from '../../../../../src/core/run/run-events.ts';
import { StuckWatch } from '../../../../../src/core/run/engine/stuck-watch.ts';
import { taskId } from '../../../../../src/core/task.ts';
import { HandClock } from '../../../../support/hand-clock.ts';

const A = taskId('a');
const IDLE_MS = 10 * 60_000;

function watchOf(task: Partial<TaskRun>, stuckAfterMs = IDLE_MS) {
  const clock = new HandClock();
  const output = new Map([[A, clock.now()]]);
  const run = (): RunState =>
    ({
      phase: 'running',
      options: { stuckAfterMs },
      tasks: new Map([
        [
          A,
          {
            id: A,
            phase: 'running',
            startedAt: clock.now() - 1,
            agent: { agentMode: 'unattended' },
            ...task,
          },
        ],
      ]),
    }) as unknown as RunState;
  const fixed = run();
  const watch = new StuckWatch({
    runs: () => [fixed],
    lastOutputAt: (id) => output.get(id),
    clock,
  });
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

for (const [name, task, stuckAfterMs] of [
  ['a limit of 0', {}, 0],
  [
    'an agent that a person sits with',
    { agent: { agentMode: 'interactive', agent: 'claude', model: undefined } },
    IDLE_MS,
  ],
  ['a person', { agent: { agentMode: 'human', agent: 'human', model: undefined } }, IDLE_MS],
  ['a task that waits for its turn', { phase: 'queued' }, IDLE_MS],
] as const) {
  test(`${name} never looks stuck`, async () => {
    const { clock, watch } = watchOf(task, stuckAfterMs);
    await clock.turn(10 * IDLE_MS);
    assert.equal(watch.since(A), undefined);
  });
}

test('a task that no subagent has claimed for ten minutes looks stuck, whatever the limit for silence', async () => {
  const agent = { agentMode: 'subagent', agent: 'subagent', model: undefined } as const;
  const { clock, watch, output } = watchOf({ phase: 'starting', startedAt: undefined, agent }, 0);
  await clock.turn(10 * 60_000 - 15_000);
  assert.equal(watch.since(A), undefined);
  await clock.turn(15_000);
  assert.equal(watch.since(A), output.get(A));
});

test('with nothing at work no timer is left', () => {
  const { clock, watch } = watchOf({ phase: 'ended' });
  assert.equal(clock.waiting, 0);
  watch.dispose();
});

test('a run that changes all the time is looked at once a second', async () => {
  let looks = 0;
  const clock = new HandClock();
  const runs = (): readonly RunState[] => {
    looks++;
    return [];
  };
  const watch = new StuckWatch({ runs, lastOutputAt: () => undefined, clock });
  for (let i = 0; i < 1000; i++) watch.look();
  assert.equal(looks, 1, 'at once');
  await clock.turn(1_000);
  assert.equal(looks, 2, 'for all that came since');
  await clock.turn(60_000);
  assert.equal(looks, 2, 'and no more where nothing changes');
  watch.dispose();
});
