import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ganttBlock } from '../../../../../src/core/run/report/gantt.ts';
import { ganttName } from '../../../../../src/core/markdown.ts';
import type { ReportContext } from '../../../../../src/core/run/report/report-context.ts';
import type { RunEvent, RunState } from '../../../../../src/core/run/run-events.ts';
import { runReport } from '../../../../../src/core/run/report/run-report.ts';
import { applyRunEvents } from '../../../../../src/core/run/journal/run-state.ts';
import { summariseRun } from '../../../../../src/core/run/report/run-summary.ts';
import { utcTime } from '../../../../../src/core/text.ts';
import { taskId, type TaskId } from '../../../../../src/core/task.ts';
import { assertGolden } from '../../../../support/golden.ts';
import { outcomes } from '../../../../support/run-arbitraries.ts';
import { failed, ranFor, startOf, succeeded } from '../../../../support/run-stories.ts';

const RUN = '20260105T120000-a1b2c3';
const BEGIN = Date.UTC(2026, 0, 5, 12);
const MIN = 60_000;

function context(more: Partial<ReportContext> = {}): ReportContext {
  return {
    titleOf: () => undefined,
    dependenciesOf: () => [],
    now: BEGIN + 60 * MIN,
    timeOf: utcTime,
    ...more,
  };
}

const TITLES: Readonly<Record<string, string>> = {
  'T-1': 'Read the tide tables',
  'T-2': 'Predict the `tide` | for a week',
  'T-3': 'Moor: "end"; #stop %%{init}%% <b>',
  'T-4': 'Publish',
};
const DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  'T-2': ['T-1'],
  'T-4': ['T-2', 'T-3'],
};
const harbour = context({
  titleOf: (id) => TITLES[id],
  dependenciesOf: (id) => (DEPENDENCIES[id] ?? []).map(taskId),
});

function harbourRun(): RunState {
  const evidence = {
    ...{
      startedAt: BEGIN,
      endedAt: BEGIN + 5 * MIN,
      files: ['src/tide.ts', 'docs/tide tables.md'],
    },
    verify: { command: 'npm test', passed: true, exitCode: 0, durationMs: 9000, tail: 'all fine' },
    summary: 'Done.\n```\n# Not a heading\n```\n\u001b[31mred',
    logFile: `.todo2/waves/runs/${RUN}/2.log`,
    sessionId: 'b1-c2',
    usage: { inputTokens: 11_000, outputTokens: 1400, costUsd: 0.34 },
  };
  const broken = {
    command: 'npm test',
    passed: false,
    exitCode: 1,
    durationMs: 4000,
    tail: '1 of 9 failed',
  };
  const usage = { inputTokens: 5000, outputTokens: 200, costUsd: undefined };
  const events: readonly [RunEvent, ...RunEvent[]] = [
    startOf(RUN, [['T-1', 'T-3'], ['T-2'], ['T-4']], {
      at: BEGIN,
      title: 'All waves',
      options: { retries: 1 },
    }),
    { kind: 'capChanged', runId: RUN, cap: 4, at: BEGIN },
    { kind: 'waveStarted', runId: RUN, wave: 0, at: BEGIN },
    ...ranFor(RUN, 'T-3', {
      ...{ attemptNo: 1, from: BEGIN, ms: MIN, again: true },
      outcome: { kind: 'rateLimited', retryAfterMs: MIN, detail: 'Try again later', usage },
    }),
    ...ranFor(RUN, 'T-1', {
      attemptNo: 2,
      from: BEGIN,
      ms: 5 * MIN,
      outcome: { ...succeeded('Done'), evidence: { ...evidence, remarks: ['could not run: x'] } },
    }),
    ...ranFor(RUN, 'T-3', {
      ...{ attemptNo: 3, tryNo: 2, from: BEGIN + 2 * MIN, ms: 4 * MIN },
      outcome: { ...failed(0), cause: { kind: 'verify', result: broken } },
    }),
    { kind: 'waveEnded', runId: RUN, wave: 0, verify: broken, at: BEGIN + 6 * MIN },
    { kind: 'waveStarted', runId: RUN, wave: 1, at: BEGIN + 6 * MIN },
    ...ranFor(RUN, 'T-2', {
      attemptNo: 4,
      from: BEGIN + 6 * MIN,
      ms: 11 * MIN,
      outcome: succeeded(),
    }),
    { kind: 'waveEnded', runId: RUN, wave: 1, verify: undefined, at: BEGIN + 17 * MIN },
    { kind: 'runStopping', runId: RUN, stop: { kind: 'person' }, at: BEGIN + 17 * MIN },
    {
      ...{ kind: 'taskEnded', runId: RUN, id: taskId('T-4'), at: BEGIN + 17 * MIN },
      outcome: { kind: 'skipped', reason: { kind: 'dependencyFailed', id: taskId('T-3') } },
    },
    { kind: 'runEnded', runId: RUN, at: BEGIN + 17 * MIN },
  ];
  return applyRunEvents(undefined, events);
}

