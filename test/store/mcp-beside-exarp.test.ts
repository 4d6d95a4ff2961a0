import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { bundleMcp, createMcpRig, type McpBundle } from '../support/mcp-rig.ts';
import { until } from '../support/until.ts';

let bundle: McpBundle;
before(async () => {
  bundle = await bundleMcp();
});
after(() => bundle.remove());

const TASKS = ['T-1', 'T-2', 'T-3', 'T-4', 'T-5'].map((id) => ({ id }));

for (const status of ['Review', 'Done']) {
  test(`the report on a task that exarp-go has set to ${status} meanwhile is stored, and the status stays`, async () => {
    await using rig = await createMcpRig(bundle, { tasks: TASKS });
    const { ask } = await rig.connect();
    assert.equal((await ask('waves_claim', { id: 'T-1' })).isError, false);
    // Its own write, and then that of all rows.
    await rig.other.run(
      "UPDATE tasks SET status = ?, version = version + 1 WHERE id = 'T-1'",
      status,
    );
    await rig.other.run('UPDATE tasks SET version = version + 1');
    await until(
      'what we wrote is there again',
      async () =>
        (await rig.lockOf('T-1')) === `${status} -` ||
        !(await rig.lockOf('T-1')).includes('claude'),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const done = await ask('waves_complete', { id: 'T-1', summary: 'All of it is done.' });
    assert.equal(done.isError, false, done.text);
    const [row] = await rig.other.all("SELECT status, assignee FROM tasks WHERE id = 'T-1'");
    assert.deepEqual(row, { status, assignee: null });
    const comments = await rig.other.all(
      "SELECT comment_type AS type, content FROM task_comments WHERE task_id = 'T-1'",
    );
    assert.equal(comments.length, 1);
    assert.match(comments[0]?.['content'] as string, /All of it is done\./);
  });
}

test('a task that this connection never had is not reported on', async () => {
  await using rig = await createMcpRig(bundle, {
    tasks: [{ id: 'T-1', status: 'Review' }, { id: 'T-2' }],
  });
  const { ask } = await rig.connect();
  const done = await ask('waves_complete', { id: 'T-1', summary: 'Mine?' });
  assert.equal(done.isError, true);
  assert.deepEqual(await rig.other.all('SELECT 1 FROM task_comments'), []);
});

test('notes of ours and of exarp-go are read back with the task', async () => {
  await using rig = await createMcpRig(bundle, { tasks: TASKS });
  const { ask } = await rig.connect();
  await rig.other.run(
    `INSERT INTO task_comments (id, task_id, comment_type, content, created)
      VALUES ('T-1-C-1', 'T-1', 'research_with_links', 'See the tide table', '2026-01-05T09:00:00Z')`,
  );
  assert.equal((await ask('waves_note', { id: 'T-1', text: 'The quay is wet' })).isError, false);
  const shown = await ask('waves_show', { id: 'T-1' });
  const { notes } = shown.data['task'] as { readonly notes: readonly { readonly text: string }[] };
  assert.equal(notes.length, 2);
  assert.equal(notes[0]?.text, 'See the tide table');
  assert.match(notes[1]?.text ?? '', /The quay is wet/);
  assert.match(
    shown.text,
    /Note \(research_with_links, 2026-01-05T09:00:00Z\):\nSee the tide table/,
  );
});
