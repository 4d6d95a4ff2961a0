import assert from 'node:assert/strict';
import test from 'node:test';
import type { VerifyResult } from '../../../../../src/core/run/evidence.ts';
import type { RunOptions } from '../../../../../src/core/run/run-options.ts';
import { taskId } from '../../../../../src/core/task.ts';
import { settle } from '../../../../support/hand-clock.ts';
import {
  AGENT,
  assertWellFormed,
  autopilot,
  RunRig,
  type Ending,
} from '../../../../support/run-rig.ts';

const FLOW = { runMode: 'flow' } as const;

function rigWith(backlog: readonly string[], options: Partial<RunOptions> = {}, cap = 4): RunRig {
  const rig = new RunRig(backlog, cap);
  rig.options = { ...rig.options, ...options };
  return rig;
}

async function runToEnd(rig: RunRig, waves: string): Promise<string> {
  const started = rig.runner.start(rig.request(waves));
  assert(started.ok);
  await started.value.ended;
  assertWellFormed(rig.events);
  assert.deepEqual(rig.bugs, []);
  return rig.outcomes(started.value.runId);
}

const RATE_LIMITED: Ending = { kind: 'rateLimited', retryAfterMs: undefined, detail: '429' };

test('in flow a task starts as soon as its own dependencies have ended well, whatever its wave does', async () => {
  const rig = rigWith(['a', 'slow', 'b < a', 'c < b'], FLOW);
  rig.start('a slow | b | c');
  await settle();
  await rig.end('a', 0);
  assert.equal(rig.alive, 'b slow');
  await rig.end('b', 0);
  assert.equal(rig.alive, 'c slow');
  await rig.end('c', 0);
  await rig.end('slow', 0);
  assert.equal(rig.outcomes(), 'a:succeeded slow:succeeded b:succeeded c:succeeded');
  assertWellFormed(rig.events);
});

test('in flow what waits for a failure is skipped at once, although a slower dependency still works', async () => {
  const rig = rigWith(['a', 'slow', 'b < a slow', 'c < b', 'd < slow'], FLOW);
  rig.start('a slow | b d | c');
  await settle();
  await rig.end('a', 1);
  assert.equal(
    rig.outcomes(),
    'a:failed slow:open b:skipped/dependencyFailed d:open c:skipped/dependencyFailed',
  );
  await rig.end('slow', 0);
  assert.equal(rig.alive, 'd');
});

test('in flow too a task that somebody else settled holds nobody back', async () => {
  const rig = rigWith(['+a', 'b < a', 'c < b'], FLOW);
  autopilot(rig);
  assert.equal(await runToEnd(rig, 'a | b | c'), 'a:skipped/notReady b:succeeded c:succeeded');
});

for (const runMode of ['strict', 'flow'] as const) {
  test(`in ${runMode} a circle of dependencies ends the run, and not the patience`, async () => {
    const rig = rigWith(['a < b', 'b < a', 'c < b', 'd'], { runMode });
    autopilot(rig);
    assert.equal(
      await runToEnd(rig, 'a b | c d'),
      'a:skipped/dependencyFailed b:skipped/notReady c:skipped/dependencyFailed d:succeeded',
    );
  });

  test(`in ${runMode} a dependency that is added while a run goes on is waited for`, async () => {
    const rig = rigWith(['a', 'b'], { runMode }, 1);
    rig.start('a b');
    await settle();
    rig.change('a', { dependencies: [] });
    rig.change('b', { dependencies: [taskId('a')] });
    rig.runner.setCap(2);
    await settle();
    assert.equal(rig.alive, 'a');
    await rig.end('a', 0);
    assert.equal(rig.alive, 'b');
  });
}

test('the longest remaining path goes first, then priority, then the order of the wave', async () => {
  const rig = rigWith(['x', 'a', 'b', 'c', 'd < c'], FLOW, 1);
  rig.change('b', { priority: 'critical' });
  const begun: string[] = [];
  rig.onAgent = ({ task }) => {
    begun.push(task.id);
    setImmediate(() => rig.agents.get(task.id)?.end(0));
  };
  await runToEnd(rig, 'x a b c | d');
  assert.deepEqual(begun, ['c', 'b', 'x', 'a', 'd']);
});