describe('the report of a run', () => {
  test('tells what came of each task, when, what shows it, and what is left to do', async () => {
    await assertGolden('run-report.md', runReport(harbourRun(), harbour));
  });

  test('can be read while the run lasts, and of a run in which nothing began', () => {
    const begun = applyRunEvents(undefined, [startOf(RUN, [['T-1']], { at: BEGIN })]);
    const report = runReport(begun, context());
    assert.match(report, /not yet, as of 2026-01-05T13:00:00Z/);
    assert.match(report, /The run has not ended/);
    assert.doesNotMatch(report, /mermaid|Critical path|Evidence|Retries/);
    const empty = applyRunEvents(undefined, [
      startOf(RUN, [], { at: BEGIN }),
      { kind: 'runEnded', runId: RUN, at: BEGIN },
    ]);
    assert.match(runReport(empty, context()), /Nothing: every task is done/);
  });

  test('finds the longest chain of work, not the longest task, and is not led around by a circle', () => {
    const events: readonly [RunEvent, ...RunEvent[]] = [
      startOf(RUN, [['T-1', 'T-2'], ['T-3']], { at: BEGIN }),
      ...ranFor(RUN, 'T-1', { attemptNo: 1, from: BEGIN, ms: 4 * MIN, outcome: succeeded() }),
      ...ranFor(RUN, 'T-2', { attemptNo: 2, from: BEGIN, ms: 6 * MIN, outcome: succeeded() }),
      ...ranFor(RUN, 'T-3', {
        attemptNo: 3,
        from: BEGIN + 6 * MIN,
        ms: 3 * MIN,
        outcome: succeeded(),
      }),
    ];
    const dependenciesOf = (id: TaskId): readonly TaskId[] =>
      id === 'T-3'
        ? [taskId('T-1'), taskId('T-3'), taskId('T-9')]
        : id === 'T-1'
          ? [taskId('T-3')]
          : [];
    const report = runReport(applyRunEvents(undefined, events), context({ dependenciesOf }));
    assert.match(report, /took 7 min; [^\n]*\n\n1\. T-1 \(4 min\)\n2\. T-3 \(3 min\)\n/);
  });

  test('shows whatever a backlog or an agent wrote as text', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '```\n# x',
        '![x](http://x/y.png)',
        '<img src=x onerror=y>',
        '[x](command:y)',
        '$(alert)',
        '| a | b |',
      ),
      fc.constantFrom(
        '\n\nsection x\n',
        '%%{init: {}}%%',
        'click a href "x"',
        '~~~\n```mermaid',
        '\u202e',
      ),
    );
    fc.assert(
      fc.property(hostile, hostile, outcomes, (title, id, outcome) => {
        if (id === '') return;
        const ended = outcome.kind === 'succeeded' ? { ...outcome, evidence: undefined } : outcome;
        const run = applyRunEvents(undefined, [
          startOf(RUN, [[id]], { at: BEGIN, title }),
          ...ranFor(RUN, id, { attemptNo: 1, from: BEGIN, ms: MIN, outcome: ended }),
        ]);
        const report = runReport(run, context({ titleOf: () => title }));
        const [outside, gantt] = splitCode(report);
        assert.doesNotMatch(outside, /<[a-z!/]/i);
        assert.doesNotMatch(outside, /(?<!\\)\]\(|\$\(/);
        assert.equal(gantt.split('\n').length, 5, 'the lines of a gantt are ours');
        assert.deepEqual(runReport(run, context({ titleOf: () => title })), report);
      }),
      { numRuns: 500 },
    );
  });
});

/** What stands outside of blocks of code, and what stands in the one that is a diagram. */
function splitCode(markdown: string): readonly [outside: string, gantt: string] {
  const outside: string[] = [];
  const gantt: string[] = [];
  let fence: string | undefined;
  let language = '';
  for (const line of markdown.split('\n')) {
    if (fence !== undefined && line === fence) fence = undefined;
    else if (fence !== undefined) {
      if (language === 'mermaid') gantt.push(line);
    } else {
      const opening = /^(`{3,})(\w*)$/.exec(line);
      if (opening === null) outside.push(line);
      else [, fence, language = ''] = opening;
    }
  }
  assert.equal(fence, undefined, 'every block is closed');
  return [outside.join('\n'), gantt.join('\n')];
}

describe('a gantt', () => {
  test('has names that are nothing but names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const name = ganttName(text);
        assert.doesNotMatch(name, /[:;#%{}<>"`\\|\n\r]/);
        assert.match(name, /^(?:•|\p{Lu}{1,3}-\d)/u, 'no line begins with a word of its language');
        assert.ok(Array.from(name).length <= 62);
      }),
      { numRuns: 1000 },
    );
    for (const word of ['section x', 'title x', 'GANTT-1', '2026-01-05', 'click T-1']) {
      assert.equal(ganttName(word), `• ${word}`);
    }
    assert.equal(ganttName('T-1 Moor: "end"; #stop'), 'T-1 Moor end stop');
  });

  test('is not there without bars, and its bars have a length', () => {
    assert.equal(ganttBlock([{ name: 'Tasks', bars: [] }]), '');
    const bars = [{ name: 'T-1', look: 'done' as const, from: 5, to: 5 }];
    assert.match(ganttBlock([{ name: 'Tasks', bars }]), /\n {4}T-1 :done, 5, 6\n/);
  });
});

test('the summary counts every task once', () => {
  fc.assert(
    fc.property(fc.array(fc.option(outcomes, { nil: undefined }), { maxLength: 8 }), (ends) => {
      const ids = ends.map((_, index) => `T-${index + 1}`);
      const events = ends.flatMap((outcome, index) =>
        outcome === undefined
          ? []
          : ranFor(RUN, ids[index]!, { attemptNo: index + 1, from: BEGIN, ms: 1, outcome }),
      );
      const run = applyRunEvents(undefined, [startOf(RUN, [ids], { at: BEGIN }), ...events]);
      const {
        tasks,
        succeeded: well,
        verified,
        conflict,
        failed: badly,
        unclear,
        stopped,
        skipped,
        open,
      } = summariseRun(run, BEGIN);
      assert.equal(tasks, ends.length);
      assert.equal(well + conflict + badly + unclear + stopped + skipped + open, tasks);
      assert.ok(verified <= well);
    }),
  );
});
