import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TaskSpec } from '../support/fixture.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => {
  windows = await Windows.start({ settings: { 'chat.disableAIFeatures': false } });
});
after(() => windows.stop());

const BACKLOG: readonly TaskSpec[] = [
  { id: 'T-1', content: 'Chart the shoals', priority: 'high' },
  { id: 'T-2', content: 'Light the beacon' },
  { id: 'T-3', content: 'Ring the bell', deps: ['T-1'] },
];

test('Run Wave with Subagents opens the chat with the request ready to be sent, and claims nothing before', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.menu(workbench.row(tree, 'Now · wave 0'), 'Run Wave with Subagents');
  const written = workbench.page.locator('.chat-input-container .view-line');
  await written
    .filter({ hasText: /@waves.*\/run.*wave.0/ })
    .first()
    .waitFor();
  await workbench.screenshot('subagents-chat-dark');
  await workbench.theme('light');
  await workbench.screenshot('subagents-chat-light');
  for (const [id, { status, assignee }] of Object.entries(await window.tasks())) {
    assert.deepEqual([status, assignee], ['Todo', null], id);
  }
});

test('a person takes a task of a run: it is theirs until they mark it as finished, or give it back', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  const tree = await window.tree();
  const option = (label: string) => workbench.quick.getByRole('option').filter({ hasText: label });
  const states = async (): Promise<readonly string[]> =>
    Object.values(await window.tasks()).map(
      ({ status, assignee }) => `${status} ${assignee === null ? 'free' : 'held'}`,
    );

  await workbench.menu(workbench.row(tree, 'Now · wave 0'), 'Run With…');
  await option('Agents work').click();
  await workbench.screenshot('human-how-dark');
  await option('claimed for you').click();
  await option('Agents work').getByText('claimed for you').waitFor();
  await workbench.quickInput.press('Enter');
  await window.until('both are claimed for me', async () =>
    (await states()).slice(0, 2).every((each) => each === 'In Progress held'),
  );
  const row = (title: string) => workbench.row(tree, title).first();
  await row('Chart the shoals')
    .getByText(/yours · /)
    .waitFor();
  await row('Chart the shoals').hover();
  await workbench.screenshot('human-dark');
  await workbench.theme('light');
  await row('Chart the shoals').hover();
  await workbench.screenshot('human-light');

  await workbench.inline(row('Chart the shoals'), 'Mark as Finished');
  await window.until('the first is in review', async () => (await states())[0] === 'Review free');
  await row('Chart the shoals')
    .getByText(/to review/)
    .waitFor();
  await row('Light the beacon').click();
  const page = await workbench.webview('h1:has-text("Light the beacon")');
  await page.locator('strong', { hasText: 'In Progress' }).waitFor();
  await workbench.inline(row('Light the beacon'), 'Give Back');
  await window.until('the second is free again', async () => (await states())[1] === 'Todo free');
  await workbench.row(window.runs, 'Ended: Wave 0').waitFor();
  await page.locator('strong', { hasText: 'Todo' }).waitFor();
  await workbench.screenshot('human-ended-light');
});
