import assert from 'node:assert/strict';
import test from 'node:test';
import type { Failure } from '../../../../../src/core/failure.ts';
import type {
  SubagentAnswer,
  SubagentHost,
  SubagentRequest,
} from '../../../../../src/core/run/attempt/subagent-host-registry.ts';
import { settle } from '../../../../support/hand-clock.ts';
import { SUBAGENT, WindowRig } from '../../../../support/window-rig.ts';

/** Subagents that answer when a test says so. */
class Host implements SubagentHost {
  readonly asked: (SubagentRequest & {
    readonly answer: (answer: SubagentAnswer) => void;
    readonly refuse: (error: unknown) => void;
  })[] = [];
  refusal: Failure | undefined;

  available(): Failure | undefined {
    return this.refusal;
  }

  run(request: SubagentRequest): Promise<SubagentAnswer> {
    return new Promise((answer, refuse) => this.asked.push({ ...request, answer, refuse }));
  }
}

async function atWork(timeLimitMs = 0) {
  const rig = new WindowRig();
  const window = rig.open();
  const host = new Host();
  const opened = window.subagentHosts.open(host);
  const attempt = await rig.work(window, 'a', SUBAGENT, { timeLimitMs });
  return { rig, window, host, opened, attempt, request: host.asked[0]! };
}

test('a subagent gets the prompt under a lock of this window, and its answer is the evidence', async () => {
  const { rig, window, attempt, request } = await atWork();
  assert.equal(rig.rows, 'a In Progress vscode-here-1');
  assert.deepEqual(
    [window.keeper.held, window.keeper.heldByHand],
    [['a'], []],
    'its lock ends with the window',
  );
  assert.deepEqual([request.prompt, request.description], ['Do a', 'Title of a']);
  request.answer({ text: 'Changed src/a.ts.\u001b[31m\u0007 All tests pass.\r\n' });
  const end = await attempt.ended;
  assert.ok(end.kind === 'succeeded');
  assert.equal(end.evidence?.summary, 'Changed src/a.ts.[31m All tests pass.');
  assert.deepEqual(end.evidence.files, ['src/a.ts']);
  assert.equal(rig.rows, 'a Review -');
  assert.match(rig.comments[0]!, /All tests pass/);
});

const endings: readonly [string, (setup: Awaited<ReturnType<typeof atWork>>) => unknown, string][] =
  [
    [
      'answers nothing',
      ({ request }) => request.answer({ text: ' \n' }),
      'failed: the subagent answered nothing',
    ],
    [
      'is refused',
      ({ request }) => request.refuse(new Error('not allowed')),
      'failed: not allowed',
    ],
    [
      'is refused without a word',
      ({ request }) => request.refuse(''),
      'failed: the subagent was refused',
    ],
    [
      'meets a rate limit',
      ({ request }) =>
        request.answer({ text: '', rateLimit: { retryAfterMs: 5, detail: 'slow down' } }),
      'rateLimited',
    ],
    ['is stopped', ({ attempt }) => attempt.stop.abort(), 'stopped'],
    ['loses its chat request', ({ opened }) => opened.dispose(), 'stopped'],
  ];

for (const [name, act, expected] of endings) {
  test(`a subagent that ${name} ends so, its task is given back, and it is told to end`, async () => {
    const setup = await atWork();
    await act(setup);
    const end = await setup.attempt.ended;
    const said = end.kind === 'failed' && end.cause.kind === 'said' ? `: ${end.cause.detail}` : '';
    assert.equal(`${end.kind}${said}`, expected);
    assert.equal(setup.rig.rows, 'a Todo -');
    assert.equal(setup.request.signal.aborted, expected === 'stopped');
    assert.deepEqual([setup.window.keeper.held, setup.rig.bugs], [[], []]);
  });
}

test('one that never answers is ended at its time limit, whether or not it listens', async () => {
  const { rig, attempt, request } = await atWork(60_000);
  await rig.clock.turn(60_000);
  const end = await attempt.ended;
  assert.ok(end.kind === 'failed');
  assert.deepEqual(end.cause, { kind: 'timeLimit', limitMs: 60_000 });
  assert.ok(request.signal.aborted);
  assert.equal(rig.rows, 'a Todo -');
  request.refuse(new Error('too late'));
  await settle();
  assert.deepEqual(rig.bugs, []);
});

test('without a subagent host nothing is claimed, and it is said why', async () => {
  const rig = new WindowRig();
  const window = rig.open();
  assert.deepEqual((await rig.work(window, 'a', SUBAGENT)).end, {
    kind: 'refused',
    failure: { kind: 'noSubagents' },
  });
  const host = new Host();
  host.refusal = { kind: 'agentNotStarted', command: 'subagent', detail: 'no model' };
  window.subagentHosts.open(host);
  assert.deepEqual((await rig.work(window, 'a', SUBAGENT)).end, {
    kind: 'refused',
    failure: host.refusal,
  });
  assert.equal(rig.rows, 'a Todo -');
});

test('a subagent host that goes ends what was started through it and nothing else', async () => {
  const rig = new WindowRig(['a', 'b']);
  const window = rig.open();
  const [first, second] = [new Host(), new Host()];
  const opened = window.subagentHosts.open(first);
  const a = await rig.work(window, 'a', SUBAGENT);
  window.subagentHosts.open(second);
  const b = await rig.work(window, 'b', SUBAGENT);
  assert.deepEqual([first.asked.length, second.asked.length], [1, 1], 'the latest host is used');
  opened.dispose();
  assert.equal((await a.ended).kind, 'stopped');
  assert.equal(b.end, undefined);
  second.asked[0]!.answer({ text: 'done' });
  assert.equal((await b.ended).kind, 'succeeded');
  assert.equal(rig.rows, 'a Todo -, b Review -');
});

test('signs of work are noted, and forgotten with the attempt', async () => {
  const { rig, window, attempt, request } = await atWork();
  const { id } = rig.task('a');
  const began = window.worker.lastActivityAt(id);
  await rig.clock.turn(5_000);
  request.onActivity();
  assert.equal(window.worker.lastActivityAt(id), began! + 5_000);
  request.answer({ text: 'done' });
  await attempt.ended;
  assert.equal(window.worker.lastActivityAt(id), undefined);
});

test('a lock that is lost cancels the subagent', async () => {
  const { rig, attempt, request } = await atWork();
  rig.clock.jump(40 * 60_000);
  await rig.claimFor('a', 'claude-there-9');
  assert.deepEqual(await attempt.ended, { kind: 'lockLost', holder: 'claude-there-9' });
  assert.ok(request.signal.aborted);
});

test('a window that goes away takes its subagents with it; the next one gives back what is left and says so', async () => {
  const { rig, window, attempt, request } = await atWork();
  window.close();
  await settle();
  assert.ok(request.signal.aborted);
  assert.equal(attempt.end, undefined);
  const again = await rig.attach(rig.open('vscode-here-2'), 'a', SUBAGENT, 'vscode-here-1');
  assert.equal(again.end?.kind, 'unknown');
  assert.deepEqual(rig.gaveBack, ['a vscode-here-1']);
  assert.equal(rig.rows, 'a Todo -');
});
