import assert from 'node:assert/strict';
import test from 'node:test';
import type { VerifyResult } from '../../../../../src/core/run/evidence.ts';
import { settle } from '../../../../support/hand-clock.ts';
import { HUMAN, WindowRig } from '../../../../support/window-rig.ts';

const verdict = (passed: boolean): VerifyResult => {
  return { command: 'npm test', passed, exitCode: passed ? 0 : 1, durationMs: 1, tail: '' };
};

/** A window in which a person has the task `a` in hand. */
async function atWork(options: { readonly statusOnSuccess?: 'Review' | 'Done' } = {}) {
  const rig = new WindowRig();
  const window = rig.open();
  const attempt = await rig.work(window, 'a', HUMAN, options);
  return { rig, window, attempt };
}

test('a person’s task is claimed for them by hand, opened, and waits', async () => {
  const { rig, window, attempt } = await atWork();
  assert.equal(rig.rows, 'a In Progress vscode-here-1');
  assert.deepEqual(window.keeper.heldByHand, ['a'], 'so that it outlives a reload');
  assert.deepEqual(rig.opened, ['a']);
  assert.deepEqual(attempt.told, ['claimed vscode-here-1', 'started']);
  await rig.clock.turn(24 * 60 * 60_000);
  assert.equal(attempt.end, undefined, 'however long it takes, whatever the limits say');
  assert.equal(rig.rows, 'a In Progress vscode-here-1', 'under a lease that is kept');
});

const ways: readonly [
  name: string,
  act: (setup: Awaited<ReturnType<typeof atWork>>) => unknown,
  end: string,
][] = [
  [
    'says that it is finished',
    ({ window, rig }) => window.worker.complete(rig.task('a').id),
    'succeeded Review',
  ],
  [
    'calls it Done',
    ({ window, rig }) => window.worker.complete(rig.task('a').id, 'Done'),
    'succeeded Done',
  ],
  [
    'moves it to Review elsewhere',
    ({ rig }) => rig.change('a', { status: 'Review' }),
    'succeeded Review',
  ],
  [
    'finishes it elsewhere, its lock with it',
    ({ rig }) => rig.change('a', { status: 'Done', lock: undefined }),
    'succeeded Done',
  ],
  [
    'calls it off elsewhere',
    ({ rig }) => rig.change('a', { status: 'Cancelled' }),
    'failed Cancelled',
  ],
  ['stops it', ({ attempt }) => attempt.stop.abort(), 'stopped Todo'],
];

for (const [name, act, expected] of ways) {
  test(`an attempt ends when the person ${name}, and nothing stays locked`, async () => {
    const setup = await atWork();
    await act(setup);
    await setup.attempt.ended;
    const { rig, attempt, window } = setup;
    assert.equal(`${attempt.end?.kind} ${rig.task('a').status}`, expected);
    assert.equal(rig.task('a').lock, undefined);
    assert.deepEqual(
      [window.keeper.held, window.worker.awaitsManualCompletion(rig.task('a').id), rig.bugs],
      [[], false, []],
    );
  });
}

test('what verifies the task counts for a person too, whatever they say', async () => {
  for (const [passed, says, expected] of [
    [true, undefined, 'succeeded Review'],
    [true, 'Done', 'succeeded Done'],
    [false, 'Done', 'failed Todo'],
  ] as const) {
    const rig = new WindowRig();
    rig.verify = async () => verdict(passed);
    const window = rig.open();
    const attempt = await rig.work(window, 'a', HUMAN);
    assert.ok((await window.worker.complete(rig.task('a').id, says)).ok);
    await attempt.ended;
    assert.equal(`${attempt.end?.kind} ${rig.task('a').status}`, expected);
    assert.match(rig.comments.join(), passed ? /Succeeded/ : /did not pass/);
  }
});

test('a task that was moved to Review elsewhere goes back where its command does not pass', async () => {
  for (const lock of ['kept', 'gone'] as const) {
    const rig = new WindowRig();
    rig.verify = async () => verdict(false);
    const attempt = await rig.work(rig.open(), 'a', HUMAN);
    await rig.change('a', { status: 'Review', ...(lock === 'gone' && { lock: undefined }) });
    await attempt.ended;
    assert.equal(attempt.end?.kind, 'failed');
    assert.equal(rig.rows, 'a Todo -', lock);
  }
});

test('with evidence and the setting for it, finished means Done; without evidence it never does', async () => {
  const rig = new WindowRig(['a', 'b']);
  const window = rig.open();
  const without = await rig.work(window, 'a', HUMAN, { statusOnSuccess: 'Done' });
  await window.worker.complete(rig.task('a').id);
  await without.ended;
  rig.verify = async () => verdict(true);
  const withIt = await rig.work(window, 'b', HUMAN, { statusOnSuccess: 'Done' });
  await window.worker.complete(rig.task('b').id);
  await withIt.ended;
  assert.equal(rig.rows, 'a Review -, b Done -');
});

