import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { drawn } from '../editor/workbench.ts';
import type { TaskSpec } from '../support/fixture.ts';
import { type Window, Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => (windows = await Windows.start()));
after(() => windows.stop());

const MINUTE = 60_000;
const id = (n: number): string => `T-${1_790_000_000_000 + n}`;
const hours = (estimate: number): Pick<TaskSpec, 'metadata'> => ({
  metadata: { estimatedHours: estimate },
});

/** A process that is gone, on this machine. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? assert.fail('no process');
}

/** Something of everything that an analysis and a batch can find. */
function weather(dead: number): readonly TaskSpec[] {
  const now = Date.now();
  return [
    { id: id(1), content: 'Set up the repository', status: 'Done' },
    { ...hours(2), id: id(2), content: 'Fetch the forecast', deps: [id(1)], priority: 'high' },
    {
      ...{
        id: id(3),
        content: 'Parse command line arguments',
        priority: 'high',
        status: 'In Progress',
      },
      ...{ description: '- Modify: src/cli.ts', ...hours(1) },
      lock: { holder: 'cursor-studio-8123', since: now, until: now + 25 * MINUTE },
    },
    {
      ...hours(1),
      id: id(4),
      content: 'Read the configuration',
      description: '- Update: src/cli.ts',
    },
    { ...hours(4), id: id(5), content: 'Draw temperature bars', deps: [id(2)] },
    {
      ...hours(1),
      id: id(6),
      content: 'draw bars: temperature!',
      deps: [id(2)],
      tags: ['#drawing'],
    },
    {
      ...hours(2),
      id: id(7),
      content: 'Show the week as a table',
      deps: [id(5)],
      tags: ['drawing', 'stale'],
    },
    { ...hours(1), id: id(8), content: 'Translate the conditions', priority: 'low' },
    { ...hours(1), id: id(9), content: 'Warn of severe weather', deps: [id(2), id(404)] },
    {
      ...{
        id: id(10),
        content: 'Cache forecasts on disk',
        status: 'In Progress',
        deps: [id(3)],
        ...hours(1),
      },
      lock: {
        holder: `claude-${hostname()}-${dead}`,
        since: now - 70 * MINUTE,
        until: now - 40 * MINUTE,
      },
    },
    {
      ...hours(3),
      id: id(11),
      content: 'Release 1.0',
      deps: [id(7), id(8), id(9)],
      priority: 'critical',
    },
    { id: id(12), content: 'Let plugins add commands', deps: [id(13)] },
    { id: id(13), content: 'Icon themes as the first plugin', deps: [id(12)] },
  ];
}

async function open(t: TestContext): Promise<Window> {
  const tasks = weather(await deadPid());
  return windows.open(t, {
    tasks,
    prepare: (folder) => {
      writeFileSync(
        join(folder, 'README.md'),
        '# Skycast\n\nHow to use it: [manual](docs/manual.md)\n',
      );
      writeFileSync(
        join(folder, 'GOALS.md'),
        '# Goals\n\n## Draw the forecast\n\nAs bars and tables.\n\n## Fly\n',
      );
      mkdirSync(join(folder, 'docs'));
      for (let n = 0; n < 300; n++)
        writeFileSync(join(folder, 'docs', `page-${n}.md`), `# Page ${n}\n`.repeat(200));
    },
  });
}

test('the analysis of a backlog opens as a page from the palette, follows the backlog, and is copied as JSON', async (t) => {
  const window = await open(t);
  const { workbench } = window;
  await window.tree();
  await workbench.run('Todo2 Waves: Analyse Parallelism');
  const page = await workbench.webview('h1:has-text("Analysis")');
  await page.getByText('Agents at a time').waitFor();
  await page
    .getByText(
      /If Read the configuration .* starts: Parse command line arguments .* is at work on src.cli\.ts/,
    )
    .first()
    .waitFor();
  await workbench.screenshot('analysis-dark');
  for (const [part, heading] of [
    ['graph', 'Graph'],
    ['groups', 'Longest chain'],
  ] as const) {
    await page.locator('h2', { hasText: heading }).scrollIntoViewIfNeeded();
    await drawn(page);
    await workbench.screenshot(`analysis-${part}-dark`);
  }
  await workbench.theme('light');
  await page.locator('h1').scrollIntoViewIfNeeded();
  await workbench.screenshot('analysis-light');
  await workbench.theme('dark');

  const writer = await window.writer();
  await writer.run("UPDATE tasks SET content = 'Draw bars for wind' WHERE id = ?", id(5));
  await page.getByText('Draw bars for wind').first().waitFor();

  await workbench.run('Todo2 Waves: Copy Analysis as JSON');
  await workbench.page.getByText('Copied: the analysis as JSON').first().waitFor();
});

test('a daily batch counts in a notification, gives back dead locks alone, and is shown in the tree and as a report', async (t) => {
  const window = await open(t);
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.run('Todo2 Waves: Run Batch…');
  await workbench.quick.getByText('Nightly').waitFor();
  await workbench.screenshot('batch-pick-dark');
  const progress = workbench.toast(/\d+ of 10/).waitFor();
  await workbench.pick('Daily');
  await progress;
  await workbench.screenshot('batch-progress-dark');
  const toast = workbench.toast(/Every step ended well/);
  await toast.waitFor();
  const row = await workbench.reveal(tree, 'Daily');
  await workbench.toggle(row);
  await workbench.reveal(tree, 'Tasks that say the same');
  await workbench.screenshot('batch-tree-dark');
  await toast.getByRole('button', { name: 'Open Report' }).click();
  const report = await workbench.webview('h1:has-text("Daily")');
  await report.getByText('docs/manual.md').first().waitFor();
  await workbench.screenshot('batch-report-dark');
  await workbench.theme('light');
  await workbench.screenshot('batch-report-light');
  await workbench.theme('dark');

  const tasks = await window.tasks();
  const of = (n: number) => [tasks[id(n)]?.status, tasks[id(n)]?.assignee];
  assert.deepEqual(
    [of(10), of(3)],
    [
      ['Todo', null],
      ['In Progress', 'cursor-studio-8123'],
    ],
  );
  await workbench.run('Todo2 Waves: Copy Batch Result as JSON');
  await workbench.page.getByText('Copied: the batch as JSON').first().waitFor();
});
