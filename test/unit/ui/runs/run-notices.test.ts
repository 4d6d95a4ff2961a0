import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import '../../../support/use-editor-stub.ts';
import { Emitter } from '../../../../src/core/events.ts';
import type { RunState, TaskOutcome } from '../../../../src/core/run/run-events.ts';
import { taskId } from '../../../../src/core/task.ts';
import { tasks } from '../../../support/backlog.ts';
import { answers, commands, late, shown, STAYS } from '../../../support/editor-stub.ts';
import {
  fakeBacklog,
  type FakeBacklog,
  fakeBacklogs,
  type MadeBacklog,
  NOW,
} from '../../../support/fake-backlog.ts';
import {
  atWork,
  ended,
  failedWith,
  runAfter,
  runStarted,
  type RunStep,
  SUCCEEDED,
} from '../../../support/run-events.ts';
import { clockTime } from '../../../../src/core/messages.ts';

// After the stub: it imports `vscode`.
const { RunNotices } = await import('../../../../src/ui/runs/run-notices.ts');

const MINUTE = 60_000;
const begun = NOW - 30 * MINUTE;
const beginning = runStarted({ waves: [['T-1', 'T-2', 'T-3']], at: begun });

beforeEach(() => {
  for (const list of [answers, shown, commands.executed]) list.length = 0;
});

interface World {
  readonly backlog: MadeBacklog;
  /** Lets these happen after what has happened so far. */
  readonly happen: (...events: readonly RunStep[]) => Promise<void>;
  readonly look: () => Promise<void>;
  readonly opened: string[];
  focused: boolean;
  wanted: boolean;
}

/** Notices of a window with one run, which has begun before they have. */
function watch(spec: FakeBacklog = {}, before: readonly RunStep[] = []): World {
  let steps = before;
  const changed = new Emitter<undefined>();
  const opened: string[] = [];
  const run = (): readonly RunState[] => [runAfter(beginning, ...steps)];
  // Whether agents look stuck is looked at within a second of a change.
  const timers: (() => void)[] = [];
  const clock = {
    now: () => NOW,
    after: (_: number, ring: () => void) => (timers.push(ring), { dispose: () => undefined }),
  };
  const backlog = fakeBacklog({
    tasks: tasks('T-1', 'T-2', 'T-3'),
    runs: run,
    lastOutputAt: () => NOW,
    clock,
    ...spec,
  });
  const backlogs = fakeBacklogs([backlog], {
    onDidChange: changed.event,
    openLog: (runId: string, start: number) =>
      Promise.resolve(void opened.push(`${runId}/${start}`)),
  });
  const look = async (): Promise<void> => {
    changed.fire(undefined);
    await turn();
  };
  const world: World = {
    ...{ backlog, opened, look, focused: true, wanted: true },
    happen: (...more) => {
      steps = [...steps, ...more];
      backlog.changed();
      for (const ring of timers.splice(0)) ring();
      return look();
    },
  };
  new RunNotices({
    ...{ backlogs, now: () => NOW, reportBug: (error) => assert.fail(String(error)) },
    ...{ isFocused: () => world.focused, wants: () => world.wanted },
  });
  return world;
}

const messages = (): string[] => shown.map(({ message }) => message);
const working = [...atWork('T-1', 1, begun), ...atWork('T-2', 2, begun)];
const UNKNOWN: TaskOutcome = { kind: 'unknown', detail: 'its supervisor was killed' };

/** Leaves every notice open until a test closes it. */
function holdNotices(): { readonly close: (answer?: string) => Promise<void> } {
  const open: ((answer: string | undefined) => void)[] = [];
  answers.push = (...items) => {
    throw new Error(`held: ${items.join()}`);
  };
  const shift = answers.shift.bind(answers);
  answers.shift = () => new Promise((resolve) => open.push(resolve)) as never;
  return {
    close: async (answer) => {
      open.shift()?.(answer);
      await turn();
      if (open.length === 0) answers.shift = shift;
    },
  };
}

test('an agent that looks stuck is told once, by the title of its task, with what can be done', async () => {
  let silentSince = NOW;
  const world = watch({ lastOutputAt: () => silentSince });
  await world.happen(...working);
  assert.deepEqual(shown, []);
  silentSince = NOW - 11 * MINUTE;
  answers.push('Requeue', undefined);
  await world.happen();
  await world.look();
  assert.deepEqual(shown[0], {
    message: `“Title of T-1” and 1 more look stuck.`,
    detail: undefined,
    buttons: ['Show Runs'],
  });
  assert.equal(shown.length, 1);
});