test('tasks that name the same files take turns, over all runs, and say why', async () => {
  const rig = rigWith(['a: src/x.ts', 'b: src/y.ts src/x.ts', 'c: ./src/x.ts', 'd']);
  rig.start('a b');
  await settle();
  rig.start('c d');
  await settle();
  assert.equal(rig.alive, 'a d');
  assert.deepEqual(rig.run('r2')?.tasks.get(taskId('c'))?.waits, {
    kind: 'sharesFiles',
    with: 'a',
    files: ['src/x.ts'],
  });
  assert.equal(rig.waits('r1'), 'b:sharesFiles');
  await rig.end('a', 0);
  assert.equal(rig.alive, 'b d');
  await rig.end('b', 0);
  assert.equal(rig.alive, 'c d');
  assert.equal(rig.waits('r2'), '');
});

test('files that a description names only since the run began count too', async () => {
  const rig = rigWith(['a', 'b'], {}, 1);
  rig.start('a b');
  await settle();
  rig.change('b', { description: '- Update: src/x.ts' });
  rig.put({ ...rig.task('b'), id: taskId('c') });
  rig.runner.setCap(3);
  await settle();
  rig.start('c');
  await settle();
  assert.equal(rig.alive, 'a b');
  assert.equal(rig.waits('r2'), 'c:sharesFiles');
});

test('a failed task is tried again after a growing while, as often as the run says', async () => {
  const rig = rigWith(['a', 'b < a'], { retries: 2, retryAfterMs: 1000 });
  rig.start('a | b');
  await settle();
  await rig.end('a', 1);
  assert.equal(rig.outcomes(), 'a:open b:open');
  assert.deepEqual(rig.run()?.tasks.get(taskId('a'))?.waits, {
    kind: 'retry',
    at: rig.clock.now() + 1000,
  });
  await rig.clock.turn(1000);
  await rig.end('a', 1);
  await rig.clock.turn(1999);
  assert.equal(rig.alive, '');
  await rig.clock.turn(1);
  const task = rig.run()?.tasks.get(taskId('a'));
  assert.deepEqual([task?.tryNo, task?.attemptNo, task?.earlier.length], [3, 3, 2]);
  await rig.end('a', 1);
  assert.equal(rig.outcomes(), 'a:failed b:skipped/dependencyFailed');
  assertWellFormed(rig.events);
});

test('a task that waits for its next try holds no slot, and a stop ends it at once', async () => {
  const rig = rigWith(['a', 'b'], { retries: 1 }, 1);
  rig.start('a b');
  await settle();
  await rig.end('a', 1);
  assert.equal(rig.alive, 'b');
  await rig.steer({ ask: 'stopTask', id: taskId('a') });
  assert.equal(rig.clock.waiting, 0);
  await rig.end('b', 0);
  assert.equal(rig.outcomes(), 'a:skipped/stopped b:succeeded');
  assert.equal(rig.clock.waiting, 0);
});

for (const ending of ['lockLost', 'unknown', 'stopped'] as const) {
  test(`what ended ${ending} is not tried again`, async () => {
    const rig = rigWith(['a'], { retries: 3 });
    rig.start('a');
    await settle();
    if (ending === 'lockLost') rig.change('a', { lock: undefined });
    if (ending === 'stopped') await rig.steer({ ask: 'stopTask', id: taskId('a') });
    else await rig.end('a', ending === 'unknown' ? { kind: 'unknown', detail: '' } : 0);
    assert.equal(rig.outcomes(), `a:${ending}`);
  });
}

test('a claim that finds the store busy is tried again, one that finds it held is not', async () => {
  const rig = rigWith(['a', 'b'], { retries: 1 });
  rig.failures.set('claim a', { kind: 'busy', file: 'db', waitedMs: 1 });
  rig.failures.set('claim b', { kind: 'held', id: taskId('b'), holder: 'other', until: Infinity });
  rig.start('a b');
  await settle();
  rig.failures.clear();
  assert.equal(rig.outcomes(), 'a:open b:skipped/claimFailed');
  await rig.clock.turn(30_000);
  await rig.end('a', 0);
  assert.equal(rig.outcomes(), 'a:succeeded b:skipped/claimFailed');
});

