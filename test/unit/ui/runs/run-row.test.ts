import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import '../../../support/use-editor-stub.ts';
import type { Backlog } from '../../../../src/core/backlog.ts';
import type {
  FailCause,
  RunState,
  TaskOutcome,
  WaitReason,
} from '../../../../src/core/run/run-events.ts';
import { type Status, taskId } from '../../../../src/core/task.ts';
import { whenWords } from '../../../../src/ui/handoffs/handoff-row.ts';
import { summariseLocks } from '../../../../src/ui/lock-summary.ts';
import type { RowContent, RowView } from '../../../../src/ui/row.ts';
import {
  explainOutcome,
  explainStop,
  explainWait,
  ordinal,
} from '../../../../src/core/run/run-messages.ts';
import { describeNode } from '../../../../src/ui/tree-item.ts';
import { childrenOf, nodeKey, type TreeNode } from '../../../../src/ui/tree-nodes.ts';
import { lock, task, tasks } from '../../../support/backlog.ts';
import { fakeBacklog, type FakeBacklog, NO_AGENTS, NOW } from '../../../support/fake-backlog.ts';
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
const { contextKeysOf } = await import('../../../../src/ui/context-keys.ts');

const MINUTE = 60_000;
const at = NOW - 20 * MINUTE;
const FOUR = tasks('T-1', 'T-2', 'T-3', 'T-4 < T-3');
const beginning = runStarted({ waves: [['T-1', 'T-2', 'T-3'], ['T-4']], at, title: 'All waves' });
const flow = runStarted({
  ...{ waves: [['T-1', 'T-2', 'T-3'], ['T-4']], at, title: 'All waves' },
  options: { runMode: 'flow' },
});

interface Shown extends RowContent {
  readonly node: TreeNode;
}

function top(backlog: Backlog): readonly Shown[] {
  return childrenOf(undefined, [backlog], 'runs').map((node) => ({
    node,
    ...describeNode(node, NO_AGENTS),
  }));
}

/** The first row of the runs of a backlog with this one, and the rows of its tasks. */
function show(run: RunState, more: FakeBacklog = {}, view: RowView = NO_AGENTS) {
  const backlog = fakeBacklog({ tasks: FOUR, runs: () => [run], ...more });
  const [node] = childrenOf(undefined, [backlog], 'runs');
  assert.ok(node?.kind === 'run');
  const rows = [...run.tasks.keys()].map((id) => rowOf(backlog, id, view));
  return { backlog, row: describeNode(node, view), rows, node };
}

/** The one row of a task, in its wave. */
function rowOf(backlog: Backlog, id: string, view: RowView = NO_AGENTS): RowContent {
  return describeNode({ kind: 'task', backlog, taskId: taskId(id) }, view);
}

const line = ({ label, description }: RowContent): string => `${label} | ${description}`;

