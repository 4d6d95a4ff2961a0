import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TaskSpec } from '../support/fixture.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => {
  windows = await Windows.start();
});
after(() => windows.stop());

/** At work until both windows have begun, however slow the machine. */
const TASKS: readonly TaskSpec[] = Array.from({ length: 8 }, (_, n) => {
  return {
    id: `T-${n + 1}`,
    content: `Part ${n + 1}`,
    description: 'simulate: seconds=0 until=go',
  };
});

test('two windows that run the same wave at the same time work on each task once, and leave no lock behind', async (t) => {
  const one = await windows.open(t, {
    tasks: TASKS,
    settings: { 'todo2Waves.maxParallelTasks': 4 },
  });
  const two = await windows.join(t, one);
  const both = [one, two];
  const trees = await Promise.all(both.map((window) => window.tree()));

  await Promise.all(
    both.map((window, n) =>
      window.workbench.inline(window.workbench.row(trees[n]!, 'Now · wave 0'), 'Run Wave'),
    ),
  );
  // Each counts its own locks and not those of the other one. While rows are asked for, the editor
  // hands a command no row, and it asks which.
  await Promise.all(
    both.map(async (window) => {
      const { workbench } = window;
      const started = workbench
        .status('todo2Waves.locks')
        .getByText(/^\s*4 · /)
        .first();
      const question = workbench.quick.getByRole('option').first();
      await started.or(question).first().waitFor();
      if (await question.isVisible()) await workbench.pick('Wave 0');
      await started.waitFor();
    }),
  );
  const during = Object.values(await one.tasks());
  assert.equal(
    new Set(during.map(({ assignee }) => assignee)).size,
    8,
    'each agent has a worker of its own',
  );
  assert.ok(during.every(({ assignee, status }) => assignee !== null && status === 'In Progress'));
  writeFileSync(join(one.folder, 'go'), '');

  await one.until('all of them are in review', async () => {
    return Object.values(await one.tasks()).every(
      (task) => task.status === 'Review' && task.assignee === null,
    );
  });
  for (const [id, { version }] of Object.entries(await one.tasks()))
    assert.equal(version, 3, `${id}: a claim and an end`);
  for (const window of both) {
    await window.statusBar(/^\s*0$/);
    await window.workbench
      .row(window.runs, 'Ended: Wave 0')
      .getByText('4/8 succeeded · 4 skipped')
      .waitFor();
  }
  const rows = both.map((window, n) =>
    TASKS.map(({ content }) => window.workbench.row(trees[n]!, content ?? '').last()),
  );
  for (const [n, row] of rows[0]!.entries()) {
    await row.and(one.workbench.page.locator('[aria-label*=", Review, to review"]')).waitFor();
    const label = await row.getAttribute('aria-label');
    await rows[1]!
      [n]!.and(two.workbench.page.locator(`[aria-label=${JSON.stringify(label)}]`))
      .waitFor();
  }

  // What is held by hand goes with its window, too.
  const writer = await one.writer();
  for (const n of [1, 2]) {
    await writer.run(
      `INSERT INTO tasks (id, content, long_description, status, priority, created, project_id)
        SELECT 'T-1${n}', 'By hand ${n}', '', 'Todo', 'low', created, project_id FROM tasks WHERE id = 'T-1'`,
    );
  }
  for (const [n, window] of both.entries()) {
    // Rows that come while the pointer is on its way move the others.
    await window.workbench.row(trees[n]!, 'By hand 2').waitFor();
    await window.workbench.inline(
      window.workbench.row(trees[n]!, `By hand ${n + 1}`).first(),
      'Claim',
    );
    await window.statusBar(/^\s*1 · /);
  }
  await Promise.all(both.map((window) => window.workbench.page.goto('about:blank')));
  const isFree = async (): Promise<boolean> =>
    Object.values(await one.tasks()).every(({ assignee }) => assignee === null);
  await one.until('nothing is locked', isFree);
});

test('the second window shows the run of the first, lets its task be stopped, and ends it', async (t) => {
  const endless = { description: 'simulate: seconds=0 until=go' };
  const one = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Chart the shoals', ...endless },
      { id: 'T-2', content: 'Light the beacon', ...endless },
      { id: 'T-3', content: 'Paint the buoys', ...endless },
    ],
    settings: { 'todo2Waves.maxParallelTasks': 2 },
  });
  const two = await windows.join(t, one);
  await one.tree();
  const treeTwo = await two.tree();
  const holders = async (): Promise<readonly string[]> =>
    Object.values(await one.tasks()).flatMap(({ assignee }) => assignee ?? []);
  await one.workbench.run('Todo2 Waves: Run All Waves');
  const shown = two.workbench.row(two.runs, 'Running: All waves');
  await shown.getByText(/2 running .*led by another window/).waitFor();
  await two.workbench.screenshot('run-elsewhere-dark');

  await two.workbench.inline(two.workbench.row(treeTwo, 'Chart the shoals').first(), 'Stop Task');
  await one.until('the next has its turn', async () => {
    const tasks = await one.tasks();
    return tasks['T-1']?.assignee === null && tasks['T-3']?.assignee !== null;
  });
  assert.equal((await one.tasks())['T-1']?.status, 'Todo');

  await two.workbench.run('Todo2 Waves: Stop All Runs');
  await one.until('nothing is held', async () => (await holders()).length === 0);
  await one.workbench
    .row(one.runs, 'Ended: All waves')
    .getByText('0/3 succeeded · 3 stopped')
    .waitFor();
  await shown.waitFor({ state: 'detached' });
});