test('the same failure of several tasks in a row stops what has not begun, and leaves the others to their end', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd', 'e'], { maxEqualFailures: 2, retries: 5 }, 3);
  rig.start('a b c d e');
  await settle();
  await rig.end('a', 7);
  await rig.end('b', 7);
  assert.equal(rig.run()?.phase, 'stopping');
  assert.equal(rig.run()?.stop?.kind, 'breaker');
  await rig.end('c', 0);
  await rig.end('d', 7);
  assert.equal(
    rig.outcomes(),
    'a:skipped/runStopped b:failed c:succeeded d:failed e:skipped/runStopped',
  );
  assertWellFormed(rig.events);
});

test('a success or another failure in between keeps a run from being stopped', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd', 'e'], { maxEqualFailures: 2 }, 1);
  autopilot(rig, { a: 7, b: 0, c: 7, d: 8, e: 7 });
  assert.equal(await runToEnd(rig, 'a b c d e'), 'a:failed b:succeeded c:failed d:failed e:failed');
  assert.equal(rig.run()?.stop, undefined);
});

/** How an agent ended in these words. */
const inWords = (detail: string): Ending => ({
  kind: 'failed',
  cause: { kind: 'said', detail },
  exitCode: 1,
  signal: undefined,
  evidence: undefined,
});

test('failures are the same whatever ids, times and ports their words repeat', async () => {
  const words = (n: number): string =>
    `Log in (status 401, url: http://127.0.0.1:${41200 + n}/v1, request id: req_00${n}X, at 2026-01-13T04:3${n}:07Z)`;
  const rig = rigWith(['a', 'b', 'c', 'd'], { maxEqualFailures: 3 }, 1);
  rig.start('a b c | d');
  await settle();
  for (const [n, id] of ['a', 'b', 'c'].entries()) await rig.end(id, inWords(words(n)));
  assert.equal(rig.outcomes(), 'a:failed b:failed c:failed d:skipped/runStopped');
  assert.equal(rig.run()?.stop?.kind, 'breaker');
});

test('failures of another status or in other words are not the same', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd'], { maxEqualFailures: 2 }, 1);
  rig.start('a b c d');
  await settle();
  for (const [id, words] of [
    ['a', 'status 500 (req_0001)'],
    ['b', 'status 502 (req_0002)'],
    ['c', 'No disk space (req_0003)'],
    ['d', 'status 500 (req_0004)'],
  ] as const)
    await rig.end(id, inWords(words));
  assert.equal(rig.outcomes(), 'a:failed b:failed c:failed d:failed');
  assert.equal(rig.run()?.stop, undefined);
});

test('one task alone, however often it is tried, stops nothing', async () => {
  const rig = rigWith(['a', 'b'], { maxEqualFailures: 2, retries: 3, retryAfterMs: 0 }, 1);
  autopilot(rig, { a: 7 });
  rig.start('a | b');
  while (rig.run()?.phase !== 'ended') await rig.clock.turn(1);
  assert.equal(rig.outcomes(), 'a:failed b:succeeded');
  assert.equal(rig.run()?.tasks.get(taskId('a'))?.tryNo, 4);
});

for (const [onFailure, runMode, expected] of [
  ['stopAtOnce', 'strict', 'a:failed b:succeeded c:skipped/runStopped d:skipped/runStopped'],
  ['stopAfterWave', 'strict', 'a:failed b:succeeded c:succeeded d:skipped/runStopped'],
  ['stopAfterWave', 'flow', 'a:failed b:succeeded c:succeeded d:skipped/runStopped'],
  ['continue', 'strict', 'a:failed b:succeeded c:succeeded d:succeeded'],
] as const) {
  test(`after a failure in ${runMode} ${onFailure} decides what still starts`, async () => {
    const rig = rigWith(['a', 'b', 'c', 'd'], { onFailure, runMode }, 2);
    rig.start('a b c | d');
    await settle();
    await rig.end('a', 1);
    autopilot(rig);
    for (const id of ['b', 'c', 'd']) {
      await settle();
      if (rig.agents.has(id)) await rig.end(id, 0);
    }
    while (rig.run()?.phase !== 'ended') await settle();
    assert.equal(rig.outcomes(), expected);
    assert.deepEqual(
      rig.run()?.stop,
      onFailure === 'continue' ? undefined : { kind: 'failure', id: 'a' },
    );
    assertWellFormed(rig.events);
  });
}

