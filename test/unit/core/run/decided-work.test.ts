import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acceptedWords,
  isAllAccepted,
  isInConflict,
  isUndecided,
} from '../../../../src/core/run/decided-work.ts';
import type { TaskChanges } from '../../../../src/core/run/isolation.ts';
import { formatEntry, parseEntry } from '../../../../src/core/run/journal/journal-entry.ts';
import { resumable } from '../../../../src/core/run/journal/recovery.ts';
import { foldJournal } from '../../../../src/core/run/journal/run-state.ts';
import { runReport } from '../../../../src/core/run/report/run-report.ts';
import { groupOf } from '../../../../src/core/run/report/run-summary.ts';
import type { RunEvent, RunState, TaskOutcome } from '../../../../src/core/run/run-events.ts';
import { decisionWords, type WorkDecision } from '../../../../src/core/run/work-decision.ts';
import { taskId } from '../../../../src/core/task.ts';
import { atWork, ended, runAfter, runStarted } from '../../../support/run-events.ts';

const COMMIT = 'c'.repeat(40);
const CHANGES: TaskChanges = {
  ...{ branch: 'waves/t-2', base: 'b'.repeat(40), commit: COMMIT },
  ...{ files: 1, added: 2, removed: 1 },
};
const EVIDENCE = {
  ...{ startedAt: 1, endedAt: 2, verify: undefined, files: [], summary: undefined },
  ...{ logFile: undefined, sessionId: undefined, changes: { ...CHANGES, added: 9 } },
};
const WORKED: TaskOutcome = { kind: 'succeeded', status: 'Review', evidence: EVIDENCE };
const CONFLICT: TaskOutcome = {
  ...{ kind: 'conflict', files: ['a.ts'], status: 'Review' },
  evidence: { ...EVIDENCE, remarks: ['It is not merged: Git is busy', 'It left notes'] },
};

const RUN = runAfter(
  runStarted({ waves: [['T-1', 'T-2']], at: 1 }),
  ...atWork('T-1', 1, 1),
  ended('T-1', WORKED, 2),
  ...atWork('T-2', 2, 1),
  ended('T-2', CONFLICT, 2),
  { kind: 'runEnded', at: 3 },
);

const merged: WorkDecision = { kind: 'merged', changes: CHANGES };
const accepted: WorkDecision = { kind: 'accepted', target: 'main', commit: COMMIT };
const undone: WorkDecision = { kind: 'undone', target: 'main', commit: COMMIT };
const discarded: WorkDecision = { kind: 'discarded', ref: 'refs/waves/discarded/t-2' };

type Decided = readonly [decision: WorkDecision, ...ids: string[]];

/** The run after these decisions, read as lines that were appended to its journal. */
function after(...all: readonly Decided[]): RunState {
  const events = all.map(([decision, ...ids]): RunEvent => {
    const event = {
      kind: 'workDecided',
      runId: 'r',
      ids: ids.map(taskId),
      decision,
      at: 9,
    } as const;
    return parseEntry(formatEntry(event)) ?? assert.fail('cannot be read');
  });
  return foldJournal(events, RUN) ?? assert.fail('no run');
}

const taskOf = (run: RunState, id: string) => run.tasks.get(taskId(id)) ?? assert.fail(`no ${id}`);
const report = (run: RunState): string =>
  runReport(run, { titleOf: () => undefined, dependenciesOf: () => [], now: 10, timeOf: String });

test('a conflict that was resolved is verified as its merge was, not as before', () => {
  const verify = { command: 'npm test', passed: true, exitCode: 0, durationMs: 1, tail: '' };
  for (const known of [undefined, verify]) {
    const task = taskOf(after([{ ...merged, verify: known }, 'T-2']), 'T-2');
    assert.ok(task.outcome?.kind === 'succeeded');
    assert.deepEqual(task.outcome.evidence?.verify, known);
  }
});