describe('the row of a run that goes on', () => {
  const working: readonly RunStep[] = [
    { kind: 'capChanged', cap: 4, at },
    { kind: 'waveStarted', wave: 0, at },
    ...atWork('T-1', 1, at),
    ...atWork('T-2', 2, at),
    ended('T-1', SUCCEEDED, at),
  ];

  test('says its mode where it is not the usual one, its cap, and where its tasks are', () => {
    assert.equal(
      line(show(runAfter(flow, ...working)).row),
      'Running: All waves | 1/4 succeeded · 1 running · flow · cap 4',
    );
    assert.equal(
      line(show(runAfter(beginning, ...working)).row),
      'Running: All waves | 1/4 succeeded · 1 running · cap 4',
    );
  });

  test('says what its agents have used so far', () => {
    const used = { inputTokens: 11_000, outputTokens: 1000, costUsd: 0.34 };
    const stopped = { kind: 'stopped', usage: used } as const;
    const { row } = show(runAfter(beginning, ...working, ended('T-2', stopped, at)));
    assert.equal(
      line(row),
      'Running: All waves | 1/4 succeeded · 1 stopped · 12k tokens · $0.34 · cap 4',
    );
  });

  test('can be paused, stopped and given another cap', () => {
    assert.deepEqual(show(runAfter(flow, ...working)).row.flags, [
      'run',
      'liveRun',
      'ledHere',
      'runningRun',
    ]);
  });

  test('says that it is paused, and by what, and can go on', () => {
    const byPerson = show(runAfter(flow, ...working, { kind: 'runPaused', by: 'person', at })).row;
    assert.match(line(byPerson), /^Paused: All waves \| .* 1 running · flow · cap 4$/);
    assert.deepEqual(byPerson.flags, ['run', 'liveRun', 'ledHere', 'pausedRun']);
    assert.equal(byPerson.icon.id, 'debug-pause');
    const byWave = show(runAfter(flow, ...working, { kind: 'runPaused', by: 'wave', at })).row;
    assert.match(byWave.label, /^Paused after a wave: /);
    const budget = { usd: undefined, tokens: 2e6, minutes: undefined };
    const limited = runStarted({ waves: [['T-1', 'T-2']], at, options: { budget } });
    const byBudget = show(runAfter(limited, { kind: 'runPaused', by: 'tokenBudget', at })).row;
    assert.match(line(byBudget), /^Paused at budget: .* \| reached 2M tokens · 0\/2 succeeded/);
    assert.deepEqual(byBudget.flags, ['run', 'liveRun', 'ledHere', 'pausedRun']);
  });

  test('says why it stops where nobody asked for it, and can be stopped still', () => {
    const stop = { kind: 'breaker', count: 3, outcome: failedWith({ kind: 'exit' }, 1) } as const;
    const { row } = show(runAfter(beginning, ...working, { kind: 'runStopping', stop, at }));
    assert.match(
      line(row),
      /^Stopping: All waves \| stopped after the same end 3 times in a row: failed with exit code 1 · /,
    );
    assert.deepEqual(row.flags, ['run', 'liveRun', 'ledHere']);
    const byPerson = show(
      runAfter(beginning, ...working, { kind: 'runStopping', stop: { kind: 'person' }, at }),
    ).row;
    assert.doesNotMatch(byPerson.description, /stopped/);
  });

  test('says that another window leads it, whose cap is not ours to change', () => {
    const run = runAfter(beginning, ...working);
    const { row } = show(run, { runs: () => [], elsewhere: [run] });
    assert.match(row.description, /led by another window$/);
    assert.deepEqual(row.flags, ['run', 'liveRun', 'runningRun']);
  });

  test('keeps its key until it ends: from then on it is another row', () => {
    const key = (run: RunState): string => nodeKey(show(run).node);
    const before = key(runAfter(beginning));
    assert.equal(key(runAfter(beginning, ...working)), before);
    assert.notEqual(key(runAfter(beginning, ...working, { kind: 'runEnded', at })), before);
  });

  test('has no rows of its tasks below it: each has one, in its wave', () => {
    const { backlog, node, row } = show(runAfter(beginning, ...working));
    assert.deepEqual([childrenOf(node, [backlog]), row.collapsible], [[], 'none']);
  });

  test('is told by the status bar, too', () => {
    const { backlog } = show(runAfter(beginning, ...working));
    assert.match(summariseLocks([backlog])?.tooltip ?? '', /1 run: 1 agent at work\.$/);
    const keys = contextKeysOf([backlog]);
    assert.deepEqual([keys.running, keys.paused, keys.resumable], [true, false, false]);
    assert.equal(
      contextKeysOf([show(runAfter(beginning, { kind: 'runPaused', by: 'wave', at })).backlog])
        .paused,
      true,
    );
  });

  test('its wave can be stopped as a whole', () => {
    const { backlog } = show(runAfter(beginning, ...working));
    const [wave] = childrenOf(undefined, [backlog]);
    assert.ok(wave?.kind === 'wave');
    assert.ok(describeNode(wave, NO_AGENTS).flags.includes('runningWave'));
  });
});

