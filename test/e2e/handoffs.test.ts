import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Workbench } from '../editor/workbench.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => {
  windows = await Windows.start();
});
after(() => windows.stop());

const HOUR = 3_600_000;
const ago = (hours: number): string => new Date(Date.now() - hours * HOUR).toISOString();

/** What others have left in the file: a key and an entry that nobody here knows. */
const FOREIGN = {
  $schema: 'https://example.org/handoffs.json',
  handoffs: [
    {
      id: 'handoff-1',
      timestamp: ago(90),
      host: 'elsewhere',
      summary: 'Long ago',
      status: 'closed',
      weight: 1e3,
    },
    {
      id: 'handoff-2',
      timestamp: ago(20),
      host: 'mac-studio',
      summary: 'The forecast is **fetched**, the table is half drawn.',
      blockers: ['No access to the staging server'],
      next_steps: ['Draw the right half', 'Measure it'],
      tasks_in_progress: [{ id: 'T-2', content: 'Draw the table', status: 'In Progress' }],
      git_status: {
        branch: 'forecast',
        uncommitted_files: 3,
        changed_files: ['src/table.ts', 'src/draw.ts'],
      },
      mood: { of: 'the author' },
    },
  ],
};

/** Answers one step of several: the box of the one before is still there for a moment. */
async function answer(workbench: Workbench, step: number, text: string): Promise<void> {
  await workbench.quick.getByText(`(${step}/`).waitFor();
  await workbench.type(text);
}

test('a handoff is written from the palette, shows in the tree, and is closed there; what others wrote stays', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Fetch the forecast', status: 'Done' },
      { id: 'T-2', content: 'Draw the table' },
      { id: 'T-3', content: 'Write the manual', deps: ['T-2'] },
    ],
    prepare: (folder) => {
      writeFileSync(join(folder, '.todo2', 'handoffs.json'), JSON.stringify(FOREIGN, undefined, 2));
      execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: folder });
    },
  });
  const { workbench } = window;
  const file = join(window.folder, '.todo2', 'handoffs.json');
  const stored = () =>
    JSON.parse(readFileSync(file, 'utf8')) as { handoffs: Record<string, unknown>[] };
  const tree = await window.tree();
  const foreign = workbench.row(tree, 'Handoff from mac-studio');
  await foreign.waitFor();
  await workbench.screenshot('handoff-row-dark');
  await foreign.click();
  await workbench.webview('h2');
  await workbench.screenshot('handoff-document-dark');

  await workbench.inline(foreign, 'Resume');
  await workbench.page
    .getByText('Copied: a prompt that resumes from the handoff')
    .first()
    .waitFor();
  const prompt = workbench.page.locator('.monaco-editor .view-lines');
  await prompt.getByText('Resume the work that another session handed over').first().waitFor();
  await workbench.screenshot('handoff-resume-dark');

  await workbench.inline(workbench.row(tree, 'Draw the table'), 'Claim');
  await window.statusBar(/1/);
  await workbench.run('Todo2 Waves: Write Handoff…');
  await answer(workbench, 1, 'Both halves are drawn.');
  await answer(workbench, 2, '');
  await answer(workbench, 3, 'Measure it; tell everybody');
  await workbench.quick.getByText('Release my 1 claim').waitFor();
  await workbench.screenshot('handoff-write-dark');
  await workbench.quickInput.press('Enter');
  await window.until('the handoff is there and the claim is given back', async () => {
    const tasks = await window.tasks();
    return (
      stored().handoffs.length === 3 &&
      tasks['T-2']?.status === 'Todo' &&
      tasks['T-2'].assignee === null
    );
  });
  const written = stored().handoffs[2] ?? assert.fail('not there');
  assert.match(String(written['id']), /^handoff-\d{16}$/);
  assert.deepEqual(written['next_steps'], ['Measure it', 'tell everybody']);
  assert.deepEqual(written['tasks_in_progress'], [
    { id: 'T-2', content: 'Draw the table', status: 'In Progress' },
  ]);
  assert.deepEqual(written['task_journal'], [{ id: 'T-2', action: 'released' }]);
  assert.equal((written['git_status'] as { branch: string }).branch, 'main');

  const own = workbench.row(tree, 'Handoff');
  await own.getByText('Both halves are drawn.').waitFor();
  await workbench.theme('light');
  await workbench.screenshot('handoff-own-light');
  await workbench.menu(own, 'Close Handoff');
  await foreign.waitFor();
  await own.waitFor({ state: 'detached' });
  assert.deepEqual(stored(), {
    ...FOREIGN,
    handoffs: [...FOREIGN.handoffs, { ...written, status: 'closed' }],
  });

  await workbench.run('Todo2 Waves: Show Handoffs');
  await workbench.quick.getByText('Long ago').waitFor();
  await workbench.screenshot('handoff-list-light');
  await workbench.theme('dark');
  await workbench.screenshot('handoff-list-dark');
  await workbench.pick('The forecast is **fetched**, the table is half drawn.');
  await workbench.theme('light');
  await workbench.webview('h2');
  await workbench.screenshot('handoff-document-light');
});

