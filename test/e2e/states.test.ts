import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Locator } from 'playwright-core';
import { createBacklog } from '../support/fixture.ts';
import { type Window, Windows } from '../support/windows.ts';

let windows: Windows;
let careful: Windows;
before(async () => {
  windows = await Windows.start();
  careful = await Windows.start({ trust: 'asked' });
});
after(async () => {
  await windows.stop();
  await careful.stop();
});

/** The text and buttons that our view shows in place of rows. */
async function welcome(window: Window): Promise<Locator> {
  const content = window.workbench.page.locator('.welcome-view-content');
  await window.workbench.view('Todo2 Waves', content);
  return content;
}

test('a window without a folder offers to open one', async (t) => {
  const window = await windows.open(t, { empty: true });
  const content = await welcome(window);
  await content.getByText('Open a folder that has a Todo2 backlog').waitFor();
  await content.getByRole('button', { name: 'Open Folder' }).waitFor();
  await window.workbench.screenshot('no-folder-dark');
});

test('a folder without a backlog says what is missing, and shows one as soon as it is there', async (t) => {
  const window = await windows.open(t, {});
  const content = await welcome(window);
  await content.getByText('No Todo2 backlog was found').waitFor();
  await content.getByRole('button', { name: 'Look Again' }).waitFor();
  await window.workbench.screenshot('missing-dark');
  await window.workbench.theme('light');
  await window.workbench.screenshot('missing-light');
  await createBacklog(window.folder, { tasks: [{ id: 'T-1', content: 'Suddenly there' }] });
  await window.workbench.row(await window.tree(), 'Suddenly there').waitFor();
});

test('a backlog without tasks says that there is nothing to do', async (t) => {
  const window = await windows.open(t, { tasks: [] });
  await (await welcome(window)).getByText('The backlog has no tasks yet').waitFor();
  await window.workbench.screenshot('nothing-to-do-dark');
});

test('a file that is no database is named with what to do, and the good one is read as soon as it is back', async (t) => {
  const window = await windows.open(t, {
    tasks: [{ id: 'T-1', content: 'Good again' }],
    prepare: (folder) => {
      const store = join(folder, '.todo2');
      renameSync(store, join(folder, 'aside'));
      mkdirSync(store);
      writeFileSync(
        join(store, 'todo2.db'),
        'This is not a database, and never was one.\n'.repeat(100),
      );
    },
  });
  const content = await welcome(window);
  await content.getByText('.todo2/todo2.db is not a SQLite database').waitFor();
  await content.getByRole('button', { name: 'Reveal File' }).waitFor();
  await window.workbench.screenshot('unreadable-dark');
  rmSync(join(window.folder, '.todo2'), { recursive: true });
  renameSync(join(window.folder, 'aside'), join(window.folder, '.todo2'));
  await window.workbench.row(await window.tree(), 'Good again').waitFor();
});

test('a database that breaks while it is shown keeps its rows, with a button, and is read again when it is whole', async (t) => {
  const window = await windows.open(t, { tasks: [{ id: 'T-1', content: 'Still shown' }] });
  const { workbench } = window;
  const tree = await window.tree();
  const database = join(window.folder, '.todo2', 'todo2.db');
  renameSync(database, `${database}.aside`);
  writeFileSync(database, 'This is not a database, and never was one.\n'.repeat(100));
  const trouble = workbench.row(tree, 'Reveal File');
  await trouble.waitFor();
  await workbench.row(tree, 'Still shown').waitFor();
  await workbench.page.getByText(/Showing what was read at/).waitFor();
  await workbench.screenshot('broken-while-shown-dark');
  await trouble.click();
  await workbench.page
    .locator('.explorer-folders-view')
    .getByText('todo2.db', { exact: true })
    .waitFor();
  await workbench.view('Todo2 Waves', tree);
  renameSync(`${database}.aside`, database);
  await trouble.waitFor({ state: 'detached' });
  await workbench.row(tree, 'Still shown').waitFor();
});

test('a JSON file with a fault opens at it', async (t) => {
  const window = await windows.open(t, {
    prepare: (folder) => {
      mkdirSync(join(folder, '.todo2'));
      writeFileSync(
        join(folder, '.todo2', 'state.todo2.json'),
        '{"todos": [\n  {"id": "T-1",}\n]}',
      );
    },
  });
  const content = await welcome(window);
  await content.getByText('.todo2/state.todo2.json is not valid JSON').waitFor();
  await window.workbench.screenshot('json-fault-dark');
  await content.getByRole('button', { name: 'Open the File at the Fault' }).click();
  await window.workbench.page.getByText(/^Ln 2, Col 16/).waitFor();
});

test('a backlog that is only a JSON file is shown, and says why it is read-only', async (t) => {
  const window = await windows.open(t, {
    prepare: (folder) => {
      mkdirSync(join(folder, '.todo2'));
      const todos = [{ id: 'T-1', name: 'From the file', status: 'pending', dependencies: [] }];
      writeFileSync(join(folder, '.todo2', 'state.todo2.json'), JSON.stringify({ todos }));
    },
  });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.row(tree, 'From the file').waitFor();
  await workbench.page.getByText('Read-only: this backlog is only a JSON file').waitFor();
  await workbench.screenshot('json-only-dark');
});

test('a folder that is not trusted is not read, and nothing can be run in it', async (t) => {
  const window = await careful.open(t, { tasks: [{ id: 'T-1', content: 'Hidden' }] });
  const { workbench } = window;
  const content = await welcome(window);
  await content.getByText('This folder is not trusted').waitFor();
  await workbench.screenshot('untrusted-dark');
  await content.getByRole('button', { name: 'Manage Workspace Trust' }).click();
  await workbench.page
    .getByRole('button', { name: /^Trust$/ })
    .first()
    .click();
  await workbench.row(await window.tree(), 'Hidden').waitFor();
});
