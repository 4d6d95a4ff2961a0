import assert from 'node:assert/strict';
import test from 'node:test';
import type { Failure } from '../../../../../src/core/failure.ts';
import { applyRunEvent } from '../../../../../src/core/run/journal/run-state.ts';
import { taskId, type TaskId } from '../../../../../src/core/task.ts';
import { settle } from '../../../../support/hand-clock.ts';
import { assertWellFormed, autopilot, LEASE_MS, RunRig } from '../../../../support/run-rig.ts';

async function runToEnd(rig: RunRig, waves: string): Promise<string> {
  const started = rig.runner.start(rig.request(waves));
  assert(started.ok);
  await started.value.ended;
  assertWellFormed(rig.events);
  assert.deepEqual(rig.bugs, []);
  return rig.outcomes(started.value.runId);
}

const stories: readonly [
  name: string,
  backlog: string[],
  waves: string,
  codes: Record<string, number>,
  end: string,
][] = [
  ['a wave of two ends well', ['a', 'b'], 'a b', {}, 'a:succeeded b:succeeded'],
  [
    'Review in this run opens the next wave',
    ['a', 'b < a'],
    'a | b',
    {},
    'a:succeeded b:succeeded',
  ],
  [
    'a failure holds back what depends on it and nothing else',
    ['a', 'b', 'c < a', 'd < b', 'e < c'],
    'a b | c d | e',
    { a: 3 },
    'a:failed b:succeeded c:skipped/dependencyFailed d:succeeded e:skipped/dependencyFailed',
  ],
  ['a task that is gone is skipped', ['a'], 'a x', {}, 'a:succeeded x:skipped/gone'],
  [
    'a task that is done already is skipped',
    ['+a', 'b < a'],
    'a | b',
    {},
    'a:skipped/notReady b:succeeded',
  ],
  ['Review from before this run opens nothing', ['?a', 'b < a'], 'b', {}, 'b:skipped/notReady'],
  ['a task twice in the request runs once', ['a'], 'a a | a', {}, 'a:succeeded'],
];

for (const [name, backlog, waves, codes, expected] of stories) {
  test(name, async () => {
    const rig = new RunRig(backlog);
    autopilot(rig, codes);
    assert.equal(await runToEnd(rig, waves), expected);
  });
}

for (const [reviewGate, expected] of [
  ['inRun', 'a:succeeded b:succeeded c:skipped/notReady'],
  ['always', 'a:succeeded b:succeeded c:succeeded'],
  ['never', 'a:succeeded b:skipped/notReady c:skipped/notReady'],
] as const) {
  test(`the gate ${reviewGate} decides which dependencies in Review are satisfied`, async () => {
    const rig = new RunRig(['a', '?r', 'b < a', 'c < r']);
    rig.options = { ...rig.options, reviewGate };
    autopilot(rig);
    assert.equal(await runToEnd(rig, 'a | b c'), expected);
  });
}

test('success goes to Done where the policy says so', async () => {
  const rig = new RunRig(['a', 'b < a']);
  rig.options = { ...rig.options, statusOnSuccess: 'Done', reviewGate: 'never' };
  autopilot(rig);
  assert.equal(await runToEnd(rig, 'a | b'), 'a:succeeded b:succeeded');
  assert.equal(rig.task('b').status, 'Done');
});

test('a task is In Progress and ours while its agent works, and free in Review afterwards', async () => {
  const rig = new RunRig(['a']);
  rig.start('a');
  await settle();
  assert.equal(rig.task('a').status, 'In Progress');
  assert.equal(rig.task('a').lock?.holder, 'claude-host-1');
  assert(rig.runner.isHolder('claude-host-1'));
  assert.equal(rig.runner.runOf(taskId('a')), 'r1');
  await rig.end('a', 0);
  assert.equal(rig.task('a').status, 'Review');
  assert.equal(rig.task('a').lock, undefined);
  assert.equal(rig.runner.runOf(taskId('a')), undefined);
  assert(!rig.runner.isHolder('claude-host-1'));
});

test('an agent gets its task and the dependencies as they are when it starts', async () => {
  const rig = new RunRig(['a', 'b < a']);
  rig.start('a | b');
  await settle();
  await rig.end('a', 0);
  const job = rig.agents.get('b')?.job;
  assert.equal(job?.task.id, 'b');
  assert.deepEqual(
    job.dependencies.map((task) => [task.id, task.status]),
    [['a', 'Review']],
  );
  await rig.end('b', 0);
});

