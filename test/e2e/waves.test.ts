import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TaskSpec } from '../support/fixture.ts';
import { agentsIn } from '../support/folder-work.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => {
  windows = await Windows.start();
});
after(() => windows.stop());

/**
 * Four tasks that can run side by side until a test lets them end, one that waits for two of them,
 * and one that another agent holds.
 */
const BACKLOG: readonly TaskSpec[] = [
  {
    id: 'T-1',
    content: 'Fetch the forecast',
    priority: 'high',
    description: 'simulate: seconds=0 until=go',
  },
  { id: 'T-2', content: 'Parse the answer', description: 'simulate: seconds=0 until=go' },
  { id: 'T-3', content: 'Draw the table', description: 'simulate: seconds=0 until=go' },
  {
    id: 'T-4',
    content: 'Write the manual',
    priority: 'low',
    description: 'simulate: seconds=0 until=go',
  },
  {
    id: 'T-5',
    content: 'Join the parts',
    deps: ['T-1', 'T-2'],
    description: 'simulate: seconds=0',
  },
  {
    id: 'T-9',
    content: 'Taken by another',
    status: 'In Progress',
    lock: {
      holder: 'claude-elsewhere-4242',
      since: Date.now() - 12 * 60_000,
      until: Date.now() + 90 * 60_000,
    },
  },
];

test('the first wave runs to its end: locks come and go, and the database has moved on', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  const tree = await window.tree();
  const wave = workbench.row(tree, 'Now · wave 0');
  await wave.getByText('1 at work · 4 ready').waitFor();
  await workbench.screenshot('tree-dark');

  await workbench.inline(wave, 'Run Wave');
  await window.statusBar(/4 · /);
  await workbench.screenshot('running-dark');
  const during = await window.tasks();
  for (const id of ['T-1', 'T-2', 'T-3', 'T-4']) {
    const { status, assignee } = during[id] ?? assert.fail(id);
    assert.equal(status, 'In Progress');
    assert.match(assignee ?? '', /^simulated-.+-\d+$/);
  }
  writeFileSync(join(window.folder, 'go'), '');

  await window.until('the wave has ended', async () => {
    const tasks = await window.tasks();
    return ['T-1', 'T-2', 'T-3', 'T-4'].every(
      (id) => tasks[id]?.status === 'Review' && tasks[id].assignee === null,
    );
  });
  await window.statusBar(/^\s*0$/);
  await workbench.row(window.runs, 'Ended: Wave 0').getByText('4/5 succeeded').waitFor();
  await workbench.screenshot('ended-dark');
  const after_ = await window.tasks();
  assert.equal(after_['T-9']?.assignee, 'claude-elsewhere-4242', 'what others hold is left alone');
  assert.equal(after_['T-5']?.status, 'Todo', 'the next wave was not started');
});

test('all waves run, the second after the first, from the palette', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'First', description: 'simulate: seconds=0' },
      { id: 'T-2', content: 'Second', deps: ['T-1'], description: 'simulate: seconds=0' },
    ],
  });
  await window.tree();
  await window.workbench.run('Todo2 Waves: Run All Waves');
  await window.until('both are in review', async () => {
    const tasks = await window.tasks();
    return tasks['T-1']?.status === 'Review' && tasks['T-2']?.status === 'Review';
  });
});

test('a task that fails goes back to Todo, and the tree says so', async (t) => {
  const window = await windows.open(t, {
    tasks: [{ id: 'T-1', content: 'Doomed', description: 'simulate: seconds=0\nsimulate: fail=3' }],
  });
  const tree = await window.tree();
  await window.workbench.inline(window.workbench.row(tree, 'Doomed').first(), 'Run Task');
  await tree.getByText('failed with exit code 3').waitFor();
  const tasks = await window.tasks();
  assert.deepEqual([tasks['T-1']?.status, tasks['T-1']?.assignee], ['Todo', null]);
});

test('Stop ends an agent that hangs; its output stays readable', async (t) => {
  const window = await windows.open(t, {
    tasks: [{ id: 'T-1', content: 'Endless', description: 'simulate: hang' }],
  });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.inline(workbench.row(tree, 'Endless').first(), 'Run Task');
  await window.statusBar(/1 · /);
  await window.until('the agent speaks', async () =>
    (await workbench.terminalText()).includes('Hanging, as told'),
  );
  await workbench.run('Todo2 Waves: Stop All Runs');
  await window.until('the task is free again', async () => {
    const tasks = await window.tasks();
    return tasks['T-1']?.status === 'Todo' && tasks['T-1'].assignee === null;
  });
  await workbench.row(tree, 'Endless').getByText('ready').waitFor();
  await workbench.row(window.runs, 'Ended: Endless').getByText('1 stopped').waitFor();
  // What scrolls off the top depends on how long the lines of this machine are.
  await window.until('its last words and its end are shown', async () =>
    /Hanging, as told[^]*Stopped/.test(await workbench.terminalText()),
  );
});

