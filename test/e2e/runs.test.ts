import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TaskSpec } from '../support/fixture.ts';
import { agentsIn, workIn } from '../support/folder-work.ts';
import { type Window, Windows } from '../support/windows.ts';
import { PATIENCE_MS } from '../support/until.ts';

let windows: Windows;
before(async () => (windows = await Windows.start()));
after(() => windows.stop());

/**
 * Agents go on until a test has made a file of this name, so that nothing depends on how fast the
 * machine is.
 */
const go = (window: Window, ...names: readonly string[]): void => {
  for (const name of names) writeFileSync(join(window.folder, name), '');
};

/** The tasks that somebody holds, with the process that its holder names. */
async function held(window: Window): Promise<Readonly<Record<string, number>>> {
  const tasks = Object.entries(await window.tasks()).filter(
    ([, { assignee }]) => assignee !== null,
  );
  return Object.fromEntries(
    tasks.map(([id, { assignee }]) => [id, Number(/-(\d+)$/.exec(assignee ?? '')?.[1])]),
  );
}

const waitForHeld = (window: Window, ...ids: readonly string[]): Promise<void> =>
  window.until(
    `held are ${ids.join(', ') || 'none'}`,
    async () => Object.keys(await held(window)).join() === ids.join(),
  );

const waitForStatus = (window: Window, status: string, ...ids: readonly string[]): Promise<void> =>
  window.until(`${ids.join(', ')}: ${status}`, async () => {
    const tasks = await window.tasks();
    return ids.every((id) => tasks[id]?.status === status && tasks[id].assignee === null);
  });

/** Two short tasks, each with one that waits for it, and four that go on until a test ends them. */
const HARBOUR: readonly TaskSpec[] = [
  {
    id: 'T-1',
    content: 'Chart the shoals',
    description: 'simulate: seconds=0 until=go-1 json tokens=11600 usd=0.34',
  },
  { id: 'T-2', content: 'Light the beacon', description: 'simulate: seconds=0 until=go-2' },
  { id: 'T-3', content: 'Paint the buoys', description: 'simulate: seconds=0 until=go-3' },
  {
    id: 'T-4',
    content: 'Dredge the harbour',
    description: 'simulate: seconds=0 until=go-4',
    priority: 'low',
  },
  { id: 'T-5', content: 'Sound the fairway', description: 'simulate: seconds=0 fail=3' },
  { id: 'T-6', content: 'Read the tide gauge', description: 'simulate: seconds=0' },
  { id: 'T-7', content: 'Open the fairway', deps: ['T-5'], description: 'simulate: seconds=0' },
  {
    id: 'T-8',
    content: 'Print the tide tables',
    deps: ['T-6'],
    description: 'simulate: seconds=0',
  },
];