test('a task that others hold is waited for where the run says so, without a slot, until they let go', async () => {
  const rig = rigWith(['a', 'b', 'c'], { heldTasks: 'wait' }, 1);
  rig.change('a', { lock: { holder: 'other', since: undefined, until: Infinity } });
  rig.start('a b c');
  await settle();
  assert.equal(rig.alive, 'b');
  assert.deepEqual(rig.run()?.tasks.get(taskId('a'))?.waits, { kind: 'held', holder: 'other' });
  rig.change('a', { lock: undefined });
  await rig.notice();
  await rig.end('b', 0);
  assert.equal(rig.alive, 'a');
  assert.equal(rig.waits(), '');
});

test('a lease that ends brings the task back without anybody saying so', async () => {
  const rig = rigWith(['a'], { heldTasks: 'wait' });
  rig.change('a', { lock: { holder: 'other', since: undefined, until: rig.clock.now() + 60_000 } });
  rig.start('a');
  await rig.clock.turn(59_999);
  assert.equal(rig.alive, '');
  await rig.clock.turn(1);
  assert.equal(rig.alive, 'a');
});

test('a claim that was refused because of somebody whom the backlog does not show yet is made again later', async () => {
  const rig = rigWith(['a'], { heldTasks: 'wait' });
  rig.failures.set('claim a', {
    kind: 'held',
    id: taskId('a'),
    holder: 'other',
    until: rig.clock.now() + 60_000,
  });
  rig.start('a');
  await settle();
  await rig.notice();
  assert.equal(rig.steps.filter((step) => step === 'claim a').length, 1);
  rig.failures.clear();
  await rig.clock.turn(60_000);
  await rig.end('a', 0);
  assert.equal(rig.outcomes(), 'a:succeeded');
  assert.equal(
    rig.story('a'),
    'taskStarting taskRequeued taskWaits taskWaits taskStarting taskClaimed taskStarted taskEnded',
  );
});

test('a rate limit cools its kind of agent down, halves its cap, and counts as no failure', async () => {
  const rig = rigWith(
    ['a', 'b', 'c', 'd', 'e', 'other'],
    { onFailure: 'stopAtOnce', maxEqualFailures: 1 },
    5,
  );
  rig.agentOf = (id) => (id === 'other' ? { ...AGENT, agent: 'codex' } : AGENT);
  rig.start('a b c d e other');
  await settle();
  await rig.end('a', RATE_LIMITED);
  await rig.end('b', RATE_LIMITED);
  assert.equal(rig.alive, 'c d e other', 'another kind of agent goes on');
  assert.equal(rig.waits(), 'a:coolingDown b:coolingDown');
  await rig.end('c', 0);
  await rig.clock.turn(59_999);
  assert.equal(rig.alive, 'd e other');
  await rig.clock.turn(1);
  assert.equal(rig.alive, 'd e other', 'two are enough for now');
  await rig.end('d', 0);
  assert.equal(rig.alive, 'a e other');
  await rig.clock.turn(180_000);
  await rig.end('e', 0);
  await rig.end('a', 0);
  await rig.end('b', 0);
  await rig.end('other', 0);
  assert.equal(rig.run()?.stop, undefined);
  assert.equal(rig.run()?.phase, 'ended');
  assertWellFormed(rig.events);
});

test('a task whose agent is refused again and again ends so at last', async () => {
  const rig = rigWith(['a'], { retries: 0 });
  autopilot(rig, { a: { kind: 'rateLimited', retryAfterMs: 1000, detail: '429' } });
  rig.start('a');
  for (let i = 0; i < 40 && rig.run()?.phase !== 'ended'; i++) await rig.clock.turn(1000);
  assert.equal(rig.outcomes(), 'a:rateLimited');
  assert.equal(rig.run()?.tasks.get(taskId('a'))?.tryNo, 21);
});