test('a stop in each phase gives the task back', async () => {
  const claiming = new WindowRig();
  const early = new AbortController();
  early.abort();
  const listener = { onClaimed: () => assert.fail(), onStarted: () => assert.fail() };
  assert.equal(
    (await claiming.open().worker.work(claiming.job('a', HUMAN), early.signal, listener)).kind,
    'stopped',
  );
  assert.equal(claiming.rows, 'a Todo -');

  const verifying = new WindowRig();
  verifying.verify = (signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(verdict(false))));
  const window = verifying.open();
  const attempt = await verifying.work(window, 'a', HUMAN);
  await window.worker.complete(verifying.task('a').id);
  await settle();
  assert.equal(attempt.end, undefined);
  attempt.stop.abort();
  assert.deepEqual(await attempt.ended, { kind: 'stopped' });
  assert.equal(verifying.rows, 'a Todo -');
});

test('a task that somebody else takes away is theirs', async () => {
  const { rig, attempt } = await atWork();
  rig.clock.jump(40 * 60_000); // asleep for longer than the lease
  await rig.claimFor('a', 'claude-there-9');
  await attempt.ended;
  assert.deepEqual(attempt.end, { kind: 'lockLost', holder: 'claude-there-9' });
  assert.equal(rig.rows, 'a In Progress claude-there-9');
});

test('a task that another program puts back to Todo is asserted again, and goes on', async () => {
  const { rig, window, attempt } = await atWork();
  await rig.change('a', { status: 'Todo' });
  assert.equal(rig.rows, 'a In Progress vscode-here-1');
  assert.equal(attempt.end, undefined);
  await window.worker.complete(rig.task('a').id);
  assert.equal((await attempt.ended).kind, 'succeeded');
});

test('after a reload the attempt goes on under the lock that was adopted, without a second question', async () => {
  const { rig, window, attempt } = await atWork();
  window.close();
  assert.equal(rig.rows, 'a In Progress vscode-here-1', 'it stays for the next window');
  const next = rig.open('vscode-here-2');
  const again = await rig.attach(next, 'a', HUMAN, 'vscode-here-1');
  await rig.clock.turn(3_000);
  assert.deepEqual(
    [again.end, again.told],
    [undefined, []],
    'it waits for whoever takes over the locks',
  );
  await rig.adopt(window, next);
  assert.equal(rig.rows, 'a In Progress vscode-here-2');
  assert.deepEqual([again.end, rig.opened], [undefined, ['a']], 'and opens nothing anew');
  assert.deepEqual(next.keeper.heldByHand, ['a'], 'for the reload after this one');
  assert.ok((await next.worker.complete(rig.task('a').id)).ok);
  assert.equal((await again.ended).kind, 'succeeded');
  assert.equal(rig.rows, 'a Review -');
  assert.equal(attempt.end, undefined, 'the window that is gone hears nothing');
  assert.deepEqual([rig.doubles, rig.bugs], [[], []]);
});

test('what became of the task while no window was there is what became of the attempt', async () => {
  const cases: readonly [string, (rig: WindowRig) => Promise<void>, string][] = [
    [
      'let go of',
      (rig) => rig.change('a', { status: 'Todo', lock: undefined }),
      'open In Progress vscode-here-2',
    ],
    [
      'finished',
      (rig) => rig.change('a', { status: 'Review', lock: undefined }),
      'succeeded Review -',
    ],
    [
      'put aside',
      (rig) => rig.change('a', { status: 'Blocked', lock: undefined }),
      'failed Blocked -',
    ],
    [
      'somebody else’s',
      (rig) => rig.claimFor('a', 'claude-there-9'),
      'lockLost In Progress claude-there-9',
    ],
  ];
  for (const [name, meanwhile, expected] of cases) {
    const { rig, window } = await atWork();
    window.close();
    rig.clock.jump(name === 'somebody else’s' ? 60 * 60_000 : 0);
    await meanwhile(rig);
    const again = await rig.attach(rig.open('vscode-here-2'), 'a', HUMAN, 'vscode-here-1');
    await rig.clock.turn(60_000);
    const { status, lock } = rig.task('a');
    assert.equal(`${again.end?.kind ?? 'open'} ${status} ${lock?.holder ?? '-'}`, expected, name);
    assert.deepEqual(rig.doubles, []);
  }
});

test('a stop while it waits for its old lock ends it at once', async () => {
  const { rig, window } = await atWork();
  window.close();
  const again = await rig.attach(rig.open('vscode-here-2'), 'a', HUMAN, 'vscode-here-1');
  again.stop.abort();
  await again.ended;
  assert.equal(again.end?.kind, 'stopped');
});
