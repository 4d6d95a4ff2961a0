import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import '../../../support/use-editor-stub.ts';
import { BoardMemory, boardOf } from '../../../../src/core/board/board-of.ts';
import { BoardPatches, patched } from '../../../../src/core/board/board-patch.ts';
import { readFromBoard, readToBoard } from '../../../../src/core/board/board-shapes.ts';
import type { BoardState, Card } from '../../../../src/core/board/board-state.ts';
import type { Evidence } from '../../../../src/core/run/evidence.ts';
import type { RunState, TaskOutcome } from '../../../../src/core/run/run-events.ts';
import { taskId, type Task } from '../../../../src/core/task.ts';
import { lock, task, tasks } from '../../../support/backlog.ts';
import { fakeBacklog, type FakeBacklog, ME, NOW } from '../../../support/fake-backlog.ts';
import {
  atWork,
  ended,
  failedWith,
  runAfter,
  runStarted,
  type RunStep,
  SUCCEEDED,
} from '../../../support/run-events.ts';

const { boardInputOf, EstimateCache } = await import('../../../../src/ui/board/board-input.ts');

const MINUTE = 60_000;
const at = NOW - 20 * MINUTE;

interface Asked extends FakeBacklog {
  readonly chosen?: string;
  readonly activity?: string;
  readonly isTrusted?: boolean;
}

function board(
  { chosen, activity, isTrusted = true, ...spec }: Asked,
  memory?: BoardMemory,
): BoardState {
  const backlog = fakeBacklog(spec);
  if (spec.lastOutputAt !== undefined) backlog.changed();
  const services = {
    hasTerminal: () => false,
    activityOf: () => activity,
  };
  const input = boardInputOf(backlog, services, { chosen, isTrusted }, new EstimateCache());
  assert.ok(input);
  return boardOf(input, memory);
}

function cardIn({ cards }: BoardState, id: string): Card {
  const card = cards.find((each) => each.id === id);
  assert.ok(card, `no card of ${id}`);
  return card;
}

function runOf(waves: readonly (readonly string[])[], ...steps: readonly RunStep[]): RunState {
  return runAfter(runStarted({ waves, at, title: 'All waves' }), ...steps);
}

const EVIDENCE: Evidence = {
  startedAt: at,
  endedAt: at + 5 * MINUTE,
  verify: { command: 'npm test', passed: true, exitCode: 0, durationMs: MINUTE, tail: '' },
  files: ['a.ts'],
  summary: 'I read it.\nAll of it works.',
  logFile: undefined,
  sessionId: undefined,
  changes: { added: 120, removed: 30, files: 5 } as Evidence['changes'],
};
const REVIEWED: TaskOutcome = { kind: 'succeeded', status: 'Review', evidence: EVIDENCE };
const CONFLICT: TaskOutcome = {
  kind: 'conflict',
  files: ['src/a.ts'],
  status: 'Review',
  evidence: EVIDENCE,
};
const EXIT = failedWith({ kind: 'exit' }, 1);
const LOST: TaskOutcome = { kind: 'lockLost', holder: 'cursor-mac-8' };

