import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Locator } from 'playwright-core';
import { nativeWriter } from '../support/fixture.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => {
  windows = await Windows.start();
});
after(() => windows.stop());

test('a task is made from the keyboard, made to wait but not in a circle, described in an editor, and deleted', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Dredge the harbour', description: 'As deep as in 1970.' },
      { id: 'T-2', content: 'Build the quay', deps: ['T-1'] },
    ],
  });
  const { workbench } = window;
  const tree = await window.tree();
  const writer = await window.writer();
  // A pick of several shows check boxes, not options.
  const lineOf = (title: string): Locator =>
    workbench.quick.locator('.monaco-list-row').filter({ hasText: title });
  const dependencies = async (): Promise<string> =>
    (
      await writer.all(
        `SELECT task_id || ' < ' || depends_on_id AS edge FROM task_dependencies ORDER BY 1`,
      )
    )
      .map((row) => row['edge'] as string)
      .join(', ');

  // A new task that depends on one that is there: title, Enter, and one line of what it shows.
  await workbench.toggle(workbench.row(tree, 'Next · wave 1'));
  await workbench.menu(workbench.row(tree, 'Build the quay'), 'New Task That Depends on This');
  await workbench.type('Paint the bollards');
  await workbench.quick.getByText('Create Task').waitFor();
  await workbench.pick('Priority');
  await workbench.pick('high');
  await workbench.quick.getByText('Build the quay').first().waitFor();
  await workbench.screenshot('new-task-dark');
  await workbench.quickInput.press('Enter');
  // It is shown, in a wave that was not there and is opened for it.
  await workbench.row(tree, 'Paint the bollards').waitFor();
  const [made] = await writer.all(
    `SELECT id, priority, project_id FROM tasks WHERE content = 'Paint the bollards'`,
  );
  const id = made?.['id'] as string;
  assert.match(id, /^T-\d{13}$/);
  assert.deepEqual([made?.['priority'], made?.['project_id']], ['high', basename(window.folder)]);

  // What waits for a task cannot be what it waits for.
  await workbench.menu(workbench.row(tree, 'Dredge the harbour'), 'Edit Dependencies');
  const bollards = lineOf('Paint the bollards');
  await bollards.getByText('Cannot be chosen: waits for T-1').waitFor();
  await bollards.click();
  await workbench.quick.getByText(/T-\d+ cannot be chosen: that would be a circle/).waitFor();
  await workbench.screenshot('refused-cycle-dark');
  await workbench.theme('light');
  await workbench.screenshot('refused-cycle-light');
  await workbench.quickInput.press('Enter');
  await workbench.quick.waitFor({ state: 'hidden' });
  assert.equal(await dependencies(), `${id} < T-2, T-2 < T-1`);

  // One that is ticked off is gone.
  await workbench.menu(workbench.row(tree, 'Paint the bollards'), 'Edit Dependencies');
  await lineOf('Build the quay').click();
  await workbench.quickInput.press('Enter');
  await window.until('it waits for nothing', async () => (await dependencies()) === 'T-2 < T-1');
  await workbench.row(tree, 'Later · wave 2').waitFor({ state: 'detached' });

  // A description of several lines, in a real editor.
  await workbench.menu(workbench.row(tree, 'Dredge the harbour'), 'Edit Task');
  await workbench.screenshot('edit-task-light');
  await workbench.pick('Description');
  const editor = workbench.page
    .locator('.monaco-editor .view-lines')
    .filter({ hasText: 'As deep as in 1970.' });
  await editor.click();
  await workbench.page.keyboard.press('Control+End');
  await workbench.page.keyboard.type('\nAnd wider.');
  await workbench.screenshot('edit-description-light');
  await workbench.page.keyboard.press('Control+S');
  await window.until('the description is written', async () => {
    const [row] = await writer.all(`SELECT long_description FROM tasks WHERE id = 'T-1'`);
    return row?.['long_description'] === 'As deep as in 1970.\nAnd wider.';
  });

  await workbench.menu(workbench.row(tree, 'Dredge the harbour'), 'Change Status');
  await workbench.screenshot('change-status-light');
  await workbench.pick('Blocked');
  await window.until(
    'it is blocked',
    async () => (await window.tasks())['T-1']?.status === 'Blocked',
  );

  // Deleting says who waits for it, and does nothing where that is not wanted.
  await workbench.menu(workbench.row(tree, 'Dredge the harbour'), 'Delete Task');
  const question = workbench.dialog('Delete “Dredge the harbour” (T-1)?');
  await question.getByText('Build the quay').waitFor();
  await workbench.screenshot('delete-task-light');
  await question.getByRole('button', { name: 'Cancel' }).click();
  assert.ok((await window.tasks())['T-1'] !== undefined);
  await workbench.menu(workbench.row(tree, 'Dredge the harbour'), 'Delete Task');
  await question.getByRole('button', { name: 'Delete' }).click();
  await window.until('it is gone', async () => (await window.tasks())['T-1'] === undefined);
  await workbench.row(tree, 'Dredge the harbour').waitFor({ state: 'detached' });
  assert.equal(await dependencies(), '');
});