test('the buttons of a notice do what they say, to the task that it names', async () => {
  const one = watch({ lastOutputAt: () => NOW - 11 * MINUTE });
  answers.push('Requeue');
  await one.happen(...atWork('T-1', 1, begun));
  assert.equal(
    messages()[0],
    `“Title of T-1” looks stuck: its agent has been silent since ${clockTime(NOW - 11 * MINUTE)}.`,
  );
  assert.deepEqual(shown[0]?.buttons, ['Show Terminal', 'Requeue', 'Stop']);
  assert.deepEqual(one.backlog.asked, ['requeue r T-1']);
  answers.push('Show Terminal');
  await one.happen({ kind: 'taskEnded', id: taskId('T-1'), outcome: UNKNOWN, at: NOW + 1 });
  assert.equal(
    messages()[1],
    'It is unknown how “Title of T-1” ended. Check what was done before it is run again.',
  );
  assert.deepEqual(
    shown[1]?.buttons,
    ['Show Terminal', 'Open Report'],
    'what has ended cannot be queued again',
  );
  assert.deepEqual(one.opened, ['r/1'], 'a terminal that is gone is replaced by the log');
});

test('a lock that was lost names who has it', async () => {
  const world = watch({}, working);
  await world.happen(ended('T-1', { kind: 'lockLost', holder: 'claude-x-1' }, NOW + 1));
  assert.deepEqual(messages(), [
    '“Title of T-1”: lock lost to claude-x-1 while its agent worked; the agent was ended.',
  ]);
});

test('an agent that is not signed in is told as such, other failures are not told at all', async () => {
  const world = watch({}, working);
  await world.happen(
    ended('T-1', failedWith({ kind: 'said', detail: 'The tests fail' }, 1), NOW + 1),
  );
  assert.deepEqual(shown, []);
  answers.push('Choose Agent');
  await world.happen(
    ended(
      'T-2',
      failedWith({ kind: 'said', detail: 'Please run /login: not logged in' }, 1),
      NOW + 2,
    ),
  );
  assert.match(
    messages()[0] ?? '',
    /^The agent of “Title of T-2” may not work: Please run \/login/,
  );
  assert.deepEqual(commands.executed, [['todo2Waves.chooseAgent']]);
});

test('the breaker and a wave that did not pass its check are told with the run', async () => {
  const failed = failedWith({ kind: 'exit' }, 1);
  const stop = { kind: 'breaker', count: 3, outcome: failed } as const;
  await watch({}, working).happen(ended('T-2', failed, NOW + 1), {
    kind: 'runStopping',
    stop,
    at: NOW + 1,
  });
  assert.deepEqual(messages(), [
    'Run “Wave 0” starts nothing further: the same end 3 times in a row (failed with exit code 1), last “Title of T-2”.',
  ]);
  const result = { command: 'npm test', passed: false, exitCode: 2, durationMs: 1, tail: '' };
  const verify = { kind: 'waveVerify', wave: 0, result } as const;
  await watch({}, working).happen({ kind: 'runStopping', stop: verify, at: NOW + 1 });
  assert.equal(
    messages()[1],
    'Run “Wave 0” starts nothing further: npm test did not pass (exit code 2).',
  );
});

test('a run that ends is told in one notice, and only to somebody who looked elsewhere', async () => {
  const endings = [
    ended('T-1', SUCCEEDED, NOW + 1),
    ended('T-2', failedWith({ kind: 'exit' }, 1), NOW + 1),
  ];
  const all: readonly RunStep[] = [
    ...endings,
    ended('T-3', SUCCEEDED, NOW + 1),
    { kind: 'runEnded', at: NOW + 1 },
  ];
  const seen = watch({}, working);
  await seen.happen(...all);
  assert.equal(shown.length, 0);
  const away = watch({}, working);
  away.focused = false;
  answers.push('Resume');
  await away.happen(...all);
  await away.look();
  assert.equal(messages()[0], 'Run “Wave 0” has ended: 2/3 succeeded, 1 failed.');
  assert.equal(messages().filter((message) => message.startsWith('Run')).length, 1);
  assert.deepEqual(
    away.backlog.started,
    [{ title: 'Wave 0', waves: [['T-2']] }],
    'what failed, and nothing else',
  );
  assert.deepEqual(shown[0]?.buttons, ['Open Report', 'Resume']);
});

test('what a person did themselves is not told', async () => {
  const world = watch({}, working);
  world.focused = false;
  const stopped = ['T-1', 'T-2', 'T-3'].map((id) => ended(id, { kind: 'stopped' }, NOW + 1));
  await world.happen({ kind: 'runStopping', stop: { kind: 'person' }, at: NOW }, ...stopped, {
    kind: 'runEnded',
    at: NOW + 1,
  });
  assert.deepEqual(shown, []);
});