test('a press of Run moves no row, and Stop does not come under the pointer', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Endless', description: 'simulate: hang' },
      { id: 'T-2', content: 'Another', description: 'simulate: hang' },
    ],
  });
  const { workbench } = window;
  const { page } = workbench;
  const tree = await window.tree();
  const presses = [
    [workbench.row(tree, 'Endless'), 'Run Task', /1 · /],
    [workbench.row(tree, 'Now · wave 0'), 'Run Wave', /2 · /],
  ] as const;
  for (const [row, action, locks] of presses) {
    await row.hover();
    const before = await row.boundingBox();
    const at = await row.getByRole('button', { name: action }).boundingBox();
    assert.ok(before !== null && at !== null);
    const point = [at.x + at.width / 2, at.y + at.height / 2] as const;
    await page.mouse.click(...point);
    await window.statusBar(locks);
    await row.getByText(action === 'Run Task' ? /^< 1 min/ : '2 at work').waitFor();
    assert.deepEqual(await row.boundingBox(), before);
    await page.mouse.move(...point);
    const under = await page.evaluate<string>(
      `document.elementFromPoint(${point.join()})?.closest('[aria-label]')?.getAttribute('aria-label') ?? ''`,
    );
    assert.doesNotMatch(under, /^Stop/);
  }
  await workbench.screenshot('pressed-dark');
  await workbench.run('Todo2 Waves: Stop All Runs');
  await window.until('both are free again', async () =>
    Object.values(await window.tasks()).every(({ assignee }) => assignee === null),
  );
});

test('a task is found by its tag though it is finished, and a filter says what it leaves out', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Chart the shoals', tags: ['sea'] },
      { id: 'T-2', content: 'Light the beacon', tags: ['land'] },
      { id: 'T-3', content: 'Paint the buoys', tags: ['sea'], status: 'Done' },
      { id: 'T-4', content: 'Ring the bell', deps: ['T-1'], tags: ['land'] },
    ],
  });
  const { workbench } = window;
  const tree = await window.tree();
  const option = (text: string) => workbench.quick.getByRole('option').filter({ hasText: text });
  await workbench.run('Todo2 Waves: Find Task…');
  await workbench.quickInput.fill('#sea');
  await option('Paint the buoys').waitFor();
  await workbench.screenshot('find-dark');
  await option('Paint the buoys').click();
  await workbench.row(tree, 'Paint the buoys').waitFor();
  assert.equal(
    await workbench.row(tree, 'Paint the buoys').getAttribute('aria-selected'),
    'true',
    'in the group of finished tasks, which was closed',
  );

  await workbench.run('Todo2 Waves: Group Tasks By…');
  await workbench.pick('Tag');
  await workbench.row(tree, 'sea').first().waitFor();
  await workbench.run('Todo2 Waves: Filter Tasks…');
  await workbench.type('beacon');
  await workbench.row(tree, 'Now · wave 0').getByText('1 of 2 shown').waitFor();
  await workbench.page.getByText('Only: “beacon”.').waitFor();
  await workbench.row(tree, 'Next · wave 1').waitFor({ state: 'detached' });
  await workbench.screenshot('filter-dark');
  await workbench.theme('light');
  await workbench.screenshot('filter-light');
  await window.reload();
  await workbench.row(tree, 'Now · wave 0').getByText('1 of 2 shown').waitFor();
  await workbench.run('Todo2 Waves: Show All Tasks');
  await workbench.row(tree, 'Next · wave 1').waitFor();
});

test('a claim of mine shows in the status bar, in the list of locks, and goes when I release it there', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.inline(workbench.row(tree, 'Fetch the forecast'), 'Claim');
  await window.statusBar(/1 · 30 min$/);
  await workbench.status('todo2Waves.locks').click();
  await workbench.quick.getByText('claude-elsewhere-4242').waitFor();
  await workbench.screenshot('locks-dark');
  const mine = workbench.quick.locator('.monaco-list-row', { hasText: 'Fetch the forecast' });
  await mine.hover();
  await mine.getByRole('button', { name: 'Release' }).click();
  await window.statusBar(/^\s*0$/);
  const tasks = await window.tasks();
  assert.deepEqual([tasks['T-1']?.status, tasks['T-1']?.assignee], ['Todo', null]);
});