test('no more agents than the cap, and a slot is refilled at once', async () => {
  const rig = new RunRig(['a', 'b', 'c', 'd'], 2);
  rig.start('a b c d');
  await settle();
  assert.equal(rig.alive, 'a b');
  await rig.end('a', 0);
  assert.equal(rig.alive, 'b c');
});

test('a cap that changes counts at once for what waits and leaves agents at work alone', async () => {
  const rig = new RunRig(['a', 'b', 'c', 'd', 'e'], 1);
  rig.start('a b c d e');
  await settle();
  assert.equal(rig.alive, 'a');
  rig.runner.setCap(3);
  await settle();
  assert.equal(rig.alive, 'a b c');
  rig.runner.setCap(1);
  await settle();
  assert.equal(rig.alive, 'a b c');
  await rig.end('a', 0);
  await rig.end('b', 0);
  assert.equal(rig.alive, 'c');
  await rig.end('c', 0);
  assert.equal(rig.alive, 'd');
});

test('two runs share one cap, and never work on the same task', async () => {
  const rig = new RunRig(['a', 'b', 'c'], 2);
  rig.start('a b');
  await settle();
  rig.start('a c');
  await settle();
  assert.equal(rig.alive, 'a b');
  await rig.end('b', 0);
  assert.equal(
    rig.outcome('a', 'r2'),
    undefined,
    'the second run leaves out what the first one has',
  );
  assert.equal(rig.alive, 'a c');
  await rig.end('a', 0);
  await rig.end('c', 0);
  assertWellFormed(rig.events);
});

test('a run of nothing but tasks at work is refused, and so is an empty one', async () => {
  const rig = new RunRig(['a']);
  rig.start('a');
  await settle();
  const again = rig.runner.start(rig.request('a'));
  assert.deepEqual(again, { ok: false, failure: { kind: 'alreadyRunning' } });
  const empty = rig.runner.start(rig.request('|'));
  assert.deepEqual(empty, { ok: false, failure: { kind: 'nothingToRun' } });
});

test('a second press of Run does not run again what fails in the first', async () => {
  const rig = new RunRig(['a', 'b', 'c'], 1);
  rig.start('a b c');
  await settle();
  const again = rig.runner.start(rig.request('a b c'));
  assert.deepEqual(again, { ok: false, failure: { kind: 'alreadyRunning' } });
  for (const id of ['a', 'b', 'c']) await rig.end(id, 1);
  assert.equal(rig.events.filter((event) => event.kind === 'taskStarted').length, 3);
});

test('a task that somebody holds is skipped with the holder, and the rest goes on', async () => {
  const rig = new RunRig(['a', 'b']);
  rig.change('a', { lock: { holder: 'other', since: undefined, until: rig.clock.now() + 1 } });
  autopilot(rig);
  assert.equal(await runToEnd(rig, 'a b'), 'a:skipped/notReady b:succeeded');
  const outcome = rig.outcome('a');
  assert(outcome?.kind === 'skipped' && outcome.reason.kind === 'notReady');
  assert.equal(outcome.reason.reasons[0]?.kind, 'held');
  assert.equal(rig.task('a').lock?.holder, 'other');
});

test('a task that somebody takes between the look and the claim is skipped with what the claim says', async () => {
  const rig = new RunRig(['a']);
  rig.isManual = (label) => label === 'claim a';
  rig.start('a');
  await settle();
  const until = rig.clock.now() + LEASE_MS;
  rig.change('a', { status: 'In Progress', lock: { holder: 'other', since: undefined, until } });
  await rig.let('claim a');
  const failure: Failure = { kind: 'held', id: taskId('a'), holder: 'other', until };
  assert.deepEqual(rig.outcome('a'), { kind: 'skipped', reason: { kind: 'claimFailed', failure } });
  assertWellFormed(rig.events);
});

test('a backlog that cannot be read starts nothing and says why in the end', async () => {
  const rig = new RunRig(['a']);
  const failure = {
    kind: 'unreadable',
    file: '/backlog/.todo2/todo2.db',
    cause: 'truncated',
    detail: '',
  } as const;
  rig.state = { kind: 'unreadable', failure, last: rig.snapshot() };
  rig.start('a');
  await settle();
  await rig.clock.turn(5 * 60_000);
  assert.equal(rig.outcomes(), 'a:skipped/claimFailed');
  assert.deepEqual(new Set(rig.steps), new Set(['refresh']));
});

