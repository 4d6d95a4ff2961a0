import assert from 'node:assert/strict';
import test from 'node:test';
import { settle } from '../../../../support/hand-clock.ts';
import { SUBAGENT, WindowRig } from '../../../../support/window-rig.ts';

const THEM = 'cursor-there-9';

async function followed(timeLimitMs = 0) {
  const rig = new WindowRig();
  rig.follows = true;
  const window = rig.open();
  const attempt = await rig.work(window, 'a', SUBAGENT, { timeLimitMs });
  return { rig, window, attempt, id: rig.task('a').id };
}

test('nothing is claimed by us; whoever claims it is told of, and their Review is the success', async () => {
  const { rig, window, attempt } = await followed();
  assert.deepEqual([rig.rows, attempt.told, window.keeper.held], ['a Todo -', [], []]);
  await rig.claimFor('a', THEM);
  assert.deepEqual(attempt.told, [`claimed ${THEM}`, 'started']);
  await rig.change('a', { status: 'Review', lock: undefined });
  const end = await attempt.ended;
  assert.ok(end.kind === 'succeeded' && end.status === 'Review');
  assert.equal(end.evidence?.summary, 'What was reported');
});

test('a claim and its end between two looks are a success too', async () => {
  const { rig, attempt } = await followed();
  await rig.change('a', { status: 'Done' });
  assert.equal((await attempt.ended).kind, 'succeeded');
});

const ends: readonly [string, (setup: Awaited<ReturnType<typeof followed>>) => unknown, string][] =
  [
    [
      'given back',
      ({ rig }) => rig.change('a', { status: 'Todo', lock: undefined }),
      'failed its holder released the task',
    ],
    [
      'blocked',
      ({ rig }) => rig.change('a', { status: 'Blocked', lock: undefined }),
      'failed the task was set to Blocked',
    ],
    [
      'deleted',
      ({ rig, id }) => (rig.tasks.delete(id), rig.change.call(rig, 'b', {})),
      'failed the task is not in the backlog any more',
    ],
    ['at work for too long', ({ rig }) => rig.clock.turn(60_000), 'failed timeLimit'],
    ['no longer wanted', ({ attempt }) => attempt.stop.abort(), 'stopped'],
  ];

for (const [name, act, expected] of ends) {
  test(`a followed task that is ${name} ends so`, async () => {
    const setup = await followed(60_000);
    setup.rig.put({ ...setup.rig.task('a'), id: 'b' as typeof setup.id });
    await setup.rig.claimFor('a', THEM);
    await act(setup);
    const end = await setup.attempt.ended;
    const why =
      end.kind === 'failed'
        ? ` ${end.cause.kind === 'said' ? end.cause.detail : end.cause.kind}`
        : '';
    assert.equal(`${end.kind}${why}`, expected);
    assert.deepEqual(setup.rig.bugs, []);
  });
}

test('a stop leaves the task to whoever has it', async () => {
  const { rig, attempt } = await followed();
  await rig.claimFor('a', THEM);
  attempt.stop.abort();
  await attempt.ended;
  assert.equal(rig.rows, `a In Progress ${THEM}`);
});

test('a lease that ends without a word is no end, and another holder goes on with it', async () => {
  const { rig, attempt } = await followed();
  await rig.claimFor('a', THEM);
  await rig.clock.turn(60 * 60_000);
  assert.equal(attempt.end, undefined);
  await rig.claimFor('a', 'cursor-there-10');
  await rig.change('a', { status: 'Review', lock: undefined });
  assert.equal((await attempt.ended).kind, 'succeeded');
  assert.deepEqual(attempt.told, [`claimed ${THEM}`, 'started']);
});

test('a status that a program puts back under a lock is no end', async () => {
  const { rig, attempt } = await followed();
  await rig.claimFor('a', THEM);
  await rig.change('a', { status: 'Todo' });
  assert.equal(attempt.end, undefined);
});

test('each change of the task is a sign of life', async () => {
  const { rig, window, id } = await followed();
  const began = window.worker.lastActivityAt(id)!;
  await rig.clock.turn(5_000);
  assert.equal(window.worker.lastActivityAt(id), began);
  await rig.claimFor('a', THEM);
  assert.equal(window.worker.lastActivityAt(id), began + 5_000);
});

test('a person finishes what the agent forgot: its lock is taken away, and the attempt has succeeded', async () => {
  for (const claimed of [true, false]) {
    const { rig, window, attempt, id } = await followed();
    if (claimed) await rig.claimFor('a', THEM);
    assert.ok(window.worker.awaitsManualCompletion(id));
    assert.ok((await window.worker.complete(id)).ok);
    await settle();
    assert.equal(attempt.end?.kind, 'succeeded');
    assert.equal(rig.rows, 'a Review -');
    assert.deepEqual([window.worker.awaitsManualCompletion(id), rig.bugs], [false, []]);
  }
});

test('work that its command does not pass goes back to Todo', async () => {
  const { rig, window } = await followed();
  rig.put({ ...rig.task('a'), id: 'b' as never });
  rig.verify = async () => ({
    command: 'npm test',
    passed: false,
    exitCode: 1,
    durationMs: 1,
    tail: '',
  });
  const attempt = await rig.work(window, 'b', SUBAGENT);
  await rig.claimFor('b', THEM);
  await rig.change('b', { status: 'Review', lock: undefined });
  const end = await attempt.ended;
  assert.ok(end.kind === 'failed' && end.cause.kind === 'verify');
  assert.equal(rig.task('b').status, 'Todo');
});

test('after a reload it is followed on', async () => {
  const { rig, window, attempt } = await followed();
  await rig.claimFor('a', THEM);
  window.close();
  const next = rig.open('vscode-here-2');
  const again = await rig.attach(next, 'a', SUBAGENT, THEM);
  assert.equal(again.end, undefined);
  await rig.change('a', { status: 'Todo', lock: undefined });
  assert.equal((await again.ended).kind, 'failed', 'it was claimed before, so it was given back');
  assert.equal(attempt.end, undefined);
  assert.deepEqual(rig.gaveBack, []);
});