describe('the card of a task', () => {
  const running = [{ kind: 'waveStarted', wave: 0, at } as const, ...atWork('T-1', 1, at)];
  const over = { kind: 'runEnded', at: at + 6 * MINUTE } as const;
  const one = (fields: Partial<Task> = {}): readonly Task[] => [task('T-1', fields)];
  const cases: readonly [what: string, of: FakeBacklog, expected: string][] = [
    ['that could start', { tasks: one() }, 'ready: ready [run claim edit open]'],
    [
      'that waits',
      { tasks: [...tasks('T-1 < T-0'), task('T-0', { title: 'Parse arguments' })] },
      'waiting: after Parse arguments [claim edit open]',
    ],
    [
      'that another agent has',
      { tasks: one({ status: 'In Progress', lock: lock('cursor-mac-8', NOW + MINUTE) }) },
      'held: held by cursor-mac-8 [open]',
    ],
    [
      'that this window has',
      { tasks: one({ status: 'In Progress', lock: lock(ME, NOW + MINUTE) }) },
      'yours: yours [run release edit open]',
    ],
    [
      'in Review without a run',
      { tasks: one({ status: 'Review' }) },
      'review: to review [accept sendBack edit open]',
    ],
    [
      'that is done',
      { tasks: [...one(), task('T-2', { status: 'Done' })] },
      'ready: ready [run claim edit open]',
    ],
    [
      'with a word for a status that nobody knows',
      { tasks: one({ status: 'Unknown', rawStatus: 'frozen' }) },
      'blocked: frozen [edit open]',
    ],
    [
      'at work',
      { tasks: one(), runs: () => [runOf([['T-1']], ...running)] },
      'working: working [stop log open]',
    ],
    [
      'that is queued',
      { tasks: one(), runs: () => [runOf([['T-1']], { kind: 'waveStarted', wave: 0, at })] },
      'queued: queued [stop open]',
    ],
    [
      'that looks stuck',
      {
        tasks: one(),
        runs: () => [runOf([['T-1']], ...running)],
        lastOutputAt: () => at,
      },
      'stuck',
    ],
    [
      'whose agent failed',
      {
        tasks: one(),
        runs: () => [runOf([['T-1']], ...running, ended('T-1', EXIT, at), over)],
      },
      'failed: failed with exit code 1 [run log claim edit open]',
    ],
    [
      'whose agent lost the lock',
      { tasks: one(), runs: () => [runOf([['T-1']], ...running, ended('T-1', LOST, at), over)] },
      'failed: lock lost to cursor-mac-8 [run log claim edit open]',
    ],
    [
      'with work to review',
      {
        tasks: one({ status: 'Review' }),
        runs: () => [runOf([['T-1']], ...running, ended('T-1', REVIEWED, at), over)],
      },
      'review: to review [review accept sendBack log discard edit open] +120 −30 · 5 files; All of it works.',
    ],
    [
      'in conflict',
      {
        tasks: one({ status: 'Review' }),
        runs: () => [runOf([['T-1']], ...running, ended('T-1', CONFLICT, at), over)],
      },
      'conflict: conflicts with earlier work in src/a.ts [resolve mergeAgain review sendBack log discard edit open] +120 −30 · 5 files; All of it works.',
    ],
    [
      'that was sent back to Todo by hand after its work is as ready as before',
      {
        tasks: one(),
        runs: () => [runOf([['T-1']], ...running, ended('T-1', SUCCEEDED, at), over)],
      },
      'ready: ready [run log claim edit open]',
    ],
  ];
  for (const [what, of, expected] of cases)
    test(what, () => {
      const { state, words, can, changes, lastLine } = cardIn(board(of), 'T-1');
      const more = [changes, lastLine].filter((each) => each !== undefined).join('; ');
      const shown = `${state}: ${words} [${can.join(' ')}] ${more}`.trim();
      assert.ok(expected === 'stuck' ? state === 'stuck' : shown === expected, shown);
    });

  test('offers nothing that writes where nothing may be written', () => {
    const state = board({ tasks: one({ status: 'Review' }), isTrusted: false });
    assert.deepEqual(cardIn(state, 'T-1').can, ['open']);
    assert.deepEqual([state.isReadOnly, state.needs], [true, []]);
  });

  test('is one line of bounded length, whatever its title is', () => {
    const title = `<img src=x onerror=alert(1)>\n\u202e${'x'.repeat(10_000)}`;
    const card = cardIn(board({ tasks: one({ title, tags: ['t'.repeat(500)] }) }), 'T-1');
    assert.ok(card.title.length <= 300 && card.title.startsWith('<img src=x onerror=alert(1)>'));
    assert.doesNotMatch(card.title, /[\n\u202e]/);
    assert.ok(card.tags[0]!.length <= 40);
  });

  test('tells each attempt by bars: starting, working, verifying, and how it ended', () => {
    const run = runOf(
      [['T-1']],
      { kind: 'taskStarting', id: taskId('T-1'), attemptNo: 1, tryNo: 1, at: at + 1 },
      { kind: 'taskClaimed', id: taskId('T-1'), holder: 'h', at: at + 2 },
      { kind: 'taskStarted', id: taskId('T-1'), at: at + 3 },
      { kind: 'taskRequeued', id: taskId('T-1'), outcome: EXIT, notBefore: at, at: at + 9 },
      ...atWork('T-1', 2, at + 10, 2),
      ended('T-1', REVIEWED, at + 10 + 5 * MINUTE),
    );
    const { work } = cardIn(board({ tasks: one(), runs: () => [run] }), 'T-1');
    assert.deepEqual(
      work?.bars.map(({ kind, from, to, end }) => [kind, from - at, to! - at, end]),
      [
        ['starting', 1, 3, undefined],
        ['working', 3, 9, 'bad'],
        ['starting', 10, 10, undefined],
        ['working', 10, 10 + 4 * MINUTE, undefined],
        ['verifying', 10 + 4 * MINUTE, 10 + 5 * MINUTE, 'good'],
      ],
    );
  });
});

