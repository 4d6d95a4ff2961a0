import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Frame } from 'playwright-core';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => (windows = await Windows.start()));
after(() => windows.stop());

const HOSTILE = '<img src=x onerror="top.hacked=1"> $(gear) **bold**';

const card = (board: Frame, title: string) => board.locator('.card', { hasText: title }).first();

test('a run is started, followed, stopped and accepted on the board, which a reload brings back', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Parse arguments', description: 'simulate: hang' },
      { id: 'T-2', content: HOSTILE, description: 'simulate: seconds=0' },
      {
        id: 'T-3',
        content: 'Write the help',
        description: 'simulate: seconds=0\nsimulate: fail=3',
      },
      { id: 'T-4', content: 'Release', deps: ['T-1'] },
    ],
    settings: { 'todo2Waves.retries': 0 },
  });
  const { workbench } = window;
  await window.tree();
  await workbench.run('Todo2 Waves: Open Board');
  let board = await workbench.webview('#board .card');
  await card(board, 'Release').getByText('after Parse arguments').waitFor();
  await card(board, HOSTILE).waitFor();
  await workbench.screenshot('board-idle-dark');

  await board.getByRole('button', { name: 'Run All…' }).click();
  await board.getByText('1 working').waitFor();
  const needs = board.getByRole('region', { name: 'Needs you' });
  await needs.getByText('Write the help').first().waitFor();
  await needs.getByText(HOSTILE).first().waitFor();
  await workbench.screenshot('board-running-dark');
  await workbench.theme('light');
  await workbench.screenshot('board-running-light');
  await workbench.theme('dark');

  // The log grows in the drawer while the board keeps the keyboard.
  await card(board, 'Parse arguments').click();
  await workbench.page.keyboard.press('l');
  await board.locator('.drawer').getByText('at work on: Parse arguments').waitFor();
  assert.equal(await board.evaluate('document.activeElement.dataset.id'), 'T-1');
  await workbench.screenshot('board-log-dark');

  // What needs the user is accepted in its place.
  await needs
    .locator('.need', { hasText: HOSTILE })
    .getByRole('button', { name: 'Accept' })
    .click();
  await window.until('it is Done', async () => (await window.tasks())['T-2']?.status === 'Done');
  await board.getByText('1/4 done').waitFor();

  // In mid-run the window is loaded anew: the board comes back with its drawer.
  await workbench.reload();
  board = await workbench.webview('#board .card');
  await board.getByText('1 working').waitFor();
  await board.locator('.drawer').getByText('at work on: Parse arguments').waitFor();

  await board.locator('.strip').getByRole('button', { name: 'Stop' }).click();
  await board.getByText('Ended').first().waitFor();
  await window.until('nothing is locked', async () =>
    Object.values(await window.tasks()).every(({ assignee }) => assignee === null),
  );
  await workbench.screenshot('board-ended-dark');
  await workbench.page.keyboard.press('Escape');
  await board.getByRole('button', { name: 'Timeline' }).click();
  await workbench.screenshot('board-timeline-dark');
  await board.getByRole('button', { name: 'Graph' }).click();
  await board.locator('.graph').getByText('Parse arguments').first().waitFor();
  await workbench.screenshot('board-graph-dark');
  assert.equal(await workbench.page.evaluate('window.hacked'), undefined);
});
