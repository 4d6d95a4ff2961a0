import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TaskSpec } from '../support/fixture.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => (windows = await Windows.start()));
after(() => windows.stop());

const MINUTE = 60_000;
const id = (n: number): string => `T-${1_790_000_000_000 + n}`;

/** A process that is gone, on this machine. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? assert.fail('no process');
}

/** One of each trouble that a database with the full schema can have. */
function broken(dead: number): readonly TaskSpec[] {
  const now = Date.now();
  return [
    { id: id(1), content: 'Let plugins add commands', deps: [id(2)] },
    { id: id(2), content: 'Icon themes as the first plugin', deps: [id(1)] },
    { id: id(3), content: 'Draw temperature bars', row: { priority: null } },
    {
      ...{ id: id(4), content: 'Cache forecasts on disk', status: 'In Progress' },
      lock: { holder: 'codex-studio-9', since: now, until: now + 25 * MINUTE },
      row: { project_id: null },
    },
    { id: id(5), content: 'Read the configuration', row: { project_id: 'me/skycast' } },
    {
      ...{ id: id(6), content: 'Parse command line arguments', status: 'in progress' },
      lock: {
        holder: `claude-${hostname()}-${dead}`,
        since: now - 40 * MINUTE,
        until: now - 2 * MINUTE,
      },
    },
    { id: id(7), content: 'Pack for Linux', status: 'Parked' },
    {
      ...{ id: id(8), content: 'Write the man page' },
      lock: { holder: 'cursor-studio-8123', since: now, until: now + 90 * MINUTE },
    },
    { id: id(9), content: 'Show the week as a table', status: 'In Progress' },
    {
      ...{ id: id(10), content: 'Work offline', status: 'In Progress' },
      lock: { holder: 'cursor-studio-7', since: now - 70 * MINUTE, until: now - 40 * MINUTE },
    },
    {
      ...{ id: id(11), content: 'Set up the repository', status: 'done' },
      lock: { holder: 'cursor-studio-7', since: now, until: now + 10 * MINUTE },
    },
    {
      id: id(12),
      content: 'Translate the conditions',
      status: 'In Progress',
      lock: { holder: 'anna' },
    },
    { id: id(13), content: 'Warn of severe weather', deps: [id(404)] },
    { id: id(14), content: 'Release 1.0', created: '2026-01-05T09:00:00Z' },
    { id: id(15), content: 'release  1.0', created: '2026-01-06T09:00:00Z' },
    { id: id(16), content: 'Fetch the forecast', priority: 'P0', row: { metadata: '{"planning' } },
    { id: 'AUTO-20260105', content: 'Nightly run' },
    { id: 'T-12', content: 'From the old days' },
  ];
}

test('a broken backlog is shown in tree, report and Problems; what is safe to fix is fixed in the database in one go', async (t) => {
  const tasks = broken(await deadPid());
  const window = await windows.open(t, { tasks });
  const { workbench } = window;
  const { page } = workbench;
  const tree = await window.tree();

  const doctor = await workbench.reveal(tree, 'Doctor');
  await workbench.toggle(doctor);
  await workbench.toggle(await workbench.reveal(tree, 'Statuses in another spelling'));
  await workbench.reveal(tree, 'Ids of the old scheme');
  await workbench.run('Todo2 Waves: Doctor');
  const report = await workbench.webview('h1:has-text("Doctor")');
  await report.getByText('Tasks that wait for each other').first().waitFor();
  await workbench.run('View: Focus Problems');
  await page.locator('.markers-panel').getByText('Run Doctor to fix').first().waitFor();
  await workbench.screenshot('doctor-dark');
  await workbench.theme('light');
  await workbench.screenshot('doctor-light');
  await workbench.theme('dark');

  await workbench.run('Todo2 Waves: Fix All Safe…');
  await workbench.quick.getByText('Parse command line arguments').first().waitFor();
  await workbench.screenshot('doctor-fix-dark');
  await workbench.quick.getByRole('button', { name: 'OK' }).click();
  await workbench.toast(/fixes made/).waitFor();

  const writer = await window.writer();
  const rows = await writer.all(
    'SELECT id, status, priority, project_id, assignee FROM tasks ORDER BY created_at, id',
  );
  const row = (n: number): unknown => {
    const found = rows.find((each) => each['id'] === id(n));
    return found && [found['status'], found['priority'], found['assignee']];
  };
  const project = rows.find((each) => each['id'] === id(1))?.['project_id'];
  assert.deepEqual(
    rows.filter((each) => each['project_id'] !== project).map((each) => each['id']),
    [id(5)],
  );
  assert.deepEqual([3, 4, 6].map(row), [
    ['Todo', 'medium', null],
    ['In Progress', 'medium', 'codex-studio-9'],
    ['Todo', 'medium', null],
  ]);
  // What somebody has to decide is as it was.
  assert.deepEqual([7, 8, 9, 10, 11, 12].map(row), [
    ['Parked', 'medium', null],
    ['Todo', 'medium', 'cursor-studio-8123'],
    ['In Progress', 'medium', null],
    ['In Progress', 'medium', 'cursor-studio-7'],
    ['Done', 'medium', 'cursor-studio-7'],
    ['In Progress', 'medium', 'anna'],
  ]);
  await workbench.screenshot('doctor-fixed-dark');
});

test('a finding is fixed from its row, once it was shown what is changed', async (t) => {
  const window = await windows.open(t, { tasks: broken(await deadPid()).slice(0, 9) });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.toggle(await workbench.reveal(tree, 'Doctor'));
  await workbench.toggle(await workbench.reveal(tree, 'In Progress without a lock'));
  const finding = tree.getByRole('treeitem').filter({ hasText: 'In Progress, without a lock' });
  await workbench.inline(finding, 'Fix…');
  const dialog = workbench.dialog('Show the week as a table');
  await dialog.getByText('status “In Progress” → Todo').waitFor();
  await workbench.screenshot('doctor-fix-one-dark');
  await dialog.getByRole('button', { name: 'Fix' }).click();
  await window.until('it is Todo', async () => (await window.tasks())[id(9)]?.status === 'Todo');
});

test('in a backlog that is only JSON a problem stands at its entry', async (t) => {
  const window = await windows.open(t, {
    prepare: (folder) => {
      mkdirSync(join(folder, '.todo2'));
      const todos = [
        { id: id(1), name: 'First' },
        { id: id(2), name: 'Second', status: 'Parked' },
      ];
      writeFileSync(
        join(folder, '.todo2', 'state.todo2.json'),
        JSON.stringify({ todos }, undefined, 2),
      );
    },
  });
  const { workbench } = window;
  await workbench
    .row(await window.tree(), 'Second')
    .first()
    .waitFor();
  await workbench.run('View: Focus Problems');
  const problems = workbench.page.locator('.markers-panel');
  await problems.getByText('Unknown statuses').first().waitFor();
  await problems.getByText('[Ln 8, Col 13]').waitFor();
});
