import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Backlog } from '../../../src/core/backlog.ts';
import { attentionOf } from '../../../src/ui/attention.ts';
import { summariseRuns } from '../../../src/ui/runs/run-summary-item.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { fakeBacklog, ME, NOW } from '../../support/fake-backlog.ts';
import { atWork, ended, failedWith, runAfter, runStarted } from '../../support/run-events.ts';

const MINUTE = 60_000;
const at = NOW - 20 * MINUTE;
const failure = failedWith({ kind: 'exit' }, 1);

test('a badge counts the tasks that need the user, each once, and no lock', () => {
  const run = runAfter(
    runStarted({ waves: [['T-1', 'T-2', 'T-3', 'T-4', 'T-5']], at }),
    ...atWork('T-1', 1, at),
    ...atWork('T-2', 2, at),
    ended('T-2', failure, NOW),
    ...atWork('T-3', 3, at),
    ended('T-3', { kind: 'conflict', files: ['a'], status: 'Review', evidence: undefined }, NOW),
    ...atWork('T-4', 4, at),
    ended('T-4', failure, NOW),
  );
  const backlog = fakeBacklog({
    tasks: [
      ...tasks('T-1', 'T-2', '?T-3', '+T-4', 'T-5', '?T-6', 'T-7'),
      task('T-8', { status: 'In Progress', lock: lock(ME, NOW + MINUTE) }),
    ],
    runs: () => [run],
    lastOutputAt: () => NOW - 12 * MINUTE,
  });
  backlog.changed();
  assert.deepEqual(attentionOf([backlog]), {
    count: 4,
    words: '1 stuck, 1 failed, 1 in conflict, 1 to review',
  });
  assert.equal(attentionOf([fakeBacklog({ tasks: tasks('T-1') })]), undefined);
});

const running = runAfter(
  runStarted({ waves: [['T-1', 'T-2', 'T-3']], at, title: 'All $(waves)' }),
  ...atWork('T-1', 1, at),
  ended('T-1', failure, NOW),
  ...atWork('T-2', 2, at),
);
const of = (...runs: readonly (typeof running)[]): readonly Backlog[] => [
  fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3'), runs: () => runs }),
];

test('the status bar says how many agents are at work, how much has ended, and how long it takes', () => {
  const summary = summariseRuns(of(running), () => 25 * MINUTE);
  assert.equal(summary?.text, '$(play) 1 · 1/3 · 25 min');
  assert.match(summary.tooltip, /^Running: All .* · 0\/3 succeeded · .* · about 25 min left$/);
  assert.equal(
    summariseRuns(of(), () => 0),
    undefined,
  );
  const over = runAfter(runStarted({ waves: [['T-1']], at }), { kind: 'runEnded', at: NOW });
  assert.equal(
    summariseRuns(of(over), () => 0),
    undefined,
  );
});

test('the status bar says that a run is paused, and of several the sum', () => {
  const paused = { ...running, paused: 'person', runId: 'p' } as const;
  assert.equal(summariseRuns(of(paused), () => MINUTE)?.text, '$(debug-pause) 1 · 1/3');
  const both = summariseRuns(
    of(running, paused),
    (_, { runId }) => (runId === 'p' ? 2 : 1) * MINUTE,
  );
  assert.equal(both?.text, '$(play) 2 · 2/6 · 2 min');
  assert.equal(both.tooltip.split('\n').length, 2);
});

test('what is left of a run is estimated from what is open, less what its agents have worked', () => {
  const [backlog] = of(running);
  assert.ok(backlog !== undefined);
  // T-1 took 20 minutes. T-2 has had as many, so a tenth of that is taken to be left; T-3 begins then.
  assert.equal(backlog.runs.forecasts.leftMs({ ...running, cap: 1 }), 22 * MINUTE);
  assert.equal(backlog.runs.forecasts.leftMs({ ...running, cap: 2 }), 20 * MINUTE);
  assert.equal(backlog.runs.forecasts.leftMs({ ...running, phase: 'ended' }), 0);
});