test('a conflict that was resolved counts as a success, with what was merged', () => {
  const run = after([merged, 'T-2']);
  const task = taskOf(run, 'T-2');
  assert.ok(task.outcome?.kind === 'succeeded');
  assert.deepEqual(task.outcome.evidence?.changes, CHANGES);
  assert.deepEqual(task.outcome.evidence.remarks, ['It left notes']);
  assert.deepEqual([isInConflict(task), isUndecided(task)], [false, true]);
  assert.deepEqual(resumable(run), []);
  assert.match(report(run), /T-2.* \| merged after a conflict \|/);
  assert.doesNotMatch(report(run), /in conflict|Resolve the conflicts/);
});

test('work that was accepted is neither accepted again nor resolved, until that is undone', () => {
  assert.deepEqual([isAllAccepted(RUN), acceptedWords(RUN)], [false, undefined]);
  const some = after([accepted, 'T-1']);
  assert.deepEqual([isAllAccepted(some), acceptedWords(some)], [false, '1 accepted']);

  const all = after([accepted, 'T-1', 'T-2']);
  assert.deepEqual(
    [isAllAccepted(all), acceptedWords(all)],
    [true, 'accepted into main as ccccccc'],
  );
  const task = taskOf(all, 'T-2');
  assert.deepEqual(
    [groupOf(task), isInConflict(task), isUndecided(task)],
    ['succeeded', false, false],
  );
  assert.deepEqual(resumable(all), []);
  assert.match(report(all), /T-1.* \| succeeded, accepted into main as ccccccc \|/);
  assert.match(report(all), /T-2.* \| accepted into main as ccccccc \|/);
  assert.match(report(all), /every task is done/);

  const back = after([accepted, 'T-1', 'T-2'], [undone, 'T-1', 'T-2']);
  assert.equal(acceptedWords(back), undefined);
  assert.deepEqual(
    [groupOf(taskOf(back, 'T-2')), isInConflict(taskOf(back, 'T-2'))],
    ['conflict', true],
  );
  assert.ok(isUndecided(taskOf(back, 'T-1')));
  assert.match(report(back), /T-1.* \| succeeded, accept into main undone \|/);
});

test('discarded work is nothing to resolve, and the report says where it is kept', () => {
  const run = after([discarded, 'T-2']);
  const task = taskOf(run, 'T-2');
  assert.deepEqual(
    [groupOf(task), isInConflict(task), isUndecided(task)],
    ['discarded', false, false],
  );
  assert.match(report(run), /1 succeeded, 1 discarded/);
  assert.match(report(run), /Kept as: refs\/waves\/discarded\/t-2/);
  assert.doesNotMatch(report(run), /Resolve the conflicts/);
});

const fitsNot: readonly [
  name: string,
  decisions: readonly Decided[],
  task: WorkDecision['kind'] | undefined,
][] = [
  ['merging what had no conflict', [[merged, 'T-1']], undefined],
  ['undoing what was not accepted', [[undone, 'T-1']], undefined],
  [
    'undoing another accept',
    [
      [accepted, 'T-1'],
      [{ ...undone, commit: 'd'.repeat(40) }, 'T-1'],
    ],
    'accepted',
  ],
  [
    'discarding what is in the target',
    [
      [accepted, 'T-1'],
      [discarded, 'T-1'],
    ],
    'accepted',
  ],
  ['a task that is none of the run', [[accepted, 'T-1', 'T-9']], undefined],
];
for (const [name, decisions, kind] of fitsNot)
  test(`in a journal, ${name} is passed over`, () => {
    assert.equal(taskOf(after(...decisions), 'T-1').decision?.kind, kind);
  });

test('a task that is still at work has no decision', () => {
  const live = runAfter(runStarted({ waves: [['T-1']], at: 1 }), ...atWork('T-1', 1, 1));
  const event = {
    kind: 'workDecided',
    runId: 'r',
    ids: [taskId('T-1')],
    decision: accepted,
    at: 9,
  } as const;
  assert.deepEqual(foldJournal([event], live), live);
});

test('what is in a target already is accepted without a commit', () => {
  assert.equal(decisionWords({ ...accepted, commit: undefined }), 'accepted into main');
});