test('every row has a key of its own, wherever runs stand', () => {
  const start = (runId: string): ReturnType<typeof runStarted> =>
    runStarted({ runId, waves: [['T-1', 'T-2']], at });
  const end = { kind: 'runEnded', at: NOW } as const;
  const past = [
    runAfter(start('b'), end),
    runAfter(start('c'), end),
    runAfter(start('d'), { kind: 'runStopping', stop: { kind: 'interrupted' }, at: NOW }, end),
  ];
  const backlog = fakeBacklog({
    ...{ tasks: FOUR, runs: () => [runAfter(start('a')), past[0]!] },
    ...{ pastRuns: past, elsewhere: [runAfter(start('e'))] },
  });
  const walk = (node?: TreeNode): readonly TreeNode[] =>
    childrenOf(node, [backlog], 'runs').flatMap((child) => [child, ...walk(child)]);
  const all = walk();
  assert.equal(new Set(all.map(nodeKey)).size, all.length);
  const runs = all.flatMap((node) => (node.kind === 'run' ? [node.runId] : []));
  assert.deepEqual(runs.sort(), ['a', 'b', 'c', 'd', 'e']);
});

describe('the row of a task that a run has', () => {
  const run = runAfter(beginning, ...atWork('T-1', 1, at));

  test('says how long its agent has been at work, and what it does now, else who it is', () => {
    const view = {
      ...NO_AGENTS,
      activityOf: (_: Backlog, id: string) => (id === 'T-1' ? 'Edits\u0007 src/a.ts' : 'x'),
    };
    const [first, second] = show(run, {}, view).rows;
    assert.equal(first?.description, '20 min · Edits src/a.ts');
    assert.equal(second?.description, 'queued', 'nobody is at work on it');
    assert.equal(show(run).rows[0]?.description, '20 min · Claude Code');
  });

  test('warns where it looks stuck, and offers to stop and requeue it', () => {
    const { backlog } = show(run, { lastOutputAt: () => NOW - 12 * MINUTE });
    assert.doesNotMatch(rowOf(backlog, 'T-1').description, /stuck/);
    backlog.changed();
    const first = rowOf(backlog, 'T-1');
    assert.match(
      first.description,
      new RegExp(`^looks stuck: silent since ${clockTime(NOW - 12 * MINUTE)} · 20 min · `),
    );
    assert.match(first.spoken, /looks stuck/);
    assert.deepEqual(first.icon, { id: 'warning', color: 'list.warningForeground' });
    assert.deepEqual(first.flags, [
      'task',
      'runningTask',
      'stuckTask',
      'requeuableTask',
      'withLog',
    ]);
  });

  test('says which attempt it is, and what the one before ended with while it waits for the next', () => {
    const failed = failedWith({ kind: 'exit' }, 3);
    const requeued: readonly RunStep[] = [
      { kind: 'taskRequeued', id: taskId('T-1'), outcome: failed, notBefore: NOW + MINUTE, at },
      { kind: 'taskWaits', id: taskId('T-1'), reason: { kind: 'retry', at: NOW + MINUTE }, at },
    ];
    const waiting = show(runAfter(beginning, ...atWork('T-1', 1, at), ...requeued)).rows[0];
    assert.equal(
      waiting?.description,
      `tries again at ${clockTime(NOW + MINUTE)} · failed with exit code 3`,
    );
    const again = show(
      runAfter(beginning, ...atWork('T-1', 1, at), ...requeued, ...atWork('T-1', 2, at, 2)),
    ).rows[0];
    assert.equal(again?.description, '20 min · Claude Code · 2nd attempt');
  });
});

/** A run in which one task ended so, before it is remembered alone as well as after. */
function afterEnd(outcome: TaskOutcome, status: Status, more: FakeBacklog = {}) {
  const run = runAfter(
    runStarted({ waves: [['T-1']], at }),
    ...atWork('T-1', 1, at),
    ended('T-1', outcome, NOW - MINUTE),
    { kind: 'runEnded', at: NOW - MINUTE },
  );
  const backlogs = [{ runs: () => [run] }, { pastRuns: [run] }].map((where) =>
    fakeBacklog({ tasks: [task('T-1', { status })], ...where, ...more }),
  );
  const [shown, past] = backlogs.map((backlog) => rowOf(backlog, 'T-1'));
  assert.ok(shown !== undefined && past !== undefined);
  assert.deepEqual(past, shown, 'a run that is only remembered tells the same');
  return shown;
}