test('an empty folder gets a store, and its first task', async (t) => {
  const window = await windows.open(t, {});
  const { workbench } = window;
  const welcome = workbench.page.locator('.welcome-view-content');
  await workbench.view('Todo2 Waves', welcome);
  await welcome.getByRole('button', { name: 'Initialise Store…' }).waitFor();
  await workbench.screenshot('initialise-welcome-dark');
  await welcome.getByRole('button', { name: 'Initialise Store…' }).click();
  const question = workbench.dialog('Create a Todo2 store in');
  await question.getByText('.todo2/todo2.db').waitFor();
  await workbench.screenshot('initialise-dark');
  await question.getByRole('button', { name: 'Create' }).click();
  await welcome.getByRole('button', { name: 'New Task…' }).click();
  await workbench.type('The very first');
  await workbench.quick.getByText('Create Task').waitFor();
  await workbench.quickInput.press('Enter');
  await workbench.row(await window.tree(), 'The very first').waitFor();
  const writer = await nativeWriter(window.folder);
  t.after(() => writer.close());
  assert.equal((await writer.all('SELECT version FROM schema_migrations')).length, 8);
  assert.deepEqual(await writer.all('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
});

test('a backlog that is only a JSON file is brought into a store, and tasks of another project are adopted', async (t) => {
  const window = await windows.open(t, {
    prepare: (folder) => {
      mkdirSync(join(folder, '.todo2'));
      const todos = [
        {
          id: 'T-1764129938001',
          content: 'Chart the shoals',
          status: 'Todo',
          project_id: 'owner/old',
        },
        {
          id: 'T-1764129938002',
          content: 'Light the beacon',
          status: 'Todo',
          dependencies: ['T-1764129938001'],
        },
      ];
      writeFileSync(join(folder, '.todo2', 'state.todo2.json'), JSON.stringify({ todos }));
    },
  });
  const { workbench } = window;
  await workbench.view('Todo2 Waves', workbench.row(workbench.tree('Waves'), 'Chart the shoals'));
  await workbench.run('Todo2 Waves: Initialise Store…');
  const question = workbench.dialog('Create a Todo2 store in');
  await question.getByText('vanish from view').waitFor();
  await workbench.screenshot('initialise-import-dark');
  await question.getByRole('button', { name: 'Create and Import 2 Tasks' }).click();
  await workbench.page.getByText('Read-only').waitFor({ state: 'detached' });
  const tree = await window.tree();
  await workbench.toggle(workbench.row(tree, 'Doctor'));
  await workbench.row(tree, 'Tasks of another project').waitFor();
  await workbench.menu(workbench.row(tree, 'Chart the shoals'), 'Adopt Task into This Project');
  await workbench.dialog('Adopt “Chart the shoals”').getByText('owner/old').waitFor();
  await workbench.screenshot('adopt-dark');
  await workbench.dialog('Adopt “Chart the shoals”').getByRole('button', { name: 'Adopt' }).click();
  await workbench.row(tree, 'Tasks of another project').waitFor({ state: 'detached' });
  const rows = await (await window.writer()).all('SELECT DISTINCT project_id FROM tasks');
  assert.deepEqual(rows, [{ project_id: basename(window.folder) }]);
});
