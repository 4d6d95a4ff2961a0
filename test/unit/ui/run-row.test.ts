import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Backlog } from '../../../src/core/backlog.ts';
import type {
  FailCause,
  RunState,
  TaskOutcome,
  WaitReason,
} from '../../../src/core/run/run-events.ts';
import { taskId } from '../../../src/core/task.ts';
import { whenWords } from '../../../src/ui/handoffs/handoff-row.ts';
import { summariseLocks } from '../../../src/ui/lock-summary.ts';
import type { RowContent, RowView } from '../../../src/ui/row.ts';
import {
  explainOutcome,
  explainStop,
  explainWait,
  ordinal,
} from '../../../src/core/run/run-messages.ts';
import { describeNode } from '../../../src/ui/tree-item.ts';
import { childrenOf, nodeKey, type TreeNode } from '../../../src/ui/tree-nodes.ts';
import { tasks } from '../../support/backlog.ts';
import { fakeBacklog, type FakeBacklog, NO_AGENTS, NOW } from '../../support/fake-backlog.ts';
import {
  atWork,
  ended,
  failedWith,
  runAfter,
  runStarted,
  type RunStep,
  SUCCEEDED,
} from '../../support/run-events.ts';
import { clockTime } from '../../../src/core/messages.ts';

// After the stub: it imports `vscode`.
const { contextKeysOf } = await import('../../../src/ui/context-keys.ts');

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
  return childrenOf(undefined, [backlog]).map((node) => ({
    node,
    ...describeNode(node, NO_AGENTS),
  }));
}