describe('the row of a task, after the run', () => {
  const failure = failedWith({ kind: 'exit' }, 1);
  const RED = { id: 'error', color: 'testing.iconFailed' };

  test('stays red where it failed, offers its log, and can be run again', () => {
    const row = afterEnd(failure, 'Todo');
    assert.deepEqual([row.description, row.icon], ['failed with exit code 1', RED]);
    for (const flag of ['failedTask', 'withLog', 'runnableTask'])
      assert.ok(row.flags.includes(flag), flag);
  });

  test('is yellow where nobody knows how it went', () => {
    const { icon } = afterEnd({ kind: 'unknown', detail: '' }, 'Todo');
    assert.deepEqual(icon, { id: 'question', color: 'charts.yellow' });
  });

  test('says nothing of a failure once the user has gone on with the task', () => {
    for (const status of ['Done', 'Review', 'Blocked', 'Cancelled'] as const)
      assert.doesNotMatch(afterEnd(failure, status).description, /failed/, status);
    assert.equal(afterEnd({ kind: 'stopped' }, 'Todo').description, 'ready');
  });

  test('says nothing of it while another process holds the task', () => {
    const held = { status: 'In Progress', lock: lock('claude-x-1', NOW + MINUTE) } as const;
    const row = afterEnd(failure, 'In Progress', { tasks: [task('T-1', held)] });
    assert.equal(row.description, 'held by claude-x-1, 1 min left');
    assert.equal(row.icon.id, 'play-circle');
  });

  test('forgets the failure with the next attempt, and not with a run that never came to it', () => {
    const failed = runAfter(
      runStarted({ waves: [['T-1']], at }),
      ...atWork('T-1', 1, at),
      ended('T-1', failure, at),
      { kind: 'runEnded', at },
    );
    const next = runStarted({ runId: 'r2', waves: [['T-1']], at: NOW });
    const of = (...steps: readonly RunStep[]): RowContent => {
      const runs = [failed, runAfter(next, ...steps)];
      return rowOf(fakeBacklog({ tasks: tasks('T-1'), runs: () => runs }), 'T-1');
    };
    assert.match(of(...atWork('T-1', 1, NOW)).description, /^< 1 min · /);
    const skipped: TaskOutcome = { kind: 'skipped', reason: { kind: 'stopped' } };
    const ending = { kind: 'runEnded', at: NOW } as const;
    assert.deepEqual(of(ended('T-1', skipped, NOW), ending).icon, RED);
    const well = of(...atWork('T-1', 1, NOW), ended('T-1', SUCCEEDED, NOW), ending);
    assert.equal(well.description, 'ready');
  });

  test('has the size of its work to review, and whether it was verified', () => {
    const changes = {
      ...{ branch: 'waves/t', base: 'b'.repeat(40), commit: 'c'.repeat(40) },
      ...{ files: 2, added: 8, removed: 1 },
    };
    const row = afterEnd(
      { kind: 'succeeded', status: 'Review', evidence: { ...evidence, changes } },
      'Review',
    );
    assert.equal(row.description, 'to review · +8 −1 · 2 files · verified');
    assert.equal(row.icon.id, 'eye');
    assert.ok(row.flags.includes('undecidedTask') && !row.flags.includes('reviewable'));
    assert.equal(afterEnd(SUCCEEDED, 'Review').description, 'to review');
    assert.ok(afterEnd(SUCCEEDED, 'Review').flags.includes('reviewable'));
  });
});

