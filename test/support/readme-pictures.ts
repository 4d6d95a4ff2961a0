// `npm run pictures`: takes the pictures of the README from a window on the sample backlog, as a user
// of `npm start` sees it. Look at each before it is committed.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from '../editor/install.mjs';
import type { Workbench } from '../editor/workbench.ts';
import { sampleTasks } from './sample.ts';
import { Windows } from './windows.ts';

const FOLDER = join(ROOT, 'media', 'readme');

let windows: Windows;
before(async () => {
  mkdirSync(FOLDER, { recursive: true });
  windows = await Windows.start();
});
after(() => windows.stop());

async function take(workbench: Workbench, name: string): Promise<void> {
  await workbench.page.mouse.move(700, 890);
  copyFileSync(await workbench.screenshot(`readme-${name}`), join(FOLDER, `${name}.png`));
}

test('the pictures of the README', async (t) => {
  const window = await windows.open(t, { tasks: sampleTasks(Date.now()) });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.row(tree, 'Now · wave 0').first().waitFor();
  await tree.getByRole('treeitem').nth(1).click();
  await workbench.webview('h1');
  await take(workbench, 'tree-dark');

  await workbench.run('View: Close All Editors');
  await workbench.run('Todo2 Waves: Open Board');
  const board = await workbench.webview('#board .card');
  await board.getByRole('button', { name: 'Run All…' }).click();
  const question = workbench.dialog('12 tasks');
  await question.getByRole('button', { name: 'Run All', exact: true }).click();
  await board.getByText('4 working').waitFor();
  await take(workbench, 'running-dark');
  await workbench.run('View: Toggle Panel Visibility');
  await board
    .getByText(/to review/)
    .first()
    .waitFor();
  await board.locator('.card.full, .card.line').first().click();
  await take(workbench, 'board-dark');
  await board.getByRole('button', { name: 'Timeline' }).click();
  await take(workbench, 'timeline-dark');
  await board.locator('.strip').getByRole('button', { name: 'Stop' }).click();
});