for (const [name, end, exitCode, signal] of [
  ['an exit code', 3, 3, undefined],
  ['a signal', { signal: 'SIGKILL' }, undefined, 'SIGKILL'],
  ['an unknown end', { signal: undefined }, undefined, undefined],
] as const) {
  test(`${name} is a failure, and the task is back at Todo`, async () => {
    const rig = new RunRig(['a']);
    rig.start('a');
    await settle();
    await rig.end('a', end);
    const failed = {
      kind: 'failed',
      cause: { kind: 'exit' },
      exitCode,
      signal,
      evidence: undefined,
    };
    assert.deepEqual(rig.outcome('a'), failed);
    assert.equal(rig.task('a').status, 'Todo');
    assert.equal(rig.task('a').lock, undefined);
  });
}

test('an agent that cannot be started gives its task back', async () => {
  const rig = new RunRig(['a', 'b < a']);
  const failure: Failure = { kind: 'noAgent', tried: ['claude'] };
  rig.failures.set('agent a', failure);
  assert.equal(await runToEnd(rig, 'a | b'), 'a:notStarted b:skipped/dependencyFailed');
  assert.deepEqual(rig.outcome('a'), { kind: 'notStarted', failure });
  assert.equal(rig.task('a').status, 'Todo');
});

test('an agent that sets its task to Done and then fails opens nothing', async () => {
  const rig = new RunRig(['a', 'b < a']);
  rig.start('a | b');
  await settle();
  rig.change('a', { status: 'Done', rawStatus: 'Done' });
  await rig.end('a', 1);
  assert.equal(rig.outcomes(), 'a:failed b:skipped/dependencyFailed');
  assert.equal(rig.task('a').status, 'Done');
});

test('a status that somebody set while the agent worked stays, and the outcome says it', async () => {
  const rig = new RunRig(['a', 'b < a']);
  rig.start('a | b');
  await settle();
  rig.change('a', { status: 'Blocked', rawStatus: 'Blocked' });
  await rig.end('a', 0);
  assert.deepEqual(rig.outcome('a'), { kind: 'succeeded', status: 'Blocked', evidence: undefined });
  assert.equal(rig.outcomes(), 'a:succeeded b:skipped/notReady');
});

test('stopping one task ends its agent, gives it back and leaves the others alone', async () => {
  const rig = new RunRig(['a', 'b', 'c < a']);
  rig.start('a b | c');
  await settle();
  await rig.steer({ ask: 'stopTask', id: taskId('a') });
  assert.equal(rig.alive, 'b');
  assert.equal(rig.task('a').status, 'Todo');
  await rig.end('b', 0);
  assert.equal(rig.outcomes(), 'a:stopped b:succeeded c:skipped/dependencyFailed');
  assertWellFormed(rig.events);
});

test('stopping a task that waits for a slot or a wave ends it at once', async () => {
  const rig = new RunRig(['a', 'b', 'c'], 1);
  rig.start('a b | c');
  await settle();
  await rig.steer({ ask: 'stopTask', id: taskId('b') });
  await rig.steer({ ask: 'stopTask', id: taskId('c') });
  assert.equal(rig.outcomes(), 'a:open b:skipped/stopped c:skipped/stopped');
  await rig.end('a', 0);
  assert(!rig.steps.includes('claim b'));
  assertWellFormed(rig.events);
});

test('stopping a run waits until its agents are dead and everything is written down', async () => {
  const rig = new RunRig(['a', 'b', 'c', 'd < a'], 2);
  rig.isManual = (label) => label === 'dying a' || label === 'finish b Todo';
  rig.start('a b c | d');
  await settle();
  let stopped = false;
  const stop = rig.runner.stopAll().then(() => (stopped = true));
  await settle();
  assert.equal(rig.outcomes(), 'a:open b:open c:skipped/stopped d:skipped/stopped');
  assert.equal(rig.runner.runs[0]?.phase, 'stopping');
  await rig.let('dying a');
  assert.equal(stopped, false);
  await rig.let('finish b Todo');
  await stop;
  assert.equal(rig.outcomes(), 'a:stopped b:stopped c:skipped/stopped d:skipped/stopped');
  assert.equal(rig.runner.runs[0].phase, 'ended');
  assert.equal(rig.task('a').lock, undefined);
  assertWellFormed(rig.events);
});

test('a claim that arrives after the stop is given back at once', async () => {
  const rig = new RunRig(['a']);
  rig.isManual = (label) => label === 'claim a';
  rig.start('a');
  await settle();
  const stop = rig.runner.stopAll();
  await rig.let('claim a');
  await stop;
  assert.equal(rig.outcomes(), 'a:skipped/stopped');
  assert.deepEqual(rig.steps, ['refresh', 'flush', 'claim a', 'finish a Todo']);
  assert.equal(rig.task('a').lock, undefined);
  assert.equal(rig.task('a').status, 'Todo');
});

