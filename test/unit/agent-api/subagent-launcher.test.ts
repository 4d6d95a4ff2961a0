import assert from 'node:assert/strict';
import test from 'node:test';
import { SubagentLauncher } from '../../../src/agent-api/subagent-launcher.ts';
import type { RunState } from '../../../src/core/run/run-events.ts';
import { taskId } from '../../../src/core/task.ts';
import { tasks } from '../../support/backlog.ts';
import { fakeBacklog } from '../../support/fake-backlog.ts';
import { HandClock, settle } from '../../support/hand-clock.ts';
import {
  atWork,
  ended,
  runAfter,
  runStarted,
  type RunStep,
  SUCCEEDED,
} from '../../support/run-events.ts';

const SUBAGENT = { agent: 'claude', model: undefined, agentMode: 'subagent' } as const;
const AT = 1_000;

const starting = (id: string, attemptNo: number): RunStep => ({
  ...{ kind: 'taskStarting', id: taskId(id), attemptNo, tryNo: 1, at: AT },
});

/** A run of subagents, and what was launched for it, one line per prompt. */
function rig(how: (id: string) => typeof SUBAGENT | undefined = () => SUBAGENT) {
  const ids = ['a', 'b', 'c', 'd'];
  const first = runStarted({ waves: [ids], at: AT });
  const agents = first.agents.map(([id, agent]) => [id, how(id) ?? agent] as const);
  const steps: RunStep[] = [];
  let run: RunState = runAfter({ ...first, agents });
  const backlog = fakeBacklog({ tasks: tasks(...ids), runs: () => [run] });
  const clock = new HandClock();
  const prompts: string[] = [];
  const over: string[] = [];
  const launcher = new SubagentLauncher({
    ...{ backlog, clock },
    launch: (launched) => {
      prompts.push(launched.join(' '));
      return Promise.resolve();
    },
    onEnded: ({ runId }) => void over.push(runId),
    reportBug: (error) => assert.fail(String(error)),
  });
  const happens = async (...more: readonly RunStep[]): Promise<void> => {
    steps.push(...more);
    run = runAfter({ ...first, agents }, ...steps);
    backlog.changed();
    await settle();
    await clock.turn(1_000);
  };
  return { launcher, prompts, over, happens };
}

test('what begins at the same time is asked for in one prompt, and the next prompt waits for all of it', async () => {
  const { prompts, happens, launcher } = rig();
  await happens(starting('a', 1), starting('b', 2));
  assert.deepEqual(prompts, ['a b']);
  await happens(...atWork('a', 1, AT).slice(1), ended('a', SUCCEEDED, AT), starting('c', 3));
  assert.deepEqual(prompts, ['a b'], 'b is at work still');
  await happens(...atWork('b', 2, AT).slice(1), ended('b', SUCCEEDED, AT), starting('d', 4));
  assert.deepEqual(prompts, ['a b', 'c d']);
  launcher.dispose();
});

test('a second attempt is asked for anew, and nothing twice', async () => {
  const { prompts, happens, launcher } = rig();
  await happens(starting('a', 1));
  await happens();
  await happens({
    kind: 'taskRequeued',
    id: taskId('a'),
    outcome: { kind: 'stopped' },
    notBefore: AT,
    at: AT,
  });
  await happens(starting('a', 2));
  assert.deepEqual(prompts, ['a', 'a']);
  launcher.dispose();
});

test('tasks of other ways are nobody’s to ask for', async () => {
  const { prompts, happens, launcher } = rig((id) => (id === 'b' ? SUBAGENT : undefined));
  await happens(starting('a', 1), starting('b', 2));
  assert.deepEqual(prompts, ['b']);
  launcher.dispose();
});

test('after a run its verifier is offered once, but not where a person stopped the run', async () => {
  const done = rig();
  await done.happens(...atWork('a', 1, AT).slice(0, 1));
  await done.happens({ kind: 'runEnded', at: AT });
  await done.happens();
  assert.deepEqual(done.over, ['r']);
  const stopped = rig();
  await stopped.happens(starting('a', 1));
  await stopped.happens({ kind: 'runStopping', stop: { kind: 'person' }, at: AT });
  await stopped.happens({ kind: 'runEnded', at: AT });
  assert.deepEqual(stopped.over, []);
});

test('nothing is asked for any more once it is disposed', async () => {
  const { launcher, prompts, happens } = rig();
  launcher.dispose();
  await happens(starting('a', 1));
  assert.deepEqual(prompts, []);
});
