import assert from 'node:assert/strict';
import test from 'node:test';
import { recoverRun } from '../../../../../src/core/run/journal/recovery.ts';
import type { RunOptions } from '../../../../../src/core/run/run-options.ts';
import { applyRunEvents } from '../../../../../src/core/run/journal/run-state.ts';
import type { WorkState } from '../../../../../src/core/run/journal/work-state.ts';
import { taskId } from '../../../../../src/core/task.ts';
import { settle } from '../../../../support/hand-clock.ts';
import { assertWellFormed, autopilot, RunRig } from '../../../../support/run-rig.ts';
import { failed } from '../../../../support/run-stories.ts';

/* What the world does to a run that nobody watches: stores that are away, clocks that are set, windows that come and go. */

function rigWith(backlog: readonly string[], options: Partial<RunOptions> = {}, cap = 4): RunRig {
  const rig = new RunRig(backlog, cap);
  rig.options = { ...rig.options, ...options };
  return rig;
}

function breakStore(rig: RunRig): void {
  const failure = {
    kind: 'unreadable',
    file: '/backlog/.todo2/todo2.db',
    cause: 'truncated',
    detail: '',
  } as const;
  rig.state = { kind: 'unreadable', failure, last: rig.snapshot() };
}

test('a backlog that cannot be read for a moment costs no task its turn', async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `t${i}`);
  const rig = rigWith(ids, {}, 8);
  autopilot(rig, {});
  breakStore(rig);
  rig.start(ids.join(' '));
  await settle();
  assert.equal(rig.alive, '', 'nothing is begun');
  assert.match(rig.waits(), /^t0:retry/);
  assert(rig.events.length < 20, 'and few words are made about it');
  await rig.clock.turn(4_000);
  rig.state = undefined;
  await rig.clock.turn(1_000);
  while (rig.run()?.phase !== 'ended') await settle();
  assert.deepEqual(
    new Set([...rig.run()!.tasks.values()].map(({ outcome }) => outcome?.kind)),
    new Set(['succeeded']),
  );
  assertWellFormed(rig.events);
});

test('a backlog that stays away stops the run by its breaker, and not task by task to its end', async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `t${i}`);
  const rig = rigWith(ids, { maxEqualFailures: 3 }, 8);
  breakStore(rig);
  rig.start(ids.join(' '));
  await settle();
  await rig.clock.turn(10 * 60_000);
  assert.equal(rig.run()?.phase, 'ended');
  assert.equal(rig.run()?.stop?.kind, 'breaker');
  const refused = [...rig.run()!.tasks.values()].filter(({ outcome }) => {
    return outcome?.kind === 'skipped' && outcome.reason.kind === 'claimFailed';
  });
  assert(refused.length <= 8, 'those that had their turn together');
  assertWellFormed(rig.events);
});

test('a stop while the backlog is away ends the run at once', async () => {
  const rig = rigWith(['a', 'b']);
  breakStore(rig);
  rig.start('a | b');
  await settle();
  await rig.runner.stopAll();
  assert.equal(rig.outcomes(), 'a:skipped/stopped b:skipped/stopped');
  assert.equal(rig.clock.waiting, 0);
});

test('a store that is busy is asked again, whatever the run does about failures', async () => {
  const rig = rigWith(['a', 'b < a'], { retries: 0 });
  rig.failures.set('claim a', { kind: 'busy', file: 'db', waitedMs: 10_000 });
  rig.start('a | b');
  await settle();
  await rig.clock.turn(30_000);
  rig.failures.clear();
  await rig.clock.turn(20_000);
  await rig.end('a', 1);
  assert.equal(
    rig.outcomes(),
    'a:failed b:skipped/dependencyFailed',
    'and that used up no retry, nor gave one',
  );
});

test('a store that stays busy is given up in the end', async () => {
  const rig = rigWith(['a'], { retries: 0 });
  rig.failures.set('claim a', { kind: 'busy', file: 'db', waitedMs: 10_000 });
  rig.start('a');
  await settle();
  await rig.clock.turn(10 * 60_000);
  assert.equal(rig.outcomes(), 'a:skipped/claimFailed');
  assert.equal(rig.run()?.tasks.get(taskId('a'))?.tryNo, 6);
});

