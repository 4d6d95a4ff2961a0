import assert from 'node:assert/strict';
import test from 'node:test';
import { touchedEarlier } from '../../../../../src/core/run/engine/touched-earlier.ts';
import type { RunState, TaskOutcome } from '../../../../../src/core/run/run-events.ts';
import { taskId } from '../../../../../src/core/task.ts';
import { atWork, ended, runAfter, runStarted } from '../../../../support/run-events.ts';

const CHANGES = {
  ...{ branch: 'waves/t-1', base: 'b'.repeat(40), commit: 'c'.repeat(40) },
  ...{ files: 1, added: 1, removed: 0 },
};

function outcome(endedAt: number, files: readonly string[], isApart = true): TaskOutcome {
  return {
    kind: 'succeeded',
    status: 'Review',
    evidence: {
      ...{ startedAt: 0, endedAt, verify: undefined, files, summary: undefined },
      ...{ logFile: undefined, sessionId: undefined, changes: isApart ? CHANGES : undefined },
    },
  };
}

const run = (runId: string, ...outcomes: readonly TaskOutcome[]): RunState =>
  runAfter(
    runStarted({ runId, waves: [['T-1', 'T-2']], at: 0 }),
    ...outcomes.flatMap((each, n) => [...atWork('T-1', n + 1, 1), ended('T-1', each, 2)]),
  );

test('the files of the latest three attempts at a task count, each once, the latest first', () => {
  const runs = [
    run('r1', outcome(1, ['oldest'])),
    run('r2', outcome(4, ['d', 'a'])),
    run('r3', outcome(3, ['c', 'd'])),
    run('r4', outcome(2, ['B'])),
  ];
  const touched = touchedEarlier([...runs, ...runs], { foldCase: false });
  assert.deepEqual(touched(taskId('T-1')), ['d', 'a', 'c', 'B']);
  assert.deepEqual(touched(taskId('T-2')), []);
  assert.deepEqual(touchedEarlier(runs, { foldCase: true })(taskId('T-1')).at(-1), 'b');
});

test('what was touched in a folder that others work in does not count', () => {
  const runs = [run('r1', outcome(1, ['of all'], false)), run('r2', { kind: 'stopped' })];
  assert.deepEqual(touchedEarlier(runs, { foldCase: false })(taskId('T-1')), []);
});

test('of a task that touches very many files, the first ones count', () => {
  const many = Array.from({ length: 500 }, (_, n) => `f${n}`);
  const touched = touchedEarlier([run('r', outcome(1, many))], { foldCase: false });
  assert.deepEqual(touched(taskId('T-1')), many.slice(0, 200));
});
