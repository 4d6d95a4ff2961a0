import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handoffEntry } from '../../../../src/core/handoff.ts';
import { readHandoffs } from '../../../../src/store/json/handoff-reader.ts';
import { dayWords, recentRuns, runInHandoff } from '../../../../src/ui/handoffs/handoff-runs.ts';
import { fakeBacklog, NOW } from '../../../support/fake-backlog.ts';
import {
  atWork,
  ended,
  failedWith,
  runAfter,
  runStarted,
  SUCCEEDED,
} from '../../../support/run-events.ts';

const HOUR = 3_600_000;

function endedRun(runId: string, at: number) {
  return runAfter(
    runStarted({ runId, waves: [['T-1', 'T-2']], at, title: 'Wave\n0' }),
    ...atWork('T-1', 1, at),
    ended('T-1', SUCCEEDED, at),
    ...atWork('T-2', 2, at),
    ended('T-2', failedWith({ kind: 'exit' }, 1), at),
    { kind: 'runEnded', at },
  );
}

const LIVE = runAfter(
  runStarted({ runId: 'live', waves: [['T-3']], at: NOW - 20 * HOUR }),
  ...atWork('T-3', 1, NOW),
);

test('the runs of a day are those at work and those that ended lately, each once, the newest first', () => {
  const [today, yesterday] = [
    endedRun('today', NOW - HOUR),
    endedRun('yesterday', NOW - 17 * HOUR),
  ];
  const backlog = fakeBacklog({ runs: () => [LIVE, today], pastRuns: [today, yesterday] });
  const runs = recentRuns(backlog);
  assert.deepEqual(runs.map(({ runId }) => runId), ['today', 'live']); // prettier-ignore
  assert.equal(dayWords(runs), '2 runs, 1 of them still at work: 1 of 3 tasks succeeded.');
  assert.equal(dayWords([]), '');
});

test('a run that is handed over is read again as it was written', () => {
  const runs = [runInHandoff(endedRun('today', NOW)), runInHandoff(LIVE)];
  assert.deepEqual(runs, [
    { id: 'today', title: 'Wave 0', status: 'ended', result: '1/2 succeeded, 1 failed' },
    { id: 'live', title: 'Wave 0', status: 'running', result: '0/1 succeeded, 1 running' },
  ]);
  const draft = {
    summary: 's',
    blockers: [],
    nextSteps: [],
    inProgress: [],
    held: [],
    released: [],
    git: undefined,
  };
  const own = { id: 'handoff-1', timestamp: new Date(NOW).toISOString(), host: 'desk' };
  const file = (with_: typeof runs): string =>
    JSON.stringify({ handoffs: [handoffEntry({ ...draft, runs: with_ }, own)] });
  const read = readHandoffs(Buffer.from(file(runs)));
  assert.ok(read.ok);
  assert.deepEqual(read.value.handoffs[0]?.runs, runs);
  assert.doesNotMatch(file([]), /"runs"/);
});