const waits: readonly [WaitReason, string][] = [
  [
    { kind: 'sharesFiles', with: taskId('T-2'), files: ['src/a.ts'] },
    'waits: shares src/a.ts with T-2',
  ],
  [
    { kind: 'sharesFiles', with: taskId('T-2'), files: ['a', 'b', 'c'] },
    'waits: shares a and 2 more with T-2',
  ],
  [{ kind: 'held', holder: 'claude-x-1' }, 'waits: held by claude-x-1'],
  [
    { kind: 'coolingDown', agent: 'claude', until: NOW },
    `Claude Code cools down until ${clockTime(NOW)}`,
  ],
  [
    { kind: 'agentCap', agent: 'constructor', cap: 2 },
    'waits: constructor has 2 at work, its limit',
  ],
  [{ kind: 'retry', at: NOW }, `tries again at ${clockTime(NOW)}`],
];
for (const [reason, words] of waits) {
  test(`a task that waits says: ${words}`, () => {
    assert.equal(explainWait(reason), words);
    const { rows } = show(
      runAfter(beginning, { kind: 'taskWaits', id: taskId('T-2'), reason, at }),
    );
    assert.equal(rows[1]?.description, words.replace(' with T-2', ' with Title of T-2'));
  });
}

const check = { command: 'npm test', passed: false, exitCode: 1, durationMs: 1, tail: '' };
const evidence = {
  ...{
    startedAt: at,
    endedAt: NOW,
    files: [],
    summary: undefined,
    logFile: undefined,
    sessionId: undefined,
  },
  verify: { ...check, passed: true, exitCode: 0 },
};
const causes: readonly [FailCause, string][] = [
  [{ kind: 'said', detail: 'Not logged in' }, 'failed: Not logged in, back to Todo'],
  [
    { kind: 'timeLimit', limitMs: 2 * 60 * MINUTE },
    'failed: ended at its time limit of 2 h, back to Todo',
  ],
  [{ kind: 'verify', result: check }, 'failed: npm test did not pass (exit code 1), back to Todo'],
  [
    { kind: 'verify', result: { ...check, exitCode: undefined } },
    'failed: npm test did not pass (it did not finish), back to Todo',
  ],
];
const outcomes: readonly [TaskOutcome, string][] = [
  ...causes.map(([cause, words]): [TaskOutcome, string] => [failedWith(cause, 1), words]),
  [{ kind: 'succeeded', status: 'Done', evidence }, 'succeeded and verified, now Done'],
  [SUCCEEDED, 'succeeded, now Review'],
  [
    {
      kind: 'succeeded',
      status: 'Review',
      evidence: { ...evidence, verify: undefined, remarks: ['could not run: npm test'] },
    },
    'succeeded, now Review; could not run: npm test',
  ],
  [
    {
      kind: 'conflict',
      files: ['a'],
      status: 'Review',
      evidence: {
        ...evidence,
        remarks: ['could not run: npm test', 'Its agent was asked', 'It is not merged: x'],
      },
    },
    'conflicts with earlier work in a, now Review; could not run: npm test. Its agent was asked. It is not merged: x',
  ],
  [
    { kind: 'rateLimited', retryAfterMs: undefined, detail: '429' },
    'refused by a rate limit: 429, back to Todo',
  ],
  [
    { kind: 'unknown', detail: 'its supervisor was killed' },
    'its end is unknown: its supervisor was killed',
  ],
  [
    {
      kind: 'skipped',
      reason: { kind: 'runStopped', stop: { kind: 'failure', id: taskId('T-3') } },
    },
    'skipped: the run stopped at the failure of T-3',
  ],
  [
    {
      kind: 'skipped',
      reason: { kind: 'runStopped', stop: { kind: 'waveVerify', wave: 0, result: check } },
    },
    'skipped: the run stopped: npm test did not pass (exit code 1)',
  ],
];
for (const [outcome, words] of outcomes) {
  test(`an outcome is told as: ${words}`, () => assert.equal(explainOutcome(outcome, NOW), words));
}

test('what an agent said is cut where it would fill the row', () => {
  const words = explainOutcome(failedWith({ kind: 'said', detail: 'x'.repeat(9000) }, 1), NOW);
  assert.ok(words.length < 200, String(words.length));
});

test('a run that ended with its window is interrupted', () => {
  assert.equal(explainStop({ kind: 'interrupted' }, NOW), 'stopped with its window');
});

test('ordinals are spelled as people do', () => {
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal), [
    ...['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '111th'],
  ]);
});