test('the end of a day hands over what the runs of agents came to, and gives back what is claimed', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Fetch the forecast', description: 'simulate: seconds=0' },
      { id: 'T-2', content: 'Draw the table', deps: ['T-3'] },
      { id: 'T-3', content: 'Write the manual' },
    ],
  });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.inline(workbench.row(tree, 'Fetch the forecast'), /Run/);
  await window.until(
    'T-1 is in review',
    async () => (await window.tasks())['T-1']?.status === 'Review',
  );
  await workbench.row(window.runs, 'Ended: Fetch the forecast').waitFor();
  await workbench.inline(workbench.row(tree, 'Write the manual'), 'Claim');
  await window.statusBar(/1/);
  await workbench.run('Todo2 Waves: End the Day…');
  await workbench.quickInput.waitFor();
  await workbench.screenshot('handoff-day-dark');
  assert.equal(await workbench.quickInput.inputValue(), '1 run: 1 of 1 task succeeded. ');
  await workbench.quickInput.press('End');
  await workbench.quickInput.pressSequentially('The table is next.');
  await workbench.quickInput.press('Enter');
  await answer(workbench, 2, '');
  await answer(workbench, 3, 'Draw the table');
  await workbench.quick.getByText('1 run of agents').waitFor();
  await workbench.screenshot('handoff-day-parts-dark');
  await workbench.quickInput.press('Enter');
  const page = await workbench.webview('h2:has-text("Runs")');
  await page.getByText('1/1 succeeded').waitFor();
  await workbench.screenshot('handoff-day-written-dark');
  await window.until(
    'the claim is given back',
    async () => (await window.tasks())['T-3']?.assignee === null,
  );
  const file = join(window.folder, '.todo2', 'handoffs.json');
  const { handoffs } = JSON.parse(readFileSync(file, 'utf8')) as {
    handoffs: Record<string, unknown>[];
  };
  assert.equal(handoffs[0]?.['summary'], '1 run: 1 of 1 task succeeded. The table is next.');
  const [run] = handoffs[0]['runs'] as Record<string, string>[];
  assert.deepEqual(
    [run?.['title'], run?.['status'], run?.['result']],
    ['Fetch the forecast', 'ended', '1/1 succeeded'],
  );
});

test('a file of handoffs that is broken is named in the tree, and is read again when it is mended', async (t) => {
  const window = await windows.open(t, {
    tasks: [{ id: 'T-1', content: 'Fetch the forecast' }],
    prepare: (folder) =>
      writeFileSync(join(folder, '.todo2', 'handoffs.json'), '{"handoffs": [\n  oops'),
  });
  const { workbench } = window;
  const tree = await window.tree();
  const trouble = workbench.row(tree, 'handoffs.json cannot be read');
  await trouble.waitFor();
  await workbench.screenshot('handoff-broken-dark');
  writeFileSync(join(window.folder, '.todo2', 'handoffs.json'), JSON.stringify(FOREIGN));
  await workbench.row(tree, 'Handoff from mac-studio').waitFor();
  await trouble.waitFor({ state: 'detached' });
});