test('never more agents of a kind than the run allows', async () => {
  const rig = rigWith(['a', 'b', 'c', 'x'], { agentCaps: [['claude', 1]] });
  rig.agentOf = (id) => (id === 'x' ? { ...AGENT, agent: 'codex' } : AGENT);
  rig.start('a b c x');
  await settle();
  assert.equal(rig.alive, 'a x');
  assert.deepEqual(rig.run()?.tasks.get(taskId('b'))?.waits, {
    kind: 'agentCap',
    agent: 'claude',
    cap: 1,
  });
  await rig.end('a', 0);
  assert.equal(rig.alive, 'b x');
});

test('a paused run starts nothing, lets what works go on, and goes on where it was', async () => {
  const rig = rigWith(['a', 'b', 'c'], {}, 1);
  const runId = rig.start('a b | c');
  await settle();
  void rig.runner.steer(runId, { ask: 'pause' });
  void rig.runner.steer(runId, { ask: 'pause' });
  await rig.end('a', 0);
  assert.equal(rig.alive, '');
  assert.equal(rig.run()?.paused, 'person');
  void rig.runner.steer(runId, { ask: 'goOn' });
  await settle();
  assert.equal(rig.alive, 'b');
  await rig.end('b', 0);
  await rig.end('c', 0);
  assert.equal(rig.outcomes(), 'a:succeeded b:succeeded c:succeeded');
  assertWellFormed(rig.events);
});

test('a pause while the backlog is looked at leaves the task in the queue', async () => {
  const rig = rigWith(['a']);
  rig.isManual = (label) => label === 'refresh';
  const runId = rig.start('a');
  await settle();
  void rig.runner.steer(runId, { ask: 'pause' });
  await rig.let('refresh');
  assert.equal(rig.run()?.tasks.get(taskId('a'))?.phase, 'queued');
  rig.isManual = () => false;
  void rig.runner.steer(runId, { ask: 'goOn' });
  await settle();
  assert.equal(rig.alive, 'a');
});

for (const runMode of ['strict', 'flow'] as const) {
  test(`in ${runMode} a run that pauses between waves waits for a person after each but the last`, async () => {
    const rig = rigWith(['a', 'b < a'], { runMode, pauseBetweenWaves: true });
    autopilot(rig);
    const runId = rig.start('a | b');
    for (let i = 0; i < 5; i++) await settle();
    assert.equal(rig.run()?.paused, 'wave');
    assert.equal(rig.outcomes(), 'a:succeeded b:open');
    void rig.runner.steer(runId, { ask: 'goOn' });
    while (rig.run()?.phase !== 'ended') await settle();
    assert.equal(
      rig.story(),
      'runStarted capChanged waveStarted waveEnded runPaused runWentOn waveStarted waveEnded runEnded',
    );
  });
}

const BUDGET = { usd: undefined, tokens: undefined, minutes: undefined };

/** An end of an agent that has used so many tokens. */
function usedUp(tokens: number): Ending {
  const usage = { inputTokens: tokens, outputTokens: undefined, costUsd: undefined };
  const evidence = {
    ...{ startedAt: 0, endedAt: 1, verify: undefined, files: [], summary: undefined },
    ...{ logFile: undefined, sessionId: undefined, usage },
  };
  return { kind: 'failed', cause: { kind: 'exit' }, exitCode: 1, signal: undefined, evidence };
}

test('a run that has used its budget starts nothing further, and agents at work go on', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd'], { budget: { ...BUDGET, tokens: 100 } }, 2);
  rig.start('a b c d');
  await settle();
  await rig.end('a', usedUp(99));
  assert.equal(rig.alive, 'b c');
  await rig.end('b', usedUp(1));
  assert.equal(rig.run()?.paused, 'tokenBudget');
  assert.equal(rig.alive, 'c');
  await rig.end('c', 0);
  assert.equal(rig.outcomes(), 'a:failed b:failed c:succeeded d:open');
  await rig.steer({ ask: 'stopRun' });
  assert.equal(rig.run()?.phase, 'ended');
  assertWellFormed(rig.events);
});

