import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../../support/use-editor-stub.ts';
import type { TaskChanges } from '../../../../src/core/run/isolation.ts';
import type { TaskOutcome } from '../../../../src/core/run/run-events.ts';
import type { WorkDecision } from '../../../../src/core/run/work-decision.ts';
import { type Status, taskId } from '../../../../src/core/task.ts';
import { describeNode } from '../../../../src/ui/tree-item.ts';
import { task } from '../../../support/backlog.ts';
import { fakeBacklog, NO_AGENTS, NOW } from '../../../support/fake-backlog.ts';
import { atWork, ended, runAfter, runStarted } from '../../../support/run-events.ts';

const COMMIT = 'abc1234'.padEnd(40, '0');
const changes: TaskChanges = {
  ...{ branch: 'waves/t', base: 'b'.repeat(40), commit: COMMIT },
  ...{ files: 1, added: 3, removed: 1 },
};
const evidence = {
  ...{ startedAt: 1, endedAt: 2, verify: undefined, files: [], summary: undefined },
  ...{ logFile: undefined, sessionId: undefined, changes },
};
const outcomes: readonly (readonly [id: string, outcome: TaskOutcome])[] = [
  ['T-1', { kind: 'succeeded', status: 'Review', evidence }],
  ['T-2', { kind: 'conflict', files: ['a.ts'], status: 'Review', evidence }],
];
const isolation = { target: 'main', base: 'b'.repeat(40), start: 'commit' } as const;

const merged: WorkDecision = { kind: 'merged', changes };
const accepted: WorkDecision = { kind: 'accepted', target: 'main', commit: COMMIT };
const undone: WorkDecision = { kind: 'undone', target: 'main', commit: COMMIT };
const discarded: WorkDecision = { kind: 'discarded', ref: 'refs/waves/discarded/t' };

type Decided = readonly [decision: WorkDecision, ...ids: string[]];

/** What the rows of the run and of its second task show and offer. */
function rowsAfter(status: Status, ...decided: readonly Decided[]) {
  const run = runAfter(
    runStarted({ waves: [['T-1', 'T-2']], at: NOW, title: 'All', options: { isolation } }),
    ...outcomes.flatMap(([id, outcome], index) => [
      ...atWork(id, index + 1, NOW),
      ended(id, outcome, NOW),
    ]),
    { kind: 'runEnded', at: NOW },
    ...decided.map(([decision, ...ids]) => ({
      ...{ kind: 'workDecided' as const, ids: ids.map(taskId), decision, at: NOW },
    })),
  );
  const backlog = fakeBacklog({
    tasks: [task('T-1', { status }), task('T-2', { status })],
    runs: () => [run],
  });
  const ofRun = { kind: 'run', backlog, runId: run.runId, ended: true } as const;
  const ofTask = { kind: 'task', backlog, taskId: taskId('T-2') } as const;
  const offers = (flags: readonly string[]): readonly string[] =>
    flags.filter((flag) => /^(?:with(?:Changes|Conflict)|isolatedRun|undecided.*)$/.test(flag));
  const [first, second] = [ofRun, ofTask].map((node) => describeNode(node, NO_AGENTS));
  assert.ok(first && second);
  return {
    run: first.description.split(' · took')[0],
    ofRun: offers(first.flags).join(' '),
    task: second.description,
    ofTask: offers(second.flags).join(' '),
    icons: `${first.icon.id} ${second.icon.id}`,
  };
}

const OPEN = 'withChanges undecidedTask';
const cases: readonly [name: string, status: Status, decided: readonly Decided[], rows: object][] =
  [
    [
      'a conflict that is open offers to resolve it',
      'Review',
      [],
      {
        run: '1/2 succeeded · 1 in conflict',
        ofRun: 'isolatedRun undecidedRun',
        task: 'conflicts with earlier work in a.ts',
        ofTask: `${OPEN} withConflict`,
        icons: 'git-merge git-merge',
      },
    ],
    [
      'a conflict that was resolved is merged, and can be accepted',
      'Review',
      [[merged, 'T-2']],
      {
        run: '2/2 succeeded',
        ofRun: 'isolatedRun undecidedRun',
        task: 'to review · merged after a conflict · +3 −1 · 1 file',
        ofTask: OPEN,
        icons: 'pass eye',
      },
    ],
    [
      'what was accepted is not offered again',
      'Done',
      [
        [merged, 'T-2'],
        [accepted, 'T-1', 'T-2'],
      ],
      {
        run: 'accepted into main as abc1234 · 2/2 succeeded',
        ofRun: 'isolatedRun',
        task: 'accepted into main as abc1234',
        ofTask: 'withChanges',
        icons: 'pass pass-filled',
      },
    ],
    [
      'what was accepted from its own branch has no conflict any more',
      'Done',
      [[accepted, 'T-2']],
      {
        run: '1 accepted · 2/2 succeeded',
        ofRun: 'isolatedRun undecidedRun',
        task: 'accepted into main as abc1234',
        ofTask: 'withChanges',
        icons: 'pass pass-filled',
      },
    ],
    [
      'what was undone is offered again',
      'Review',
      [
        [accepted, 'T-1', 'T-2'],
        [undone, 'T-1', 'T-2'],
      ],
      {
        run: '1/2 succeeded · 1 in conflict',
        ofRun: 'isolatedRun undecidedRun',
        task: 'accept into main undone · conflicts with earlier work in a.ts',
        ofTask: `${OPEN} withConflict`,
        icons: 'git-merge git-merge',
      },
    ],
    [
      'what was discarded is only shown',
      'Todo',
      [[discarded, 'T-2']],
      {
        run: '1/2 succeeded · 1 discarded',
        ofRun: 'isolatedRun undecidedRun',
        task: 'work discarded',
        ofTask: 'withChanges',
        icons: 'circle-slash circle-large-outline',
      },
    ],
  ];
for (const [name, status, decided, rows] of cases)
  test(name, () => assert.deepEqual(rowsAfter(status, ...decided), rows));