test('a run that reached its budget says which limit it was, once for each, and can go on or stop', async () => {
  const budget = { usd: 5, tokens: undefined, minutes: undefined };
  const limited = runStarted({ waves: [['T-1', 'T-2', 'T-3']], at: begun, options: { budget } });
  const usage = { inputTokens: 11_000, outputTokens: 1000, costUsd: 5.1 };
  const pause = { kind: 'runPaused', by: 'costBudget', at: NOW } as const;
  const steps: RunStep[] = [...working, ended('T-1', { kind: 'stopped', usage }, NOW), pause];
  answers.push('Go On', 'Stop Run');
  const world = watch({ runs: () => [runAfter(limited, ...steps)] });
  await world.look();
  await world.look();
  assert.deepEqual(messages(), [
    'Run “Wave 0” is paused: it has reached its budget of $5.00 (used in all: 12k tokens · $5.10). Agents at work continue. Go On gives it as much again.',
  ]);
  steps.push({ kind: 'runWentOn', at: NOW + 1 }, ended('T-2', SUCCEEDED, NOW + 2));
  steps.push({ ...pause, at: NOW + 2 });
  await world.look();
  assert.match(messages()[1] ?? '', /\$5\.10\)\. Go On gives it as much again\.$/);
  assert.deepEqual(shown[0]?.buttons, ['Go On', 'Stop Run', 'Open Report']);
  assert.deepEqual(world.backlog.asked, ['goOn r', 'stopRun r']);
});

test('a notice that nobody answers blocks none that holds, and its buttons do nothing once it is over', async () => {
  const budget = { usd: 5, tokens: undefined, minutes: undefined };
  const limited = runStarted({ waves: [['T-1', 'T-2', 'T-3']], at: begun, options: { budget } });
  const pause = { kind: 'runPaused', by: 'costBudget', at: NOW } as const;
  const steps: RunStep[] = [...working, pause];
  answers.push(STAYS, STAYS);
  const world = watch({ runs: () => [runAfter(limited, ...steps)] });
  await world.look();
  // It goes on by its row, and pauses again.
  steps.push({ kind: 'runWentOn', at: NOW + 1 }, { ...pause, at: NOW + 2 });
  await world.look();
  assert.equal(messages().length, 2);
  late.shift()?.('Stop Run');
  await turn();
  assert.deepEqual(world.backlog.asked, []);
  assert.match(messages()[2] ?? '', /is over, so nothing was done/);
  late.shift()?.('Go On');
  await turn();
  assert.deepEqual(world.backlog.asked, ['goOn r']);
});

test('what happened before the window opened is no news, but a run that was interrupted is', async () => {
  const old = [
    ...working,
    ended('T-1', UNKNOWN, NOW - MINUTE),
    { kind: 'runEnded', at: NOW - MINUTE } as const,
  ];
  const world = watch({}, old);
  world.focused = false;
  await world.look();
  await watch({}, old.slice(0, -1)).look();
  assert.deepEqual(shown, []);
  const stop = { kind: 'interrupted' } as const;
  const run = runAfter(
    beginning,
    { kind: 'runStopping', stop, at: NOW },
    { kind: 'runEnded', at: NOW + 1 },
  );
  await watch({ runs: () => [], pastRuns: [run] }).look();
  assert.deepEqual(messages(), ['Run “Wave 0” was interrupted: 0/3 succeeded.']);
});

test('nothing is told of a run that another window leads, nor to somebody who wants no notices', async () => {
  const run = runAfter(beginning, ...working, ended('T-1', UNKNOWN, NOW + 1));
  await watch({ runs: () => [], elsewhere: [run] }).look();
  const unwanted = watch({}, working);
  unwanted.wanted = false;
  await unwanted.happen(ended('T-1', UNKNOWN, NOW + 1));
  unwanted.wanted = true;
  await unwanted.look();
  assert.deepEqual(shown, []);
});

test('there is never more than one notice of a kind; what came meanwhile is told together, as far as it is still so', async (t) => {
  const { push, shift } = answers;
  t.after(() => Object.assign(answers, { push, shift }));
  const held = holdNotices();
  let silent = new Set(['T-1']);
  const world = watch({ lastOutputAt: (id) => (silent.has(id) ? NOW - 11 * MINUTE : NOW) });
  await world.happen(...working, ...atWork('T-3', 3, begun));
  silent = new Set(['T-1', 'T-2']);
  await world.happen();
  silent = new Set(['T-1', 'T-3']);
  await world.happen();
  assert.equal(shown.length, 1);
  await held.close();
  assert.equal(shown.length, 2);
  assert.match(messages()[1] ?? '', /^“Title of T-3” looks stuck/, 'T-2 works again');
  await held.close('Stop');
  assert.deepEqual(world.backlog.asked, ['stopTask r T-3']);
});

test('a title cannot bring a link or an icon into a notice', async () => {
  const [first] = tasks('T-1');
  const all = [{ ...first!, title: 'a [b](command:rm) $(flame)' }, ...tasks('T-2', 'T-3')];
  await watch({ tasks: all }, working).happen(ended('T-1', UNKNOWN, NOW + 1));
  assert.doesNotMatch(messages()[0] ?? '', /\]\(|\$\(/);
});