// Beside the one that is mostly waiting, one of the others at a time.
describe('runs', { concurrency: 2 }, () => {
  test('an agent that is silent for long looks stuck; a person is told, and gives its task another turn', async (t) => {
    const window = await windows.open(t, {
      tasks: [{ id: 'T-1', content: 'Wait for the tide', description: 'simulate: seconds=0 hang' }],
      settings: { 'todo2Waves.stuckAfterMinutes': 1 },
    });
    const { workbench } = window;
    const tree = await window.tree();
    await workbench.inline(workbench.row(tree, 'Wait for the tide').first(), 'Run Task');
    await window.until('it is at work', () =>
      Promise.resolve(agentsIn(window.folder).length === 1),
    );
    const [first] = agentsIn(window.folder);
    // A minute is the shortest that can be set.
    const stuck = tree.getByText(/^looks stuck: silent since/);
    await stuck.waitFor({ timeout: 60_000 + PATIENCE_MS });
    assert.equal(await workbench.row(tree, 'Wait for the tide').count(), 1, 'one row a task');
    await workbench.toast('“Wait for the tide” looks stuck').waitFor();
    await workbench.screenshot('run-stuck-dark');
    await workbench
      .toast('“Wait for the tide” looks stuck')
      .getByRole('button', { name: 'Requeue' })
      .click();
    await window.until('another agent is at work', () => {
      const [now, ...more] = agentsIn(window.folder);
      return Promise.resolve(now !== undefined && now !== first && more.length === 0);
    });
    await tree
      .getByText(/min · .*2nd attempt/)
      .first()
      .waitFor();
    await workbench.run('Todo2 Waves: Stop All Runs');
    await waitForStatus(window, 'Todo', 'T-1');
  });

  test('a run from its start to its report: cap, pause, a task stopped, a reload in the middle, and the rest resumed', async (t) => {
    const window = await windows.open(t, {
      tasks: HARBOUR,
      settings: { 'todo2Waves.maxParallelTasks': 2, 'todo2Waves.runBudget': { tokens: 10_000 } },
    });
    const { workbench } = window;
    const { page } = workbench;
    const tree = await window.tree();
    await workbench.run('Todo2 Waves: Run All Waves');

    // The longest paths first, then by priority; never more than two at a time.
    await waitForStatus(window, 'Review', 'T-6');
    await waitForHeld(window, 'T-1', 'T-2');
    assert.deepEqual(
      [(await window.tasks())['T-3']?.status, (await window.tasks())['T-5']?.status],
      ['Todo', 'Todo'],
    );
    const running = workbench.row(window.runs, 'Running: All waves');
    await running.getByText('1/8 succeeded · 2 running · 1 failed · cap 2').waitFor();

    await workbench.run('Todo2 Waves: Change Agents at a Time…');
    await workbench.screenshot('run-cap-dark');
    await workbench.type('4');
    await waitForHeld(window, 'T-1', 'T-2', 'T-3', 'T-4');
    await window.until('four agents', () => Promise.resolve(agentsIn(window.folder).length === 4));
    const supervisors = new Set(
      workIn(window.folder).flatMap(({ kind, pid }) => (kind === 'supervisor' ? [pid] : [])),
    );
    assert.ok(
      Object.values(await held(window)).every((pid) => supervisors.has(pid)),
      'the worker owns the lock',
    );
    for (const title of [
      'Chart the shoals',
      'Light the beacon',
      'Paint the buoys',
      'Dredge the harbour',
    ])
      await page.locator('.terminal-tabs-entry').getByText(title).first().waitFor();
    await workbench.screenshot('run-four-dark');
    await workbench.theme('light');
    await workbench.screenshot('run-four-light');
    await workbench.theme('dark');

    await workbench.run('Todo2 Waves: Pause Run');
    const paused = workbench.row(window.runs, 'Paused: All waves');
    await paused.waitFor();
    await workbench.inline(workbench.row(tree, 'Paint the buoys'), 'Stop Task');
    // On a slow machine its agent has worked for more than a minute by now.
    const question = workbench.dialog('Stop the agent of “Paint the buoys”?');
    await window.until('it is stopped', async () => {
      if (await question.isVisible()) await question.getByRole('button', { name: 'Stop' }).click();
      const { status, assignee } = (await window.tasks())['T-3'] ?? assert.fail();
      return status === 'Todo' && assignee === null;
    });
    go(window, 'go-4');
    await waitForStatus(window, 'Review', 'T-4');
    await workbench.screenshot('run-paused-dark');

    // Nothing of it ends or begins anew with the window.
    const before_ = { agents: agentsIn(window.folder), held: await held(window) };
    await window.reload();
    await paused.getByText('2/8 succeeded · 2 running · 1 failed · 1 stopped · cap 4').waitFor();
    assert.deepEqual({ agents: agentsIn(window.folder), held: await held(window) }, before_);
    for (const title of ['Chart the shoals', 'Light the beacon'])
      await page.locator('.terminal-tabs-entry').getByText(title).first().waitFor();
    await workbench.row(tree, 'Chart the shoals').first().waitFor();
    await workbench.screenshot('run-reloaded-dark');

    await workbench.run('Todo2 Waves: Go On with Paused Run');
    await workbench.row(window.runs, 'Running: All waves').waitFor();
    go(window, 'go-1', 'go-2');
    await waitForStatus(window, 'Review', 'T-1', 'T-2');
    await workbench
      .row(window.runs, 'Paused at budget: All waves')
      .getByText(/^reached 10k tokens · 4\/8 succeeded .* 12k tokens · \$0\.34/)
      .waitFor();
    const reached = workbench.toast('it has reached its budget of 10k tokens');
    await reached.waitFor();
    await workbench.screenshot('run-budget-dark');
    await reached.getByRole('button', { name: 'Go On' }).click();
    await waitForStatus(window, 'Review', 'T-8');
    const ended = workbench.row(window.runs, 'Ended: All waves');
    await ended.getByText('5/8 succeeded · 1 failed · 1 stopped · 1 skipped').waitFor();
    const failed = workbench.row(tree, 'Sound the fairway');
    await failed.getByText('failed with exit code 3').waitFor();
    assert.equal(await failed.count(), 1, 'one row a task');
    // In its own wave, which is closed.
    await workbench.row(tree, 'Next · wave 1').getByText('1 waiting').waitFor();
    await workbench.screenshot('run-ended-dark');
    await workbench.theme('light');
    await workbench.screenshot('run-ended-light');

    // What was in the way is gone, and only the rest runs.
    const untouched = async (): Promise<readonly unknown[]> => {
      const tasks = await window.tasks();
      return ['T-1', 'T-2', 'T-4', 'T-6', 'T-8'].map((id) => tasks[id]?.version);
    };
    const versions = await untouched();
    go(window, 'go-3');
    await (
      await window.writer()
    ).run("UPDATE tasks SET long_description = 'simulate: seconds=0' WHERE id = 'T-5'");
    await workbench.inline(ended, 'Resume');
    await waitForStatus(window, 'Review', 'T-3', 'T-5', 'T-7');
    await workbench.row(window.runs, 'Ended: All waves').getByText('3/3 succeeded').waitFor();
    assert.deepEqual(await untouched(), versions, 'what had succeeded was left alone');

    await workbench.run('Todo2 Waves: Show Runs');
    await workbench.quick.getByText('5/8 succeeded').waitFor();
    await workbench.screenshot('runs-list-light');
    await workbench.quick.getByRole('option').filter({ hasText: '5/8 succeeded' }).click();
    const report = await workbench.webview('h1:has-text("Run report: All waves")');
    await report.getByText('gantt').first().waitFor();
    await report.getByText('failed with exit code 3').first().waitFor();
    await report.getByRole('cell', { name: '12k tokens · $0.34' }).first().waitFor();
    await workbench.screenshot('run-report-light');
    await workbench.theme('dark');
    await workbench.screenshot('run-report-dark');

    // Later, in a window that knows of it only by what was written down.
    await window.reload();
    await workbench.toggle(workbench.row(window.runs, 'Past Runs'));
    const past = workbench.row(window.runs, 'All waves').filter({ hasText: '5/8 succeeded' });
    await past.waitFor();
    await workbench.row(tree, 'Sound the fairway').getByText('to review').waitFor();
    await workbench.menu(workbench.row(tree, 'Sound the fairway'), 'Open Log');
    await workbench.page.getByRole('tab', { name: 'Sound the fairway.log' }).waitFor();
    await workbench.page.locator('.editor-instance').getByText('Going over the diff').waitFor();
    await workbench.screenshot('past-log-dark');
  });

  test('a dry run changes nothing; a way to run is remembered; tasks that share a file wait for each other, and a rate limit is waited for', async (t) => {
    const window = await windows.open(t, {
      tasks: [
        {
          id: 'T-1',
          content: 'Chart the shoals',
          description: 'Files: charts/bay.md\nsimulate: seconds=0 until=go-1',
        },
        {
          id: 'T-2',
          content: 'Name the rocks',
          description: 'Files: charts/bay.md\nsimulate: seconds=0',
        },
        { id: 'T-3', content: 'Ask the harbour master', description: 'simulate: seconds=0' },
        {
          id: 'T-4',
          content: 'Print the chart',
          deps: ['T-3'],
          description: 'simulate: seconds=0',
        },
      ],
    });
    const { workbench } = window;
    const tree = await window.tree();
    const option = (label: string) =>
      workbench.quick.getByRole('option').filter({ hasText: label });

    await workbench.run('Todo2 Waves: Run With…');
    await workbench.pick('All Waves');
    await option('Order').getByText('wave after wave').waitFor();
    await workbench.screenshot('run-with-dark');
    await workbench.theme('light');
    await workbench.screenshot('run-with-light');
    await option('Order').click();
    await option('each task as soon as').click();
    await option('Order').getByText('each task as soon as').waitFor();
    await option('Dry Run').click();
    const dry = await workbench.webview('h1:has-text("Dry run: All waves")');
    await dry.getByText('Nothing was started, claimed or written.').waitFor();
    await dry.getByText('waits: shares charts/bay.md with T-1').waitFor();
    await workbench.screenshot('dry-run-light');
    await workbench.theme('dark');
    await workbench.screenshot('dry-run-dark');
    assert.deepEqual(
      Object.values(await window.tasks()).map(({ status, version }) => [status, version]),
      Array.from({ length: 4 }, () => ['Todo', 1]),
    );

    await workbench.run('Todo2 Waves: Run With…');
    await workbench.pick('All Waves');
    await option('Order').getByText('each task as soon as').waitFor();
    await workbench.quickInput.press('Enter');
    const running = workbench.row(window.runs, 'Running: All waves');
    await running.getByText(/flow · cap 4/).waitFor();
    await tree.getByText('waits: shares charts/bay.md with Chart the shoals').waitFor();
    await workbench.screenshot('run-conflict-dark');
    // Its own dependency is enough for a task to start, although the first wave goes on.
    await waitForStatus(window, 'Review', 'T-3', 'T-4');
    assert.deepEqual(Object.keys(await held(window)), ['T-1']);
    go(window, 'go-1');
    await waitForStatus(window, 'Review', 'T-1', 'T-2');
    await workbench.row(window.runs, 'Ended: All waves').getByText('4/4 succeeded').waitFor();

    // The simulated maker says when to come again, and is believed.
    await (
      await window.writer()
    ).run(
      `INSERT INTO tasks (id, content, long_description, status, priority, created, project_id)
      SELECT 'T-5', 'Ask once more', 'simulate: seconds=0 ratelimit=1', 'Todo', 'high', created, project_id FROM tasks WHERE id = 'T-1'`,
    );
    await workbench.inline(workbench.row(tree, 'Ask once more').first(), 'Run Task');
    await tree
      .getByText(/The simulated agent cools down until/)
      .first()
      .waitFor();
    await workbench.screenshot('run-cooling-dark');
    await waitForStatus(window, 'Review', 'T-5');
    await workbench.row(window.runs, 'Ended: Ask once more').getByText('1/1 succeeded').waitFor();
  });

  test('only what was verified becomes Done, what was not passed goes back to Todo, and both are written down', async (t) => {
    const verify = (tag: string, exitCode: number) => {
      const args = ['-e', `console.log('checked the ${tag} way'); process.exit(${exitCode})`];
      return { tag, command: process.execPath, args };
    };
    const window = await windows.open(t, {
      tasks: [
        {
          id: 'T-1',
          content: 'Sound work',
          tags: ['sound'],
          description: 'simulate: seconds=0 touch=sound.txt',
        },
        { id: 'T-2', content: 'Leaky work', tags: ['leaky'], description: 'simulate: seconds=0' },
        { id: 'T-3', content: 'Work that nothing verifies', description: 'simulate: seconds=0' },
      ],
      prepare: (folder) => void execFileSync('git', ['init', '--quiet'], { cwd: folder }),
      settings: {
        'todo2Waves.statusOnSuccess': 'Done',
        'todo2Waves.verify': [verify('sound', 0), verify('leaky', 1)],
      },
    });
    const { workbench } = window;
    const tree = await window.tree();
    await workbench.run('Todo2 Waves: Run Wave…');
    await workbench.pick('Wave 0');
    await waitForStatus(window, 'Done', 'T-1');
    await waitForStatus(window, 'Todo', 'T-2');
    await waitForStatus(window, 'Review', 'T-3');
    await workbench
      .row(window.runs, 'Ended: Wave 0')
      .getByText('2/3 succeeded · 1 failed')
      .waitFor();
    await tree.getByText(/^failed: .* did not pass \(exit code 1\)/).waitFor();
    await workbench.screenshot('run-verified-dark');
    const comments = await (
      await window.writer()
    ).all(
      "SELECT task_id, content FROM task_comments WHERE comment_type = 'result' ORDER BY task_id",
    );
    const of = (id: string): string =>
      comments.find((comment) => comment['task_id'] === id)?.['content'] as string;
    assert.deepEqual(
      comments.map((comment) => comment['task_id']),
      ['T-1', 'T-2', 'T-3'],
    );
    assert.match(of('T-1'), /Succeeded\*\*, now Done[^]*passed[^]*`sound\.txt`/);
    assert.match(of('T-2'), /Failed[^]*failed with exit code 1[^]*checked the leaky way/);
    assert.match(of('T-3'), /Succeeded\*\*, now Review[^]*Verified by nothing/);
  });
});