test('going on gives a run the same budget again, also after its window was closed', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd'], { budget: { ...BUDGET, tokens: 100 } }, 1);
  rig.start('a b c d');
  await settle();
  await rig.end('a', usedUp(150));
  rig.reopen();
  await settle();
  assert.equal(rig.run()?.paused, 'tokenBudget');
  assert.equal(rig.alive, '');
  await rig.steer({ ask: 'goOn' });
  await settle();
  assert.equal(rig.alive, 'b');
  await rig.end('b', usedUp(99));
  assert.equal(rig.alive, 'c');
  rig.reopen();
  await settle();
  await rig.end('c', usedUp(1));
  assert.equal(rig.run()?.paused, 'tokenBudget');
  await rig.steer({ ask: 'goOn' });
  await settle();
  await rig.end('d', usedUp(500));
  assert.equal(rig.run()?.phase, 'ended');
  assert.equal(rig.story().match(/runPaused/g)?.length, 2);
  assertWellFormed(rig.events);
});

test('a run pauses at its time, and going on after a pause of the user is no new budget', async () => {
  const rig = rigWith(['a', 'b'], { budget: { ...BUDGET, minutes: 10 } }, 1);
  rig.start('a b');
  await settle();
  await rig.clock.turn(6 * 60_000);
  await rig.steer({ ask: 'pause' });
  await rig.steer({ ask: 'goOn' });
  await rig.clock.turn(4 * 60_000 - 1);
  assert.equal(rig.run()?.paused, undefined);
  await rig.clock.turn(1);
  assert.equal(rig.run()?.paused, 'timeBudget');
  await rig.end('a', 0);
  assert.equal(rig.alive, '');
  await rig.steer({ ask: 'goOn' });
  await settle();
  assert.equal(rig.alive, 'b');
  await rig.end('b', 0);
  assert.equal(rig.run()?.phase, 'ended');
});

test('a run in which nothing is left to start does not pause at its budget', async () => {
  const rig = rigWith(['a', 'b'], { budget: { ...BUDGET, tokens: 1, minutes: 1 } });
  rig.start('a b');
  await settle();
  await rig.clock.turn(2 * 60_000);
  await rig.end('a', usedUp(5));
  await rig.end('b', usedUp(5));
  assert.equal(rig.run()?.phase, 'ended');
  assert.doesNotMatch(rig.story(), /runPaused/);
});

test('a run in which all that is left waits for a failed task does not pause at its budget', async () => {
  for (const runMode of ['strict', 'flow'] as const) {
    const budget = { ...BUDGET, tokens: 1 };
    const rig = rigWith(['a', 'b < a', 'c < b'], { budget, runMode });
    rig.start('a | b | c');
    await settle();
    await rig.end('a', usedUp(5));
    await settle();
    assert.equal(rig.run()?.phase, 'ended');
    assert.match(rig.outcomes(), /^a:failed b:skipped\S+ c:skipped\S+$/);
    assert.doesNotMatch(rig.story(), /runPaused/);
  }
});

test('a task that can start although one it waits for was skipped waits for the budget, too', async () => {
  const rig = rigWith(['x', '+a', 'b < a'], { budget: { ...BUDGET, tokens: 1 } });
  rig.start('a x | b');
  await settle();
  await rig.end('x', usedUp(5));
  assert.equal(rig.outcomes(), 'a:skipped/notReady x:failed b:open');
  assert.equal(rig.run()?.paused, 'tokenBudget');
  assert.equal(rig.alive, '');
  await rig.steer({ ask: 'goOn' });
  await settle();
  assert.equal(rig.alive, 'b');
  await rig.end('b', 0);
});

