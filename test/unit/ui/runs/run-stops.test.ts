import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import '../../../support/use-editor-stub.ts';
import { taskId } from '../../../../src/core/task.ts';
import { tasks } from '../../../support/backlog.ts';
import { answers, commands, lists } from '../../../support/editor-stub.ts';
import {
  fakeBacklog,
  fakeBacklogs,
  NO_BOARD,
  NO_COMMENTS,
  NO_DOORS,
  NO_WORKSPACE,
  NO_TREE,
  NOW,
} from '../../../support/fake-backlog.ts';
import { atWork, ended, runAfter, runStarted, SUCCEEDED } from '../../../support/run-events.ts';

// After the stub: these import `vscode`.
const { registerCommands } = await import('../../../../src/ui/commands.ts');
const { stopAllRuns, stopTask } = await import('../../../../src/ui/runs/run-stops.ts');

beforeEach(() => {
  for (const list of [answers, lists]) list.length = 0;
});

const ours = runAfter(
  runStarted({ runId: 'o', waves: [['T-1', 'T-2', 'T-3']], at: NOW, title: 'Wave 0' }),
  ...atWork('T-1', 1, NOW),
  ended('T-1', SUCCEEDED, NOW),
  ...atWork('T-2', 2, NOW),
);
const theirs = runAfter(runStarted({ runId: 't', waves: [['T-4']], at: NOW, title: 'Wave 1' }));

function makeWindow() {
  const backlog = fakeBacklog({
    tasks: tasks('T-1', 'T-2', 'T-3', 'T-4'),
    runs: () => [ours],
    elsewhere: [theirs],
  });
  return { backlog, backlogs: fakeBacklogs([backlog]) };
}

test('stopping all runs reaches those that another window leads', async () => {
  const { backlog, backlogs } = makeWindow();
  await stopAllRuns(backlogs);
  assert.deepEqual(backlog.asked, ['stop all', 'ask t {"ask":"stopRun"}']);
});

test('without a row a person picks the run, or the task of those that have not ended', async () => {
  const { backlog, backlogs } = makeWindow();
  answers.push('Wave 1', 'T-4', 'T-3');
  registerCommands({
    backlogs,
    selection: () => [],
    showLog: () => undefined,
    agents: NO_DOORS,
    lineComments: NO_COMMENTS,
    openBoard: NO_BOARD,
    workspace: NO_WORKSPACE,
    tree: NO_TREE,
  });
  await commands.registered.get('todo2Waves.stopRun')?.();
  await stopTask(backlogs, undefined);
  await stopTask(backlogs, undefined);
  assert.deepEqual(
    lists.at(-1)?.map(({ description }) => description),
    ['T-2', 'T-3', 'T-4'],
  );
  await stopTask(backlogs, { kind: 'task', backlog, taskId: taskId('T-2') });
  await stopTask(backlogs, undefined);
  assert.deepEqual(backlog.asked, [
    'ask t {"ask":"stopRun"}',
    'ask t {"ask":"stopTask","id":"T-4"}',
    'stopTask o T-3',
    'stopTask o T-2',
  ]);
});