test('the keyboard is enough: find a task, open it, run it', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'By hand', description: 'simulate: seconds=0' },
      { id: 'T-2', content: 'The next one', description: 'simulate: seconds=0' },
    ],
  });
  const { page } = window.workbench;
  const tree = await window.tree();
  await tree.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const details = await window.workbench.webview('h1:has-text("By hand")');
  await details.getByText('T-1').first().waitFor();
  await tree.focus();
  // What has the focus counts, and not what was opened before.
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+Enter');
  await window.until(
    'it is in review',
    async () => (await window.tasks())['T-2']?.status === 'Review',
  );
  assert.equal((await window.tasks())['T-1']?.status, 'Todo');
});

test('the tree follows another process that commits all the time, and never shows a task twice or half', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const tree = await window.tree();
  const shown = async (): Promise<string[]> =>
    tree.getByRole('treeitem').locator('.label-name').allTextContents();
  const writer = await window.writer();
  for (let round = 0; round < 40; round++) {
    const title = `Round ${round}`;
    await writer.exec(
      `BEGIN IMMEDIATE; UPDATE tasks SET content='${title}', long_description='${title}' WHERE id='T-3'; DELETE FROM tasks WHERE id='T-4'; ` +
        `INSERT INTO tasks(id, content, long_description, status, priority, created, project_id) VALUES('T-4', '${title} too', '', 'Todo', 'low', '2026-01-01T00:00:00Z', (SELECT project_id FROM tasks WHERE id='T-1')); COMMIT`,
    );
    const labels = await shown();
    assert.equal(new Set(labels).size, labels.length, `shown twice: ${labels.join(', ')}`);
    const [first, second] = [
      labels.find((l) => /^Round \d+$/.test(l)),
      labels.find((l) => / too$/.test(l)),
    ];
    if (first !== undefined && second !== undefined)
      assert.equal(`${first} too`, second, 'rows of two commits side by side');
  }
  await window.workbench.row(tree, 'Round 39 too').waitFor();
});

test('a window that is closed in the middle of a run leaves no lock and no agent behind, where that is wanted', async (t) => {
  const window = await windows.open(t, {
    tasks: [{ id: 'T-1', content: 'Endless', description: 'simulate: hang' }],
    settings: { 'todo2Waves.whenWindowCloses': 'stop' },
  });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.inline(workbench.row(tree, 'Endless').first(), 'Run Task');
  await window.statusBar(/1 · /);
  await window.until('the agent speaks', async () =>
    (await workbench.terminalText()).includes('at work on: Endless'),
  );
  assert.equal(agentsIn(window.folder).length, 1);
  await workbench.page.goto('about:blank');
  await window.until('the task is free again', async () => {
    const tasks = await window.tasks();
    return tasks['T-1']?.status === 'Todo' && tasks['T-1'].assignee === null;
  });
  await window.until('its agent has ended', () =>
    Promise.resolve(agentsIn(window.folder).length === 0),
  );
});

test('agents of a window that was closed go on and end well without one, and the next window shows it', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Nearly done', description: 'simulate: seconds=0 until=go-1' },
      { id: 'T-2', content: 'Slow', description: 'simulate: seconds=0 until=go-2' },
      { id: 'T-3', content: 'The next', deps: ['T-1'], description: 'simulate: seconds=0' },
    ],
  });
  await window.tree();
  await window.workbench.run('Todo2 Waves: Run All Waves');
  await window.until('both are at work', () =>
    Promise.resolve(agentsIn(window.folder).length === 2),
  );
  const agents = agentsIn(window.folder);
  const leader = leaderIn(window.folder);
  await window.workbench.page.goto('about:blank');
  await window.until('the window is gone', () => Promise.resolve(!isAlive(leader)));
  assert.deepEqual(agentsIn(window.folder), agents);
  writeFileSync(join(window.folder, 'go-1'), '');
  await window.until('a task is in review', async () => {
    const { status, assignee } = (await window.tasks())['T-1'] ?? assert.fail();
    return status === 'Review' && assignee === null;
  });
  assert.equal((await window.tasks())['T-3']?.status, 'Todo', 'nobody leads the run');

  const next = await windows.join(t, window);
  await next.tree();
  await next.workbench
    .row(next.runs, 'Running: All waves')
    .getByText('1/3 succeeded · 1 running')
    .waitFor();
  const left = agentsIn(window.folder);
  assert.ok(left.length === 1 && agents.includes(left[0] ?? 0), 'it was not started anew');
  writeFileSync(join(window.folder, 'go-2'), '');
  await next.workbench.row(next.runs, 'Ended: All waves').getByText('3/3 succeeded').waitFor();
});

