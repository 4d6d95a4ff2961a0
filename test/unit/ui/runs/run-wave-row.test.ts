import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../../support/use-editor-stub.ts';
import type { TaskOutcome } from '../../../../src/core/run/run-events.ts';
import type { RunOptions } from '../../../../src/core/run/run-options.ts';
import { taskId } from '../../../../src/core/task.ts';
import { describeNode } from '../../../../src/ui/tree-item.ts';
import { childrenOf, nodeKey } from '../../../../src/ui/tree-nodes.ts';
import { tasks } from '../../../support/backlog.ts';
import { fakeBacklog, NO_AGENTS, NOW } from '../../../support/fake-backlog.ts';
import { atWork, ended, runAfter, runStarted } from '../../../support/run-events.ts';

const COMMIT = 'c'.repeat(40);
const isolation = { target: 'main', base: 'b'.repeat(40), start: 'commit' } as const;
const WORKED: TaskOutcome = {
  ...{ kind: 'succeeded', status: 'Review' },
  evidence: {
    ...{ startedAt: 1, endedAt: 2, verify: undefined, files: [], summary: undefined },
    ...{ logFile: undefined, sessionId: undefined },
    changes: {
      ...{ branch: 'waves/t', base: 'b'.repeat(40), commit: COMMIT, files: 1 },
      ...{ added: 1, removed: 0 },
    },
  },
};

/** What the rows below the row of a run show and offer: the first two waves began. */
function rowsBelow(options: Partial<RunOptions>, waves = [['T-1'], ['T-2'], ['T-3']]) {
  const run = runAfter(
    runStarted({ waves, at: NOW, title: 'All', options: { isolation, ...options } }),
    { kind: 'waveStarted', wave: 0, at: NOW },
    ...atWork('T-1', 1, NOW),
    ended('T-1', WORKED, NOW),
    { kind: 'waveEnded', wave: 0, verify: undefined, at: NOW },
    {
      ...{ kind: 'workDecided', ids: [taskId('T-1')], at: NOW },
      decision: { kind: 'accepted', target: 'main', commit: COMMIT },
    },
    ...(waves.length > 1 ? [{ kind: 'waveStarted' as const, wave: 1, at: NOW }] : []),
    ...atWork('T-2', 2, NOW),
  );
  const backlog = fakeBacklog({ tasks: tasks('T-1', 'T-2', 'T-3'), runs: () => [run] });
  const below = childrenOf({ kind: 'run', backlog, runId: 'r', ended: false }, [backlog]);
  return below.map((node) => {
    const { label, description, icon, flags } = describeNode(node, NO_AGENTS);
    assert.deepEqual(childrenOf(node, [backlog]), [], 'a task has one row: in its wave');
    return { row: `${icon.id} ${label}: ${description}`, flags, node };
  });
}

test('the waves of a run in worktrees are rows, and offer what can be done with their work', () => {
  const rows = rowsBelow({});
  assert.deepEqual(
    rows.map(({ row, flags }) => [row, flags.join(' ')]),
    [
      ['pass Wave 0: accepted into main as ccccccc · 1/1 succeeded', 'waveWithChanges'],
      ['sync~spin Wave 1: 0/1 succeeded · 1 running', ''],
      ['clockface Wave 2: 0/1 succeeded', ''],
    ],
  );
  assert.equal(new Set(rows.map(({ node }) => nodeKey(node))).size, 3);
});

const flat: readonly [name: string, ...Parameters<typeof rowsBelow>][] = [
  ['without worktrees', { isolation: undefined }],
  ['whose tasks start as their dependencies are done', { runMode: 'flow' }],
  ['of a single wave', {}, [['T-1', 'T-2', 'T-3']]],
];
for (const [name, ...given] of flat)
  test(`a run ${name} has no rows of waves`, () => assert.deepEqual(rowsBelow(...given), []));