/** The first row of a backlog with this run, and the rows below it. */
function show(run: RunState, more: FakeBacklog = {}, view: RowView = NO_AGENTS) {
  const backlog = fakeBacklog({ tasks: FOUR, runs: () => [run], ...more });
  const [node] = childrenOf(undefined, [backlog]);
  assert.ok(node?.kind === 'run');
  const below = childrenOf(node, [backlog]).map((child) => describeNode(child, view));
  return { backlog, row: describeNode(node, view), below, node };
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

  test('says what its agents have used so far, and each ended task what it used', () => {
    const used = { inputTokens: 11_000, outputTokens: 1000, costUsd: 0.34 };
    const stopped = { kind: 'stopped', usage: used } as const;
    const { row, below } = show(runAfter(beginning, ...working, ended('T-2', stopped, at)));
    assert.equal(
      line(row),
      'Running: All waves | 1/4 succeeded · 1 stopped · 12k tokens · $0.34 · cap 4',
    );
    const described = below.map(({ description }) => description);
    assert.deepEqual(
      described.filter((words) => words.includes('tokens')),
      ['stopped, back to Todo · 12k tokens · $0.34 · T-2'],
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

  test('keeps its key, and its tasks theirs and their order; from its end on it is another row above the same tasks', () => {
    const keys = (run: RunState): string[] => {
      const { backlog, node } = show(run);
      return [node, ...childrenOf(node, [backlog])].map(nodeKey);
    };
    const before = keys(runAfter(beginning));
    assert.deepEqual(keys(runAfter(beginning, ...working)), before);
    const [own, ...below] = keys(runAfter(beginning, ...working, { kind: 'runEnded', at }));
    assert.deepEqual(below, before.slice(1));
    assert.notEqual(own, before[0]);
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
    const waves = top(backlog).filter(({ node }) => node.kind === 'wave');
    assert.ok(waves[0]?.flags.includes('runningWave'));
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
    childrenOf(node, [backlog]).flatMap((child) => [child, ...walk(child)]);
  const all = walk();
  assert.equal(new Set(all.map(nodeKey)).size, all.length);
  const runs = all.flatMap((node) => (node.kind === 'run' ? [node.runId] : []));
  assert.deepEqual(runs.sort(), ['a', 'b', 'c', 'd', 'e']);
});

describe('the row of a task of a run', () => {
  const run = runAfter(beginning, ...atWork('T-1', 1, at));

  test('says what its agent is doing now, and since when it works', () => {
    const view = {
      ...NO_AGENTS,
      activityOf: (_: Backlog, id: string) => (id === 'T-1' ? 'Edits\u0007 src/a.ts' : 'x'),
    };
    const [first, second] = show(run, {}, view).below;
    assert.equal(first?.description, `Edits src/a.ts · running since ${clockTime(at)} · T-1`);
    assert.equal(second?.description, 'queued · T-2', 'nobody is at work on it');
  });

  test('warns where it looks stuck, and offers to stop and requeue it', () => {
    const { backlog } = show(run, { lastOutputAt: () => NOW - 12 * MINUTE });
    backlog.changed();
    const [first] = childrenOf(childrenOf(undefined, [backlog])[0], [backlog]).map((n) =>
      describeNode(n, NO_AGENTS),
    );
    assert.match(
      first?.description ?? '',
      new RegExp(`^looks stuck: silent since ${clockTime(NOW - 12 * MINUTE)} · `),
    );
    assert.equal(first?.icon.id, 'warning');
    assert.deepEqual(first.flags, [
      'task',
      'runningTask',
      'stuckTask',
      'requeuableTask',
      'withLog',
    ]);
  });

  test('warns in its wave, too, as the row of the run may be closed', () => {
    const { backlog } = show(run, { lastOutputAt: () => NOW - 12 * MINUTE });
    const inWave = (): RowContent => {
      const wave = childrenOf(undefined, [backlog]).find((node) => node.kind === 'wave');
      return describeNode(childrenOf(wave, [backlog])[0]!, NO_AGENTS);
    };
    assert.doesNotMatch(inWave().description, /stuck/);
    backlog.changed();
    assert.match(inWave().description, /^looks stuck: silent since .* · running since /);
    assert.match(inWave().spoken, /looks stuck/);
    assert.equal(inWave().icon.id, 'warning');
  });

  test('says which attempt it is, and what the one before ended with while it waits for the next', () => {
    const failed = failedWith({ kind: 'exit' }, 3);
    const requeued: readonly RunStep[] = [
      { kind: 'taskRequeued', id: taskId('T-1'), outcome: failed, notBefore: NOW + MINUTE, at },
      { kind: 'taskWaits', id: taskId('T-1'), reason: { kind: 'retry', at: NOW + MINUTE }, at },
    ];
    const waiting = show(runAfter(beginning, ...atWork('T-1', 1, at), ...requeued)).below[0];
    assert.equal(
      waiting?.description,
      `tries again at ${clockTime(NOW + MINUTE)} · failed with exit code 3 · T-1`,
    );
    const again = show(
      runAfter(beginning, ...atWork('T-1', 1, at), ...requeued, ...atWork('T-1', 2, at, 2)),
    ).below[0];
    assert.equal(again?.description, `running since ${clockTime(at)} · 2nd attempt · T-1`);
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
    const { below } = show(
      runAfter(beginning, { kind: 'taskWaits', id: taskId('T-2'), reason, at }),
    );
    assert.equal(below[1]?.description, `${words} · T-2`);
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

  test('offers to resume what is left, and shows at once what went wrong', () => {
    const { row, backlog } = show(runAfter(beginning, ...bad, ending));
    assert.equal(
      line(row),
      'Ended: All waves | 1/4 succeeded · 1 failed · 1 stopped · 1 skipped · took 20 min',
    );
    assert.deepEqual(
      [row.flags, row.collapsible],
      [['run', 'endedRun', 'resumableRun'], 'expanded'],
    );
    assert.equal(contextKeysOf([backlog]).resumable, true);
  });

  test('offers nothing once another run took it up, or once nothing of it is open', () => {
    const run = runAfter(beginning, ...bad, ending);
    const next = runAfter(runStarted({ runId: 'r2', waves: [['T-2']], at: NOW, resumes: 'r' }));
    const taken = fakeBacklog({ tasks: FOUR, runs: () => [run, next] });
    assert.ok(!top(taken)[1]?.flags.includes('resumableRun'));
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

  test('of the past stands in a group at the end, and a click on a task opens its log', () => {
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
    assert.deepEqual(
      [row.flags, row.collapsible],
      [['run', 'pastRun', 'resumableRun'], 'collapsed'],
    );
    const below = childrenOf(first, [backlog]).map((node) => describeNode(node, NO_AGENTS));
    assert.equal(below[0]?.click?.command, 'todo2Waves.openTaskLog');
    assert.equal(below[2]?.click, undefined, 'it never began');
    assert.equal(below[2]?.opens, 'T-3');
    const [gone] = childrenOf(second, [backlog]).map((node) => describeNode(node, NO_AGENTS));
    assert.equal(gone?.label, 'T-9', 'it is not in the backlog any more');
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