test('a stop while the backlog is looked at claims nothing', async () => {
  const rig = new RunRig(['a']);
  rig.isManual = (label) => label === 'refresh';
  rig.start('a');
  await settle();
  const stop = rig.steer({ ask: 'stopTask', id: taskId('a') });
  await rig.let('refresh');
  await stop;
  assert.deepEqual(rig.steps, ['refresh']);
});

test('a stop while an attempt is being written down asks no worker', async () => {
  const rig = new RunRig(['a']);
  rig.isManual = (label) => label === 'flush';
  rig.start('a');
  await settle();
  const stop = rig.steer({ ask: 'stopTask', id: taskId('a') });
  await rig.let('flush');
  await stop;
  assert.deepEqual(rig.steps, ['refresh', 'flush']);
  assert.equal(rig.outcomes(), 'a:skipped/stopped');
  assertWellFormed(rig.events);
});

test('an agent that sets its task to Done and is stopped then opens nothing either', async () => {
  const rig = new RunRig(['a', 'b < a']);
  rig.start('a | b');
  await settle();
  rig.change('a', { status: 'Done', rawStatus: 'Done' });
  await rig.steer({ ask: 'stopTask', id: taskId('a') });
  await settle();
  assert.equal(rig.outcomes(), 'a:stopped b:skipped/dependencyFailed');
});

test('work that ends well in spite of a stop counts', async () => {
  const rig = new RunRig(['a']);
  rig.isManual = (label) => label === 'dying a';
  rig.start('a');
  await settle();
  const stop = rig.runner.stopAll();
  await rig.end('a', 0);
  await stop;
  assert.equal(rig.outcomes(), 'a:succeeded');
});

test('a task whose lock somebody else took is left as it is, and what depends on it is skipped', async () => {
  const rig = new RunRig(['a', 'b', 'c < a']);
  rig.start('a b | c');
  await settle();
  const lock = { holder: 'other', since: undefined, until: rig.clock.now() + 2 * LEASE_MS };
  rig.change('a', { lock });
  await rig.end('a', 0);
  assert.deepEqual(rig.outcome('a'), { kind: 'lockLost', holder: 'other' });
  assert.equal(rig.alive, 'b');
  assert.deepEqual(rig.task('a').lock, lock);
  await rig.end('b', 0);
  assert.equal(rig.outcomes(), 'a:lockLost b:succeeded c:skipped/dependencyFailed');
});

for (const [failure, expected] of [
  [{ kind: 'busy', file: '/backlog/.todo2/todo2.db', waitedMs: 5000 }, 'a:notRecorded'],
  [{ kind: 'noSuchTask', id: taskId('a') }, 'a:notRecorded'],
] as const) {
  test(`a result that cannot be written because of ${failure.kind} is told`, async () => {
    const rig = new RunRig(['a', 'b < a']);
    rig.failures.set('finish a Review', failure);
    autopilot(rig);
    assert.equal(await runToEnd(rig, 'a | b'), `${expected} b:skipped/dependencyFailed`);
    const outcome = rig.outcome('a');
    if (outcome?.kind === 'notRecorded')
      assert.deepEqual(outcome, { kind: 'notRecorded', exitCode: 0, failure });
  });
}

for (const step of ['claim a', 'agent a', 'finish a Review', 'flush']) {
  test(`a bug in ${step} ends that task and nothing else`, async () => {
    const rig = new RunRig(['a', 'b'], 1);
    const bug = new Error('Internal error: made for this test');
    if (step !== 'flush') rig.failures.set(step, bug);
    else rig.isManual = (label) => label === 'flush' && !rig.steps.includes('flush');
    autopilot(rig);
    rig.start('a b');
    await settle();
    if (step === 'flush') {
      rig.isManual = () => false;
      rig.pending.splice(0)[0]!.fail(bug);
    }
    while (rig.run()?.phase !== 'ended') await settle();
    assert.equal(rig.outcomes(), 'a:notRecorded b:succeeded');
    const outcome = rig.outcome('a');
    assert(outcome?.kind === 'notRecorded' && outcome.failure.kind === 'internal');
    assert.match(outcome.failure.detail, /made for this test/);
    assert.equal(rig.bugs.length, 1);
    assertWellFormed(rig.events);
  });
}

test('a listener that throws is reported and holds nothing up', async () => {
  const rig = new RunRig(['a']);
  rig.runner.onEvent(() => {
    throw new Error('A view broke');
  });
  autopilot(rig);
  rig.start('a');
  while (rig.runner.runs[0]?.phase !== 'ended') await settle();
  assert.equal(rig.outcomes(), 'a:succeeded');
  assert.equal(rig.bugs.length, rig.events.length);
});