test('what no task could get past stops the run after the same refusal several times', async () => {
  const ids = Array.from({ length: 50 }, (_, i) => `t${i}`);
  const rig = rigWith(ids, { maxEqualFailures: 3 }, 1);
  for (const id of ids) rig.failures.set(`claim ${id}`, { kind: 'noAgent', tried: ['claude'] });
  rig.start(ids.join(' '));
  while (rig.run()?.phase !== 'ended') await settle();
  assert.equal(rig.run()?.stop?.kind, 'breaker');
  assert.equal(rig.run()?.attemptCount, 3);
});

test('tasks that others hold stop nothing, however many', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd'], { maxEqualFailures: 2 }, 1);
  for (const id of ['a', 'b', 'c']) {
    rig.failures.set(`claim ${id}`, {
      kind: 'held',
      id: taskId(id),
      holder: 'other',
      until: Infinity,
    });
  }
  autopilot(rig, {});
  rig.start('a b c d');
  while (rig.run()?.phase !== 'ended') await settle();
  assert.match(rig.outcomes(), /d:succeeded$/);
});

test('a cool-down ends when its time has passed, also where somebody has set the clock back meanwhile', async () => {
  const rig = rigWith(['a'], {});
  rig.start('a');
  await settle();
  await rig.end('a', { kind: 'rateLimited', retryAfterMs: 60_000, detail: '' });
  rig.clock.jump(-3_600_000);
  await rig.clock.ringNext();
  assert.equal(rig.alive, 'a');
});

test('a run that another window took over tells nothing and begins nothing here any more, and holds nobody up', async () => {
  const rig = rigWith(['a', 'b', 'c: src/x.ts', 'd: src/x.ts', 'e'], {}, 2);
  const lost = rig.start('a c b');
  await settle();
  const kept = rig.start('d e');
  await settle();
  assert.equal(rig.alive, 'a c');
  const stopping = rig.steer({ ask: 'stopTask', id: taskId('nobody') });
  rig.runner.detach(lost);
  const told = (): number => rig.events.filter(({ runId }) => runId === lost).length;
  const before = told();
  await rig.end('a', 0);
  assert.equal(rig.alive, 'c e', 'its slot is for the others, not for what it has in its queue');
  await rig.end('c', 0);
  assert.equal(rig.alive, 'd e', 'and so are its files');
  assert.equal(told(), before);
  await rig.end('d', 0);
  await rig.end('e', 0);
  await stopping;
  assert.equal(rig.outcomes(kept), 'd:succeeded e:succeeded');
});

test('whoever waits for a run to stop waits no longer when another window takes it over', async () => {
  const rig = rigWith(['a']);
  rig.isManual = (label) => label === 'dying a';
  const runId = rig.start('a');
  await settle();
  const stopped = rig.runner.steer(runId, { ask: 'stopRun' });
  await settle();
  rig.runner.detach(runId);
  await stopped;
});

test('equal failures that nobody was there to see stop the run when it is taken over', async () => {
  const rig = rigWith(['a', 'b', 'c'], { maxEqualFailures: 2 }, 2);
  const runId = rig.start('a b c');
  await settle();
  rig.runner.detachAll();
  const before = rig.journal(runId);
  const ended = [...before.tasks.values()].flatMap(({ id, phase }) =>
    phase === 'running'
      ? [{ kind: 'taskEnded', runId, id, outcome: failed(), at: 5 } as const]
      : [],
  );
  const other = rigWith(['a', 'b', 'c'], { maxEqualFailures: 2 }, 2);
  other.runner.restore(applyRunEvents(before, ended), new Set());
  while (other.run(runId)?.phase !== 'ended') await settle();
  assert.equal(other.run(runId)?.stop?.kind, 'breaker');
  assert.equal(other.outcomes(runId), 'a:failed b:failed c:skipped/runStopped');
});