test('without a budget a run never pauses by itself, whatever it uses', async () => {
  for (const budget of [undefined, BUDGET]) {
    const rig = rigWith(['a', 'b'], { budget }, 1);
    rig.start('a b');
    await settle();
    await rig.clock.turn(365 * 24 * 3_600_000);
    await rig.end('a', usedUp(1e12));
    assert.equal(rig.alive, 'b');
    await rig.end('b', usedUp(1e12));
    assert.equal(rig.run()?.phase, 'ended');
    assert.doesNotMatch(rig.story(), /runPaused/);
  }
});

test('a run that the user paused and that has used its budget says so when it goes on', async () => {
  const rig = rigWith(['a', 'b'], { budget: { ...BUDGET, tokens: 100 } }, 1);
  rig.start('a b');
  await settle();
  await rig.steer({ ask: 'pause' });
  await rig.end('a', usedUp(100));
  assert.equal(rig.run()?.paused, 'person');
  await rig.steer({ ask: 'goOn' });
  await settle();
  assert.equal(rig.run()?.paused, 'tokenBudget');
  assert.equal(rig.alive, '');
  await rig.steer({ ask: 'goOn' });
  await settle();
  assert.equal(rig.alive, 'b');
  await rig.end('b', 0);
});

test('requeueing ends a stuck attempt and begins the task anew, which is no failure', async () => {
  const rig = rigWith(['a'], { retries: 0, onFailure: 'stopAtOnce' });
  rig.start('a');
  await settle();
  void rig.steer({ ask: 'requeue', id: taskId('a') });
  await settle();
  assert.equal(rig.alive, 'a');
  assert.equal(rig.task('a').lock?.holder, 'claude-host-2');
  await rig.end('a', 0);
  assert.equal(rig.outcomes(), 'a:succeeded');
  assert.equal(rig.story('a').match(/taskStarting/g)?.length, 2);
  assertWellFormed(rig.events);
});

test('work that ends well in spite of a requeue counts', async () => {
  const rig = rigWith(['a']);
  rig.isManual = (label) => label === 'dying a';
  rig.start('a');
  await settle();
  void rig.steer({ ask: 'requeue', id: taskId('a') });
  await rig.end('a', 0);
  assert.equal(rig.outcomes(), 'a:succeeded');
});

test('stopping a wave leaves the others alone', async () => {
  const rig = rigWith(['a', 'b', 'c'], { runMode: 'flow' }, 2);
  const runId = rig.start('a b | c');
  await settle();
  await rig.runner.steer(runId, { ask: 'stopWave', wave: 0 });
  await settle();
  assert.equal(rig.outcomes(), 'a:stopped b:stopped c:open');
  assert.equal(rig.alive, 'c');
});

const failed: VerifyResult = {
  command: 'npm test',
  passed: false,
  exitCode: 1,
  durationMs: 5,
  tail: 'red',
};

for (const [runMode, verified] of [
  ['strict', [0, 1]],
  ['flow', [1]],
] as const) {
  test(`in ${runMode} the right waves are verified, and what does not pass stops the run`, async () => {
    const rig = rigWith(['a', 'b < a', 'c < b'], { runMode });
    autopilot(rig);
    const waves: number[] = [];
    rig.verifyWave = async (_runId, wave) => {
      waves.push(wave);
      await settle();
      return wave === 1 ? failed : { ...failed, passed: true };
    };
    await runToEnd(rig, runMode === 'strict' ? 'a | b | c' : 'a | b c');
    assert.deepEqual(waves, verified);
    assert.deepEqual(rig.run()?.stop, { kind: 'waveVerify', wave: 1, result: failed });
    assert.equal(rig.run()?.waveRuns[1]?.verify, failed);
    assert.equal(rig.outcome('c')?.kind, runMode === 'strict' ? 'skipped' : 'succeeded');
  });
}

test('a wave in which nothing succeeded is not verified, and a verification that breaks passes nothing', async () => {
  const rig = rigWith(['a', 'b', 'c']);
  autopilot(rig, { a: 1 });
  rig.verifyWave = (_runId, wave) => {
    assert.equal(wave, 1);
    throw new Error('made for this test');
  };
  rig.start('a | b | c');
  while (rig.run()?.phase !== 'ended') await settle();
  assert.equal(rig.outcomes(), 'a:failed b:succeeded c:skipped/runStopped');
  assert.equal(rig.bugs.length, 1);
});

