import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import { BATCHES } from '../../../src/core/batch/batch.ts';
import type { Workspace, WorkspaceText } from '../../../src/core/batch/tool.ts';
import { answers, commands, lists, opened, settings, shown } from '../../support/editor-stub.ts';

// After the stub: it imports `vscode`.
const { pickBatch } = await import('../../../src/ui/batch-choice.ts');

beforeEach(() => {
  for (const list of [answers, commands.executed, lists, opened, shown]) list.length = 0;
  settings.delete('batches');
});

/** What a person has to choose from, who then chooses `answer`. */
async function pick(texts: Readonly<Record<string, string>>, ...answer: readonly string[]) {
  answers.push(...answer);
  const files = Object.entries(texts).map(([file, text]): WorkspaceText => ({
    file: `.exarp/workflows/${file}`,
    text,
  }));
  const workspace = {
    readWorkflows: () => Promise.resolve({ texts: files, unread: ['.exarp/workflows/long.yaml'] }),
  } as Partial<Workspace> as Workspace;
  const batch = await pickBatch('/shop', workspace);
  return { batch, labels: lists.at(-1)?.map(({ label }) => label) };
}

const GOOD = 'name: Before a $(rocket) release\nsteps:\n  - tool: health_docs\n';
const BAD = 'steps:\n  - tool: health_docs\n  - tool: nothing_of_ours\n';
const GREEDY =
  'steps:\n  - tool: exarp:task_workflow\n    params: { action: cleanup, allow: true }\n';

test('the list has our batches, a person’s own, and those that cannot be run with their place', async () => {
  settings.set('batches', [{ name: 'Quick', steps: [{ tool: 'lock_health' }] }, { steps: 1 }]);
  const { labels, batch } = await pick({ 'release.yaml': GOOD, 'wrong.yml': BAD }, 'Quick');
  assert.deepEqual(labels, [
    ...BATCHES.map(({ title }) => title),
    ...['Your own', 'Before a $\u200b(rocket) release', 'Quick', 'Cannot be run'],
    ...['$(warning) .exarp/workflows/wrong.yml:3', '$(warning) todo2Waves.batches[1]'],
    '$(warning) .exarp/workflows/long.yaml',
  ]);
  assert.deepEqual(batch?.stages.flat().map(({ id }) => id), ['lock_health']); // prettier-ignore
});

test('one that cannot be run leads to its place', async () => {
  assert.equal((await pick({ 'wrong.yml': BAD }, 'wrong.yml:3')).batch, undefined);
  assert.deepEqual(opened, ['/shop/.exarp/workflows/wrong.yml:3']);
  settings.set('batches', [7]);
  assert.equal((await pick({}, 'todo2Waves.batches[0]')).batch, undefined);
  assert.deepEqual(commands.executed, [['workbench.action.openSettings', 'todo2Waves.batches']]);
});

test('what exarp-go may delete is asked about each time, and not run without a yes', async () => {
  assert.equal((await pick({ 'greedy.yaml': GREEDY }, 'greedy')).batch, undefined);
  assert.match(shown[0]?.message ?? '', /“greedy” lets exarp-go do 1 thing that may delete/);
  assert.equal(shown[0]?.detail, 'task_workflow {"action":"cleanup"}');
  assert.equal((await pick({ 'greedy.yaml': GREEDY }, 'greedy', 'Run')).batch?.action, 'greedy');
  // Whatever only reads needs no question.
  shown.length = 0;
  assert.equal(
    (await pick({ 'release.yaml': GOOD }, 'release')).batch?.action,
    'Before a $(rocket) release',
  );
  assert.deepEqual(shown, []);
});