test('a failure that nobody was there to see ends what stops at the first, but nothing that is at work', async () => {
  const rig = rigWith(['a', 'b', 'c', 'd'], { onFailure: 'stopAtOnce' }, 3);
  const runId = rig.start('a b c d');
  await settle();
  const before = rig.journal(runId);
  rig.runner.detachAll();
  const other = rigWith(['a', 'b', 'c', 'd'], {}, 3);
  const at = { runId, at: 5 };
  const events = ['a', 'b', 'c'].map((id) => ({ kind: 'taskRequeued', id: taskId(id), outcome: failed(), notBefore: 0, ...at }) as const); // prettier-ignore
  const again = applyRunEvents(before, [
    ...events,
    { kind: 'taskWaits', id: taskId('c'), reason: { kind: 'retry', at: 9_000_000 }, ...at },
    { kind: 'taskStarting', id: taskId('a'), attemptNo: 10, tryNo: 2, ...at },
    { kind: 'taskStarting', id: taskId('b'), attemptNo: 11, tryNo: 2, ...at },
  ]);
  let end: () => void = () => undefined;
  other.attach = () => new Promise((resolve) => (end = () => resolve({ kind: 'stopped' })));
  // What nobody attaches to is unknown, which is a failure.
  other.runner.restore(again, new Set([taskId('b')]));
  await settle();
  assert.equal(other.outcomes(runId), 'a:unknown b:open c:skipped/runStopped d:skipped/runStopped');
  end();
  await settle();
  assert.equal(other.run(runId)?.phase, 'ended');
  await other.clock.turn(20 * 60_000);
  assert.deepEqual(other.bugs, []);
});

for (const [name, end, waits] of [
  ['failed', failed(), 'a:retry'],
  [
    'was refused by a rate limit',
    { kind: 'rateLimited', retryAfterMs: 30_000, detail: '' },
    'a:coolingDown',
  ],
] as const) {
  test(`what ${name} while no window was there waits as long as it would have`, async () => {
    const rig = rigWith(['a'], { retries: 1, retryAfterMs: 30_000 });
    const runId = rig.start('a');
    await settle();
    const run = rig.journal(runId);
    rig.runner.detachAll();
    const [task] = run.tasks.values();
    const state = {
      ...{
        runId,
        attemptNo: task!.attemptNo!,
        taskId: task!.id,
        phase: 'ended',
        pid: 1,
        begin: null,
        host: 'h',
      },
      ...{
        holder: 'claude-h-1',
        agentPid: 2,
        agentBegin: null,
        mark: '',
        label: '',
        output: '',
        startedAt: 1,
      },
      ...{ lastOutputAt: undefined, sessionId: undefined, end },
    } as const;
    const found = new Map([[task!.id, { state: state as WorkState, supervisorAlive: false }]]);
    const other = rigWith(['a'], {});
    const { events } = recoverRun(run, found, other.clock.now());
    other.runner.restore(applyRunEvents(run, events), new Set());
    await settle();
    assert.equal(other.waits(runId), waits);
    await other.clock.turn(29_999);
    assert.equal(other.alive, '');
    await other.clock.turn(1);
    assert.equal(other.alive, 'a');
  });
}

test('what an earlier window was refused is begun anew, and only what this one is refused ends the task', async () => {
  const failure = {
    kind: 'agentNotStarted',
    command: 'claude',
    detail: 'its window was gone',
  } as const;
  for (const [refusals, outcome] of [
    [1, 'a:succeeded'],
    [2, 'a:skipped/claimFailed'],
  ] as const) {
    const rig = rigWith(['a']);
    autopilot(rig);
    rig.isManual = (label) => label === 'claim a';
    const runId = rig.start('a');
    await settle();
    rig.reopen();
    await settle();
    for (let attempt = 1; attempt <= 2; attempt++) {
      if (attempt <= refusals) rig.failures.set('claim a', failure);
      else rig.failures.delete('claim a');
      await rig.let('claim a');
      await rig.clock.turn(1_000);
    }
    assert.equal(rig.outcomes(runId), outcome);
    assert.equal(rig.run(runId)?.tasks.get(taskId('a'))?.tryNo, 2);
    assert.deepEqual(rig.bugs, []);
  }
});

test('a failure in a wave stops the run after it, also where another window leads the run by then', async () => {
  for (const runMode of ['strict', 'flow'] as const) {
    const rig = rigWith(['a', 'b', 'c'], { onFailure: 'stopAfterWave', runMode }, 2);
    const runId = rig.start('a b | c');
    await settle();
    await rig.end('a', 1);
    // In flow the next one has begun by then only where there was a slot: it is none of what is
    // stopped.
    const isBegun = runMode === 'flow' && rig.agents.has('c');
    rig.reopen();
    await settle();
    await rig.end('b', 0);
    if (isBegun) await rig.end('c', 0);
    assert.equal(
      rig.outcomes(runId),
      `a:failed b:succeeded c:${isBegun ? 'succeeded' : 'skipped/runStopped'}`,
    );
    assert.equal(rig.run(runId)?.stop?.kind, isBegun ? undefined : 'failure');
    assert.deepEqual(rig.bugs, []);
  }
});