test('events that a listener causes come after the one it was told of', async () => {
  const rig = new RunRig(['a', 'b']);
  const heard: string[] = [];
  rig.runner.onEvent((event) => {
    if (event.kind === 'taskEnded' && event.outcome.kind === 'failed')
      void rig.runner.steer(event.runId, { ask: 'stopRun' });
  });
  rig.runner.onEvent((event) => void heard.push(event.kind));
  rig.start('a b');
  await settle();
  await rig.end('a', 1);
  assert.equal(rig.outcomes(), 'a:failed b:stopped');
  assert.deepEqual(heard.slice(-5), [
    'taskEnded',
    'runStopping',
    'taskEnded',
    'waveEnded',
    'runEnded',
  ]);
  assertWellFormed(rig.events);
});

test('a run that ended stays readable until it is cleared, one that goes on cannot be', async () => {
  const rig = new RunRig(['a', 'b']);
  const runId = rig.start('a');
  await settle();
  rig.runner.clear(runId);
  assert.equal(rig.runner.runs.length, 1);
  await rig.end('a', 0);
  assert.equal(rig.runner.runs[0]?.phase, 'ended');
  rig.runner.clear(runId);
  assert.deepEqual(rig.runner.runs, []);
});

test('what is decided about the work of a task that has ended is told; after its run, the run is renewed', async () => {
  const rig = new RunRig(['a', 'b']);
  const runId = rig.start('a b');
  await settle();
  await rig.end('a', 0);
  const decision = { kind: 'discarded', ref: 'refs/waves/discarded/a' } as const;
  const [a, b] = [taskId('a'), taskId('b')];
  const decisionOf = (id: TaskId) => rig.runner.runs[0]?.tasks.get(id)?.decision;
  await rig.runner.steer(runId, { ask: 'noteDecision', ids: [a, b], decision });
  assert.equal(decisionOf(a), undefined, 'one of them is at work');
  await rig.runner.steer(runId, { ask: 'noteDecision', ids: [a], decision });
  assert.deepEqual(decisionOf(a), decision);
  assert.equal(rig.events.at(-1)?.kind, 'workDecided');
  const early = rig.journal(runId);

  await rig.end('b', 0);
  await rig.runner.steer(runId, { ask: 'noteDecision', ids: [b], decision });
  assert.equal(rig.events.at(-1)?.kind, 'runEnded', 'its journal is written otherwise by now');
  const event = { kind: 'workDecided', runId, ids: [b], decision, at: 9 } as const;
  rig.runner.renew(applyRunEvent(rig.journal(runId), event));
  assert.deepEqual(decisionOf(b), decision);
  assert.ok(!('decision' in (early.tasks.get(b) ?? {})));
});

test('ten thousand queued tasks are stopped in one go', async () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `T-${i}`);
  const rig = new RunRig(ids, 1);
  rig.start(ids.join(' '));
  await settle();
  let changes = 0;
  rig.runner.onDidChange(() => changes++);
  await rig.runner.stopAll();
  assert.equal(rig.runner.runs[0]?.phase, 'ended');
  assert(changes < 10, 'whoever looks at the whole run does so for all of them together');
  assert.equal(
    [...rig.runner.runs[0].tasks.values()].filter((task) => task.outcome === undefined).length,
    0,
  );
});

for (const [sameFiles, agentMode, atOnce] of [
  ['advise', 'unattended', 'a b'],
  ['wait', 'unattended', 'a'],
  ['advise', 'human', 'a'],
  [undefined, 'unattended', 'a'],
] as const)
  test(`in worktrees, ${String(sameFiles)} starts ${atOnce} of two ${agentMode} tasks with the same file`, () => {
    const rig = new RunRig(['a: x.ts', 'b: x.ts']);
    const isolation = { target: 'main', base: 'a'.repeat(40), start: 'commit' } as const;
    const request = rig.request('a b');
    const agents = new Map(
      [...request.agents].map(([id, agent]) => [id, { ...agent, agentMode }] as const),
    );
    const options = { ...request.options, isolation, sameFiles };
    const started = rig.runner.start({ ...request, agents, options });
    assert(started.ok);
    return settle().then(() => {
      const atWork = [...rig.runner.runs[0]!.tasks.values()].filter(
        ({ phase }) => phase !== 'queued',
      );
      assert.equal(atWork.map(({ id }) => id).join(' '), atOnce);
    });
  });
