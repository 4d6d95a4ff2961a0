import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import '../../../support/use-editor-stub.ts';
import type { ToBoard } from '../../../../src/core/board/board-messages.ts';
import type { Disposable } from '../../../../src/core/events.ts';
import type { RunState } from '../../../../src/core/run/run-events.ts';
import type { BacklogServices } from '../../../../src/ui/backlogs.ts';
import { tasks } from '../../../support/backlog.ts';
import { fakeBacklog, NOW } from '../../../support/fake-backlog.ts';
import { HandClock } from '../../../support/hand-clock.ts';
import { atWork, runAfter, runStarted, type RunStep } from '../../../support/run-events.ts';

const { BoardSession } = await import('../../../../src/ui/board/board-session.ts');

const runOf = (...steps: readonly RunStep[]): RunState =>
  runAfter(runStarted({ waves: [['T-1', 'T-2']], at: NOW }), ...steps);

/** A session over a backlog of two tasks, what it says, and logs that a test writes. */
function rig(runs: () => readonly RunState[] = () => []) {
  const clock = new HandClock(NOW);
  const backlog = fakeBacklog({ tasks: tasks('T-1', 'T-2'), runs });
  const said: ToBoard[] = [];
  const logs: string[] = [];
  const state = { isVisible: true, isOpen: true, activity: 'reads' };
  const services = {
    hasTerminal: () => false,
    activityOf: () => state.activity,
    followLog: (runId: string, attemptNo: number, onText: (text: string) => void): Disposable => {
      logs.push(`+${runId}/${attemptNo}`);
      onText('hello');
      return { dispose: () => void logs.push(`-${runId}/${attemptNo}`) };
    },
  } as unknown as BacklogServices;
  const session = new BoardSession({
    name: 'shop',
    backlog: () => (state.isOpen ? backlog : undefined),
    services: () => services,
    clock,
    isTrusted: () => true,
    isVisible: () => state.isVisible,
    post: (message) => void said.push(message),
  });
  return { session, clock, said, logs, state, kinds: () => said.map(({ kind }) => kind) };
}

describe('what a board is told', () => {
  test('is nothing before it asks, then everything', async () => {
    const { session, clock, kinds } = rig();
    session.changed();
    await clock.turn(10_000);
    assert.deepEqual(kinds(), []);
    session.receive({ kind: 'ready' });
    assert.deepEqual(kinds(), ['state']);
  });

  test('is what has changed, many changes at once, four times a second at most', async () => {
    const { session, clock, said, state } = rig(() => [runOf(...atWork('T-1', 1, NOW))]);
    session.receive({ kind: 'ready' });
    for (let n = 0; n < 40; n++) {
      state.activity = `step ${n}`;
      session.changed();
      await clock.turn(25);
    }
    await clock.turn(250);
    const patches = said.filter(({ kind }) => kind === 'patch');
    assert.ok(patches.length >= 3 && patches.length <= 5, String(patches.length));
    const last = patches.at(-1);
    assert.equal(last?.kind === 'patch' && last.cards[0]?.lastLine, 'step 39');
    assert.equal(last?.kind === 'patch' && last.cards.length, 1, 'only what has changed');
  });

  test('waits while nobody sees it, and is whole when it asks again', async () => {
    const { session, clock, kinds, state } = rig(() => [runOf(...atWork('T-1', 1, NOW))]);
    session.receive({ kind: 'ready' });
    state.isVisible = false;
    state.activity = 'writes';
    session.changed();
    await clock.turn(60_000);
    assert.deepEqual(kinds(), ['state']);
    state.isVisible = true;
    session.receive({ kind: 'ready' });
    assert.deepEqual(kinds(), ['state', 'state']);
  });

  test('says what is wrong where its backlog is not open', () => {
    const { session, said, state } = rig();
    state.isOpen = false;
    session.receive({ kind: 'ready' });
    const [first] = said;
    assert.match((first?.kind === 'state' && first.state.trouble) || '', /not open in this window/);
  });

  test('has the details and the log of what its drawer shows, of the latest attempt', async () => {
    let runs = [runOf(...atWork('T-1', 1, NOW))];
    const { session, clock, said, logs } = rig(() => runs);
    session.receive({ kind: 'ready' });
    session.receive({ kind: 'drawer', id: 'T-1', withLog: true });
    assert.deepEqual(
      said.slice(1).map((message) => `${message.kind} ${'id' in message ? message.id : ''}`),
      ['details T-1', 'log T-1', 'log T-1'],
    );
    session.changed();
    await clock.turn(1_000);
    assert.deepEqual(logs, ['+r/1'], 'followed once');
    const again = { kind: 'taskRequeued', notBefore: NOW, at: NOW + 1 } as const;
    const outcome = { kind: 'stopped' } as const;
    const id = runs[0]!.tasks.keys().next().value!;
    runs = [runOf(...atWork('T-1', 1, NOW), { ...again, id, outcome }, ...atWork('T-1', 2, NOW))];
    session.changed();
    await clock.turn(1_000);
    assert.deepEqual(logs, ['+r/1', '-r/1', '+r/2']);
    session.receive({ kind: 'drawer', withLog: false });
    assert.deepEqual(logs, ['+r/1', '-r/1', '+r/2', '-r/2']);
    const before = said.length;
    session.receive({ kind: 'drawer', id: 'gone', withLog: true });
    assert.deepEqual(said.slice(before), [{ kind: 'details', id: 'gone', details: undefined }]);
  });

  test('ends with it', async () => {
    const { session, clock, kinds, logs } = rig(() => [runOf(...atWork('T-1', 1, NOW))]);
    session.receive({ kind: 'ready' });
    session.receive({ kind: 'drawer', id: 'T-1', withLog: true });
    session.changed();
    session.dispose();
    const said = kinds().length;
    await clock.turn(60_000);
    session.changed();
    await clock.turn(60_000);
    assert.equal(kinds().length, said);
    assert.deepEqual(logs, ['+r/1', '-r/1']);
  });
});