describe('the board', () => {
  const FOUR = tasks('T-1', 'T-2', 'T-3 < T-1', 'T-4 < T-3', '+T-5', 'T-6 < T-7', 'T-7 < T-6');

  test('has a column a wave, then what is in a circle', () => {
    const { columns, finished } = board({ tasks: FOUR });
    assert.deepEqual(
      columns.map(({ title, note, ids }) => `${title} ${note}: ${ids.join(' ')}`),
      [
        'Now wave 0: T-1 T-2',
        'Next wave 1: T-3',
        'Later wave 2: T-4',
        'In a circle wait for each other: T-6 T-7',
      ],
    );
    assert.equal(finished, 1);
  });

  test('marks the chain that decides when everything can be done', () => {
    const critical = board({ tasks: FOUR }).cards.filter(({ isCritical }) => isCritical);
    assert.deepEqual(
      critical.map(({ id }) => id),
      ['T-1', 'T-3', 'T-4'],
    );
    assert.ok(board({ tasks: tasks('T-1', 'T-2') }).cards.every(({ isCritical }) => !isCritical));
  });

  test('counts a run, shows what it has finished, and says when it will end', () => {
    const run = runOf(
      [['T-5', 'T-1', 'T-2'], ['T-3']],
      { kind: 'capChanged', cap: 3, at },
      ...atWork('T-1', 1, NOW - MINUTE),
    );
    const state = board({ tasks: FOUR, runs: () => [run] });
    assert.deepEqual(state.run?.counts, {
      ...{ done: 1, working: 1, stuck: 0, failed: 0, conflict: 0, review: 0, waiting: 2 },
    });
    assert.deepEqual([state.run.total, state.run.phase, state.run.cap], [4, 'running', 3]);
    assert.deepEqual(state.columns.at(-1)?.ids, ['T-5']);
    // T-1 has four of its five minutes left, and T-3 waits for the wave of T-2.
    assert.equal(state.run.endsAt, NOW + 10 * MINUTE);
    assert.deepEqual(cardIn(state, 'T-3').forecast, {
      from: NOW + 5 * MINUTE,
      to: NOW + 10 * MINUTE,
    });
  });

  test('shows the newest live run, or the one that is asked for', () => {
    const start = (runId: string, begin: number) =>
      runStarted({ waves: [['T-1']], at: begin, runId, title: runId });
    const old = runAfter(start('old', at), { kind: 'runEnded', at: at + 1 });
    const live = runAfter(start('live', at + 2));
    const later = runAfter(start('later', at + 3), { kind: 'runEnded', at: at + 4 });
    const spec = { tasks: FOUR, runs: () => [live], pastRuns: [old, later] };
    const { runs, run } = board(spec);
    assert.deepEqual(
      runs.map(({ runId }) => runId),
      ['live', 'later', 'old'],
    );
    assert.equal(run?.runId, 'live');
    assert.equal(board({ ...spec, chosen: 'old' }).run?.runId, 'old');
    assert.equal(board({ ...spec, chosen: 'none' }).run?.runId, 'live');
  });

  test('has what needs the user first: by kind, each with what can be done', () => {
    const said = (detail: string): TaskOutcome => failedWith({ kind: 'said', detail }, 1);
    const run = runOf(
      [['T-1', 'T-2', 'T-3', 'T-4']],
      ...atWork('T-1', 1, at),
      ended('T-1', EXIT, at),
      ...atWork('T-2', 2, at),
      ended('T-2', said('Invalid API key'), at),
      ...atWork('T-3', 3, at),
      ended('T-3', CONFLICT, at),
      ...atWork('T-4', 4, at),
      ended('T-4', REVIEWED, at),
      { kind: 'runPaused', by: 'person', at },
    );
    const ids = ['T-1', 'T-2', 'T-3', 'T-4'];
    const all = ids.map((id) => task(id, { status: id < 'T-3' ? 'Todo' : 'Review' }));
    assert.deepEqual(
      board({ tasks: all, runs: () => [run] }).needs.map(
        ({ kind, id, actions }) => `${kind} ${id ?? 'run'}: ${actions.join(' ')}`,
      ),
      [
        'signIn T-2: log run',
        'paused run: goOn stopRun',
        'conflict T-3: resolve mergeAgain',
        'failed T-1: log run',
        'review T-4: review accept',
      ],
    );
  });

  test('follows its window by patches, and says nothing where only the time has passed', () => {
    const states = fc.array(
      fc.record({
        open: fc.subarray(['T-1', 'T-2', 'T-3 < T-1', 'T-4 < T-2']),
        isAtWork: fc.boolean(),
        activity: fc.constantFrom('reads', 'writes'),
      }),
      { minLength: 2, maxLength: 6 },
    );
    fc.assert(
      fc.property(states, (list) => {
        const [first, ...more] = list.map(({ open, isAtWork, activity }) => {
          const run = runOf([['T-1', 'T-2']], ...(isAtWork ? atWork('T-1', 1, at) : []));
          return board({ tasks: tasks(...open), runs: () => [run], activity });
        });
        const patches = new BoardPatches();
        let shown = overTheWire(first!);
        patches.begin(first!);
        for (const state of more) {
          const patch = patches.next(state);
          const read = readToBoard(JSON.parse(JSON.stringify(patch ?? null)));
          if (read?.kind === 'patch') shown = patched(shown, read);
          else assert.equal(patch, undefined);
          assert.deepEqual(inAnyOrder(shown), inAnyOrder(overTheWire(state)));
          assert.equal(patches.next({ ...state, now: state.now + 1 }), undefined);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('is the same with a memory of earlier ones, and shares what did not change', () => {
    const steps: readonly RunStep[] = [
      { kind: 'waveStarted', wave: 0, at },
      ...atWork('T-1', 1, at),
      ended('T-1', REVIEWED, at + 1),
      ...atWork('T-2', 2, at + 2),
      { kind: 'taskRequeued', id: taskId('T-2'), outcome: EXIT, notBefore: at, at: at + 3 },
      ...atWork('T-2', 3, at + 4, 2),
      ended('T-2', CONFLICT, at + 5),
      { kind: 'runEnded', at: at + 6 },
    ];
    const memory = new BoardMemory();
    const backlogs = [tasks('T-1', 'T-2', 'T-3 < T-1'), tasks('+T-1', 'T-2', 'T-3 < T-1')];
    for (let n = 0; n <= steps.length; n++)
      for (const all of backlogs) {
        const run = runOf([['T-1', 'T-2'], ['T-3']], ...steps.slice(0, n));
        const spec = { tasks: all, runs: () => [run], activity: `step ${n % 2}` };
        const now = board(spec, memory);
        assert.deepEqual(now, board(spec));
      }
    const backlog = fakeBacklog({ tasks: backlogs[0]!, runs: () => [] });
    const services = { hasTerminal: () => false, activityOf: () => undefined };
    const view = { chosen: undefined, isTrusted: true };
    const estimates = new EstimateCache();
    const again = (): BoardState =>
      boardOf(boardInputOf(backlog, services, view, estimates)!, memory);
    const [first, second] = [again(), again()];
    assert.equal(first.columns, second.columns);
    assert.ok(first.cards.every((card, index) => card === second.cards[index]));
  });

  test('leaves what did not change as the same objects', () => {
    const before = overTheWire(board({ tasks: FOUR }));
    const patches = new BoardPatches();
    patches.begin(before);
    const patch = patches.next(
      board({ tasks: FOUR.map((each) => (each.id === 'T-2' ? { ...each, title: 'New' } : each)) }),
    );
    assert.ok(patch);
    const now = patched(before, patch);
    assert.deepEqual(
      patch.cards.map(({ title }) => title),
      ['New'],
    );
    assert.equal(cardIn(now, 'T-1'), cardIn(before, 'T-1'));
    assert.equal(now.columns, before.columns);
  });
});

describe('messages of a board', () => {
  test('are read as what they are, and nothing else is', () => {
    const good = [
      { kind: 'ready' },
      { kind: 'card', action: 'run', ids: ['T-1'] },
      { kind: 'run', action: 'pause', runId: 'r' },
      { kind: 'wave', wave: 0 },
      { kind: 'cap', cap: 8 },
      { kind: 'showRun' },
      { kind: 'drawer', id: 'T-1', withLog: true },
      { kind: 'saveSvg', name: 'graph', svg: '<svg/>' },
    ];
    for (const message of good)
      assert.equal(readFromBoard({ ...message, extra: 1 })?.kind, message.kind);
    const bad = [
      undefined,
      null,
      'ready',
      { kind: '__proto__' },
      { kind: 'card', action: 'deleteEverything', ids: ['T-1'] },
      { kind: 'card', action: 'run', ids: [] },
      { kind: 'card', action: 'run', ids: [''] },
      { kind: 'card', action: 'run', ids: 'T-1' },
      { kind: 'cap', cap: 0 },
      { kind: 'cap', cap: 1e9 },
      { kind: 'wave', wave: -1 },
      { kind: 'drawer', id: 7, withLog: true },
      { kind: 'saveSvg', name: '../../x', svg: '' },
    ];
    for (const message of bad) assert.equal(readFromBoard(message), undefined);
  });

  test('of any content are never taken for others', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        readToBoard(value);
        readFromBoard(value);
      }),
    );
  });
});

/** As it comes out at the other end. */
function overTheWire(state: BoardState): BoardState {
  const read = readToBoard(JSON.parse(JSON.stringify({ kind: 'state', state })));
  assert.ok(read?.kind === 'state');
  return read.state;
}

/** Without the time, and without an order of cards: columns have that. */
function inAnyOrder(state: BoardState): unknown {
  return { ...state, now: 0, cards: state.cards.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}
