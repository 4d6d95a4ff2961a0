import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TaskSpec } from '../support/fixture.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => {
  windows = await Windows.start();
});
after(() => windows.stop());

const id = (n: number): string => `T-${1_767_225_600_000 + n}`;
const BACKLOG: readonly TaskSpec[] = [
  { id: id(1), content: 'Lay the foundation stone', priority: 'high' },
  { id: id(2), content: 'Dredge the basin' },
  { id: id(3), content: 'Order the cranes' },
  { id: id(4), content: 'Build the quay', deps: [id(1)] },
  { id: id(5), content: 'Open the harbour', deps: [id(4), id(2)] },
];

const recorded = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../golden/plans', name), 'utf8');

test('a plan in the editor says how far each wave is, and that it is out of date', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  const { page } = workbench;
  await window.tree();
  await workbench.run('Todo2 Waves: Write Wave Plan');
  const lens = page
    .locator('.codelens-decoration')
    .filter({ hasText: 'Run wave · 3 ready' })
    .first();
  await lens.waitFor();
  await page
    .locator('.codelens-decoration')
    .filter({ hasText: 'Nothing to run · 1 blocked' })
    .first()
    .waitFor();
  await workbench.screenshot('plan-dark');
  await workbench.theme('light');
  await workbench.screenshot('plan-light');
  const writer = await window.writer();
  await writer.run(
    "UPDATE tasks SET status = 'Done', completed = 1, version = version + 1 WHERE id = ?",
    id(1),
  );
  await page.locator('.codelens-decoration').filter({ hasText: 'Plan is out of date' }).waitFor();
  await workbench.screenshot('plan-old-light');
});

test('a task that is dragged to another wave gets the dependency that a person agrees to, and Undo takes it back', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  const { page } = workbench;
  const tree = await window.tree();
  const writer = await window.writer();
  const dependencies = async (): Promise<number> =>
    (await writer.all('SELECT * FROM task_dependencies WHERE task_id = ?', id(3))).length;
  await workbench.row(tree, 'Order the cranes').dragTo(workbench.row(tree, 'Next · wave 1'));
  await workbench.quick.getByText('waits for').first().waitFor();
  await workbench.screenshot('plan-move-dark');
  await page.keyboard.press('Enter');
  await window.until('the dependency is there', async () => (await dependencies()) === 1);
  await workbench.toast('1 change made').getByRole('button', { name: 'Undo' }).click();
  await window.until('it is gone again', async () => (await dependencies()) === 0);
});

test('a plan that an editor has stripped is repaired, once its repair was seen', async (t) => {
  const window = await windows.open(t, {
    tasks: BACKLOG,
    prepare: (folder) => {
      mkdirSync(join(folder, '.cursor', 'plans'), { recursive: true });
      writeFileSync(
        join(folder, '.cursor', 'plans', 'harbour.plan.md'),
        recorded('crlf-bom.plan.md'),
      );
    },
  });
  const { workbench } = window;
  await window.tree();
  await workbench.run('Todo2 Waves: Repair Plan…');
  const toast = workbench.toast('byte order mark');
  await toast.waitFor();
  await workbench.screenshot('plan-repair-dark');
  await toast.getByRole('button', { name: 'Repair' }).click();
  const read = (): string =>
    readFileSync(join(window.folder, '.cursor', 'plans', 'harbour.plan.md'), 'utf8');
  await window.until('it is repaired', () => Promise.resolve(read().startsWith('---\nname: ')));
  assert.ok(!read().includes('\r'));
  assert.ok(read().includes('- Who pays for the *iron*?'));
});