test('a claim that somebody else holds says who and until when', async (t) => {
  const window = await windows.open(t, { tasks: [{ id: 'T-1', content: 'Wanted' }] });
  const { workbench } = window;
  const tree = await window.tree();
  const writer = await window.writer();
  // Between what the tree shows and the click: the database is the one that decides.
  const wanted = workbench.row(tree, 'Wanted');
  await wanted.hover();
  await writer.run(
    "UPDATE tasks SET status='In Progress', assignee='codex-far-77', assigned_at=strftime('%s','now'), lock_until=strftime('%s','now')+1800 WHERE id='T-1'",
  );
  await wanted.getByText('held by codex-far-77, 30 min left').waitFor();
  await workbench.run('Todo2 Waves: Run Wave…');
  await workbench.pick('Wave 0');
  await workbench
    .row(window.runs, 'Ended: Wave 0')
    .getByText('0/1 succeeded · 1 skipped')
    .waitFor();
  await wanted.getByText('held by codex-far-77, 30 min left').waitFor();
  assert.equal((await window.tasks())['T-1']?.assignee, 'codex-far-77');
});

test('both plan files are written from the palette and opened', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  await window.tree();
  await workbench.run('Todo2 Waves: Write Wave Plan');
  await workbench.page.getByRole('tab', { name: /\.plan\.md/ }).waitFor();
  await workbench.run('Todo2 Waves: Write Parallel Execution Plan for Subagents');
  await workbench.page
    .getByRole('tab', { name: /parallel-execution-subagents\.plan\.md/ })
    .waitFor();
  const plans = join(window.folder, '.cursor', 'plans');
  assert.match(
    readFileSync(join(plans, 'parallel-execution-subagents.plan.md'), 'utf8'),
    /^T-1, T-2, T-3, T-9, T-4$/m,
  );
  await workbench.screenshot('plan-dark');
});

test('in a light theme too: the tree, a running wave and the details of a task', async (t) => {
  const window = await windows.open(t, { tasks: BACKLOG });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.theme('light');
  await workbench.screenshot('tree-light');
  await workbench.inline(workbench.row(tree, 'Now · wave 0'), 'Run Wave');
  await window.statusBar(/4 · /);
  await workbench.row(tree, 'Fetch the forecast').locator('.label-name').first().click();
  await workbench.webview('h1:has-text("Fetch the forecast")');
  await workbench.screenshot('running-light');
  writeFileSync(join(window.folder, 'go'), '');
  await workbench.row(window.runs, 'Ended: Wave 0').waitFor();
  await workbench.theme('dark');
  await workbench.screenshot('details-dark');
});

test('whatever runs have ended before, a change of theme draws each row with its own title', async (t) => {
  const failing = (id: string): TaskSpec => ({
    id,
    content: `Part ${id}`,
    description: 'simulate: seconds=0 fail=3',
  });
  const window = await windows.open(t, { tasks: ['T-1', 'T-2', 'T-3'].map(failing) });
  const { workbench } = window;
  await window.tree();
  for (const [round, theme] of (['light', 'dark', 'light'] as const).entries()) {
    await workbench.run('Todo2 Waves: Run All Waves');
    await window.until('each task was claimed and given back once more', async () =>
      Object.values(await window.tasks()).every(({ version }) => version === 3 + 2 * round),
    );
    await workbench.row(window.runs, 'Running: All waves').waitFor({ state: 'detached' });
    await workbench.theme(theme);
    // A row that is being asked for may show the one before the other; what is drawn wrongly stays
    // so.
    await window.until(
      'the runs, and the wave with its tasks, are drawn as they are read out',
      async () => {
        const shown =
          await workbench.page.evaluate<readonly [title: string, label: string][]>(
            TITLES_AND_LABELS,
          );
        return shown.length >= 5 && shown.every(([title, label]) => label.startsWith(`${title}, `));
      },
    );
  }
});

/** Run in the page: what each row of ours shows, and what of it is read out. */
const TITLES_AND_LABELS = `[...document.querySelectorAll('.customview-tree [role="treeitem"]')].map((row) => [
  row.querySelector('.label-name').textContent,
  row.getAttribute('aria-label'),
])`;

/** The process of the window that leads the one run of a folder. */
function leaderIn(folder: string): number {
  const runs = join(folder, '.todo2', 'waves', 'runs');
  const [name, ...others] = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter(
    (each) => /lead\.\d+\.json$/.test(each),
  );
  assert.ok(name !== undefined && others.length === 0);
  return (JSON.parse(readFileSync(join(runs, name), 'utf8')) as { readonly pid: number }).pid;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
