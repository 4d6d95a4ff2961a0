import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TaskSpec } from '../support/fixture.ts';
import { type Window, Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => {
  windows = await Windows.start();
});
after(() => windows.stop());

const MINUTE = 60_000;

const lockOf = (holder: string, endsInMs: number) => ({
  holder,
  since: Date.now() - 40 * MINUTE,
  until: Date.now() + endsInMs,
});

const BACKLOG: readonly TaskSpec[] = [
  { id: 'T-1', content: 'Fetch the forecast' },
  { id: 'T-2', content: 'Parse the answer', priority: 'high' },
  { id: 'T-3', content: 'Join the parts', deps: ['T-1', 'T-2'] },
  {
    id: 'T-4',
    content: 'Left behind',
    status: 'In Progress',
    lock: lockOf('claude-gone-99999', -10 * MINUTE),
  },
  {
    id: 'T-5',
    content: 'Taken by another',
    status: 'In Progress',
    lock: lockOf('claude-elsewhere-4242', 90 * MINUTE),
  },
];

async function holderOf(window: Window, id: string): Promise<string | null> {
  return (await window.tasks())[id]?.assignee ?? null;
}

const waitForHolder = (window: Window, id: string, holder: RegExp | null): Promise<void> =>
  window.until(`${id} is held by ${String(holder)}`, async () => {
    const now = await holderOf(window, id);
    return holder === null ? now === null : now !== null && holder.test(now);
  });

const OURS = /^vscode-.+-\d+$/;

test('the next ready task is claimed from the palette and a whole wave from its menu', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG.slice(0, 3) });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.run('Todo2 Waves: Claim Next Ready Task');
  await workbench.toast('“Parse the answer” (T-2) is yours.').waitFor();
  await waitForHolder(window, 'T-2', OURS);
  assert.equal(await holderOf(window, 'T-1'), null);

  await workbench.menu(workbench.row(tree, 'Now · wave 0'), /^Claim Wave/);
  await waitForHolder(window, 'T-1', OURS);
  await window.statusBar(/2 · /);
  await workbench.screenshot('claimed-wave-dark');
});

test('a lock that its holder left is taken over, and a live one is taken off somebody only after a question', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG.slice(3) });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.menu(workbench.row(tree, 'Left behind'), /^Take Over/);
  const takeOver = workbench.dialog(/claude-gone-99999/);
  await takeOver.waitFor();
  await workbench.screenshot('take-over-dark');
  await takeOver.getByRole('button', { name: 'Take Over' }).click();
  await waitForHolder(window, 'T-4', OURS);

  await workbench.theme('light');
  await workbench.menu(workbench.row(tree, 'Taken by another'), /^Force Release/);
  const force = workbench.dialog(/claude-elsewhere-4242/);
  await force.getByText(/Its lease runs for another 1 h/).waitFor();
  await workbench.screenshot('force-release-light');
  await force.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await holderOf(window, 'T-5'), 'claude-elsewhere-4242');

  await workbench.status('todo2Waves.locks').click();
  const item = workbench.quick.getByRole('option').filter({ hasText: 'Taken by another' });
  await item.hover();
  await workbench.screenshot('locks-list-light');
  await item.getByRole('button', { name: 'Force Release…' }).click();
  await workbench
    .dialog(/claude-elsewhere-4242/)
    .getByRole('button', { name: 'Force Release' })
    .click();
  await waitForHolder(window, 'T-5', null);
  assert.equal((await window.tasks())['T-5']?.status, 'Todo');
  const lines = await (
    await window.writer()
  ).all('SELECT activity_type, task_id, details FROM task_activities');
  assert.deepEqual(
    lines.map((line) => [line['activity_type'], line['task_id']]),
    [
      ['lock_taken_over', 'T-4'],
      ['lock_released', 'T-5'],
    ],
  );
  assert.match(JSON.stringify(lines[1]), /claude-elsewhere-4242/);
});

test('what a person holds is theirs again after the window was reloaded, and free when it has been closed', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG.slice(0, 2) });
  const { workbench } = window;
  await window.tree();
  await workbench.run('Todo2 Waves: Claim Next Ready Task');
  await waitForHolder(window, 'T-2', OURS);
  const before_ = await holderOf(window, 'T-2');

  await workbench.page.reload();
  await workbench.page.locator('.monaco-workbench[class*="vscode-theme-defaults-"]').waitFor();
  await window.until('the lock has gone to the new window', async () => {
    const holder = await holderOf(window, 'T-2');
    assert.notEqual(holder, null, 'it was never free meanwhile');
    return holder !== before_;
  });
  await window.tree();
  await window.statusBar(/1 · /);
  assert.equal((await window.tasks())['T-2']?.status, 'In Progress');

  await workbench.page.goto('about:blank');
  await window.until(
    'nobody came back for it',
    async () => (await holderOf(window, 'T-2')) === null,
  );
  assert.equal((await window.tasks())['T-2']?.status, 'Todo');
});