describe('a run that has ended', () => {
  const bad: readonly RunStep[] = [
    ...atWork('T-1', 1, at),
    ended('T-1', SUCCEEDED, NOW),
    ...atWork('T-2', 2, at),
    ended('T-2', failedWith({ kind: 'exit' }, 1), NOW),
    ended('T-3', { kind: 'stopped' }, NOW),
    ended('T-4', { kind: 'skipped', reason: { kind: 'dependencyFailed', id: taskId('T-3') } }, NOW),
  ];
  const ending = { kind: 'runEnded', at: NOW } as const;

  test('offers to resume what is left', () => {
    const { row, backlog } = show(runAfter(beginning, ...bad, ending));
    assert.equal(
      line(row),
      'Ended: All waves | 1/4 succeeded · 1 failed · 1 stopped · 1 skipped · took 20 min',
    );
    assert.deepEqual([row.flags, row.collapsible], [['run', 'endedRun', 'resumableRun'], 'none']);
    assert.equal(contextKeysOf([backlog]).resumable, true);
  });

  test('offers nothing once another run took it up, or once nothing of it is open', () => {
    const run = runAfter(beginning, ...bad, ending);
    const next = runAfter(runStarted({ runId: 'r2', waves: [['T-2']], at: NOW, resumes: 'r' }));
    const taken = fakeBacklog({ tasks: FOUR, runs: () => [run, next] });
    assert.ok(!top(taken)[0]?.flags.includes('resumableRun'));
    const done = show(run, { tasks: tasks('+T-1', '+T-2', '+T-3', '?T-4') });
    assert.ok(!done.row.flags.includes('resumableRun'));
  });

  test('counts what nobody saw the end of apart from what failed', () => {
    const run = runAfter(
      beginning,
      ...atWork('T-1', 1, at),
      ended('T-1', { kind: 'unknown', detail: '' }, NOW),
      ending,
    );
    assert.match(show(run).row.description, /^0\/4 succeeded · 1 unclear/);
  });

  test('of the past stands in a group at the end, and a click opens its report', () => {
    const past = runAfter(beginning, ...bad, ending);
    const older = runAfter(
      runStarted({ runId: 'old', waves: [['T-9']], at: at - 72 * 60 * MINUTE }),
      {
        ...ending,
        at: at - 71 * 60 * MINUTE,
      },
    );
    const backlog = fakeBacklog({ tasks: FOUR, pastRuns: [past, older] });
    const group = top(backlog).find(({ label }) => label === 'Past Runs');
    assert.equal(group?.description, '2');
    const [first, second] = childrenOf(group.node, [backlog]);
    assert.ok(first !== undefined && second !== undefined);
    const row = describeNode(first, NO_AGENTS);
    assert.equal(
      line(row),
      `All waves | ${whenWords(at, NOW)} · 1/4 succeeded · 1 failed · 1 stopped · 1 skipped · took 20 min`,
    );
    assert.deepEqual([row.flags, row.collapsible], [['run', 'pastRun', 'resumableRun'], 'none']);
    assert.equal(row.click?.command, 'todo2Waves.openRunReport');
  });

  test('that is still shown is not in the past as well', () => {
    const run = runAfter(beginning, ...bad, ending);
    const labels = top(fakeBacklog({ tasks: FOUR, runs: () => [run], pastRuns: [run] })).map(
      ({ label }) => label,
    );
    assert.ok(!labels.includes('Past Runs'));
    const all = labels.filter((label) => label === 'Ended: All waves');
    assert.equal(all.length, 1);
  });

  test('with its window stands on top and asks to be resumed', () => {
    const stop = { kind: 'interrupted' } as const;
    const run = runAfter(beginning, { kind: 'runStopping', stop, at: NOW }, ...bad, ending);
    const rows = top(fakeBacklog({ tasks: FOUR, pastRuns: [run] }));
    assert.match(line(rows[0]!), /^Interrupted: All waves \| .*1\/4 succeeded/);
    assert.ok(rows[0]?.flags.includes('resumableRun'));
    assert.ok(!rows.some(({ label }) => label === 'Past Runs'));
  });
});