test('a stop ends the verification of a wave', async () => {
  const rig = rigWith(['a', 'b']);
  autopilot(rig);
  rig.verifyWave = (_runId, _wave, signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  rig.start('a | b');
  for (let i = 0; i < 4; i++) await settle();
  await rig.runner.stopAll();
  assert.equal(rig.outcomes(), 'a:succeeded b:skipped/stopped');
  assertWellFormed(rig.events);
});

test('a window that lets go of its runs ends nothing and tells nothing, and the next one goes on with them', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd < a'], {}, 2);
  rig.start('a b c | d');
  await settle();
  const told = rig.events.length;
  rig.runner.detachAll();
  void rig.steer({ ask: 'requeue', id: taskId('a') });
  await rig.runner.stopAll();
  await rig.end('b', 0);
  assert.equal(rig.events.length, told);
  assert.equal(rig.alive, 'a');
  rig.reopen();
  await settle();
  assert.equal(rig.outcomes(), 'a:open b:succeeded c:open d:open');
  assert.equal(rig.alive, 'a c');
  assert(rig.runner.isHolder('claude-host-1'));
  await rig.end('a', 0);
  await rig.end('c', 0);
  await rig.end('d', 0);
  assert.equal(rig.outcomes(), 'a:succeeded b:succeeded c:succeeded d:succeeded');
  assertWellFormed(rig.events.filter(({ kind }) => kind !== 'runTakenOver'));
});

test('what is at work in a run that is taken over counts against the cap, and can be stopped', async () => {
  const rig = rigWith(['a', 'b', 'c'], {}, 2);
  rig.start('a b c');
  await settle();
  rig.reopen(1);
  await settle();
  assert.equal(rig.run()?.cap, 1);
  await rig.end('a', 0);
  assert.equal(rig.alive, 'b');
  await rig.runner.stopAll();
  assert.equal(rig.outcomes(), 'a:succeeded b:stopped c:skipped/stopped');
  assert.equal(rig.task('b').lock, undefined);
});

test('a run that was paused, cooling down or waiting for its next try is so after it was taken over', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd'], { retries: 1, retryAfterMs: 5000 }, 2);
  rig.agentOf = (id) => ({ ...AGENT, agent: id === 'b' ? 'codex' : 'claude' });
  const runId = rig.start('a b c d');
  await settle();
  await rig.end('a', 1);
  void rig.runner.steer(runId, { ask: 'pause' });
  await rig.end('b', { kind: 'rateLimited', retryAfterMs: 9000, detail: '' });
  await rig.end('c', 0);
  rig.reopen();
  await settle();
  assert.equal(rig.run()?.paused, 'person');
  assert.equal(rig.waits(), 'a:retry b:coolingDown');
  void rig.runner.steer(runId, { ask: 'goOn' });
  await rig.clock.turn(4999);
  assert.equal(rig.alive, 'd');
  await rig.clock.turn(1);
  assert.equal(rig.alive, 'a d');
  await rig.end('d', 0);
  assert.equal(rig.alive, 'a');
  await rig.clock.turn(4000);
  assert.equal(rig.alive, 'a b');
});

test('an attempt that nobody watches any more is unknown, which opens nothing', async () => {
  const rig = rigWith(['a', 'b < a']);
  const runId = rig.start('a | b');
  await settle();
  rig.runner.detachAll();
  const other = rigWith(['a', 'b < a']);
  other.runner.restore(rig.journal(runId), new Set());
  while (other.run()?.phase !== 'ended') await settle();
  assert.equal(other.outcomes(), 'a:unknown b:skipped/dependencyFailed');
});

test('the cap of a run is written down, and changes only when it does', async () => {
  const rig = rigWith(['a'], {}, 3);
  rig.start('a');
  rig.runner.setCap(3);
  rig.runner.setCap(2.9);
  assert.equal(rig.runner.cap, 2);
  assert.deepEqual(
    rig.events.flatMap((event) => (event.kind === 'capChanged' ? event.cap : [])),
    [3, 2],
  );
  await settle();
  await rig.end('a', 0);
});
