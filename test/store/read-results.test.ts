import assert from 'node:assert/strict';
import test from 'node:test';
import { taskId } from '../../src/core/task.ts';
import { createRig } from '../support/writer-rig.ts';

const [A, B, C] = [taskId('T-1'), taskId('T-2'), taskId('T-3')];
const note = (id: string, task: string, type: string, content: string, created: string): string =>
  `INSERT INTO task_comments (id, task_id, comment_type, content, created) VALUES ('${id}', '${task}', '${type}', '${content}', '${created}')`;

test('the latest result of each task is read, and nothing but results', async () => {
  await using rig = await createRig({
    tasks: [{ id: 'T-1' }, { id: 'T-2' }, { id: 'T-3' }],
    sql: [
      note('T-1-C-2', 'T-1', 'result', 'later', '2026-01-02T00:00:00Z'),
      note('T-1-C-1', 'T-1', 'result', 'earlier', '2026-01-01T00:00:00Z'),
      note('T-2-C-1', 'T-2', 'note', 'no result', '2026-01-01T00:00:00Z'),
      note('T-3-C-1', 'T-3', 'result', 'somebody else’s', '2026-01-01T00:00:00Z'),
    ],
  });
  const results = await rig.open().results([A, B, taskId("'; DROP TABLE tasks; --")]);
  assert.ok(results.ok);
  assert.deepEqual([...results.value], [[A, 'later']]);
});

test('a store without a table of comments has no results', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-3' }], sql: ['DROP TABLE task_comments'] });
  const results = await rig.open().results([C]);
  assert.ok(results.ok);
  assert.equal(results.value.size, 0);
});
