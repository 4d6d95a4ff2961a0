import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Window, Windows } from '../support/windows.ts';

let windows: Windows;
before(async () => (windows = await Windows.start()));
after(() => windows.stop());

const gitIn =
  (folder: string) =>
  (...args: string[]): string =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

/** A repository with the backlog in it, which Git ignores. */
function prepare(folder: string): void {
  const git = gitIn(folder);
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'A User');
  git('config', 'user.email', 'user@example.org');
  writeFileSync(join(folder, '.gitignore'), '.todo2/\n.vscode/\n');
  writeFileSync(join(folder, 'harbour.log'), 'Opened\n');
  git('add', '.');
  git('commit', '-qm', 'Open the harbour');
}

const ended = (window: Window, to = 'Review'): Promise<void> =>
  window.until(`all are in ${to}`, async () =>
    Object.values(await window.tasks()).every(({ status }) => status === to),
  );

/** The task whose line is not in what the run has merged. */
function inConflict(git: (...args: string[]) => string): string {
  const [run = ''] = git('branch', '--list', '--format=%(refname:short)', 'waves/run-*').split(
    '\n',
  );
  return git('show', `${run}:harbour.log`).includes('wind') ? 'Log the tide' : 'Log the wind';
}

test('two agents change the same file and a third another one: review, accept, conflict, discard, clean up', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Log the tide', description: 'simulate: seconds=0 append=harbour.log' },
      { id: 'T-2', content: 'Log the wind', description: 'simulate: seconds=0 append=harbour.log' },
      {
        id: 'T-3',
        content: 'Chart the shoals',
        description: 'simulate: seconds=0 append=chart.md',
      },
    ],
    prepare,
  });
  t.after(() => rmSync(`${window.folder}.worktrees`, { recursive: true, force: true }));
  const { workbench } = window;
  const git = gitIn(window.folder);
  const tree = await window.tree();
  const before = git('rev-parse', 'HEAD');
  const notes = join(window.folder, 'notes.txt');
  writeFileSync(notes, 'not committed\n');
  await workbench.inline(workbench.row(tree, 'Now · wave 0').first(), 'Run Wave');
  const question = workbench.dialog('You have uncommitted changes.');
  await question.waitFor();
  await workbench.screenshot('worktrees-uncommitted-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktrees-uncommitted-light');
  await workbench.theme('dark');
  await question.getByRole('button', { name: 'Last Commit' }).click();
  await ended(window);
  const run = workbench.row(window.runs, 'Ended: Wave 0');
  await run.waitFor();
  const conflict = tree.getByText(/^conflicts with earlier work in harbour\.log/).first();
  await conflict.waitFor();
  await tree
    .getByText(/^to review · \+1 −0 · 1 file/)
    .first()
    .waitFor();
  assert.equal(git('rev-parse', 'HEAD'), before);
  assert.equal(git('status', '--porcelain'), '?? notes.txt\n');
  rmSync(notes);
  await workbench.screenshot('worktrees-ended-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktrees-ended-light');
  await workbench.theme('dark');

  // All that the run has merged, in one editor.
  await workbench.inline(run, 'Review Changes');
  const editor = workbench.page.locator('.multiDiffEditor');
  await editor.getByText('chart.md').first().waitFor();
  await editor.getByText('harbour.log').first().waitFor();
  await workbench.screenshot('worktrees-review-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktrees-review-light');
  await workbench.theme('dark');

  const conflicted = inConflict(git);
  await workbench.menu(workbench.row(tree, conflicted).first(), 'Resolve Conflict…');
  const resolve = workbench.toast(`Resolve harbour.log in the worktree of “${conflicted}”`);
  await resolve.waitFor();
  await workbench.screenshot('worktrees-resolve-dark');
  const file = join(
    `${window.folder}.worktrees`,
    conflicted === 'Log the tide' ? 't-1-log-the-tide' : 't-2-log-the-wind',
    'harbour.log',
  );
  assert.match(readFileSync(file, 'utf8'), /^<<<<<<< /m);
  await resolve.getByRole('button', { name: 'Merge Again' }).click();
  await workbench.toast('Still in conflict: harbour.log.').waitFor();
  const marks = /^(?:<<<<<<<|=======|>>>>>>>).*\n/gm;
  writeFileSync(file, readFileSync(file, 'utf8').replace(marks, ''));
  await workbench.menu(workbench.row(tree, conflicted).first(), 'Merge Again');
  await workbench.toast(`“${conflicted}” is merged into the run.`).waitFor();
  await tree
    .getByText(/^to review · merged after a conflict · /)
    .first()
    .waitFor();
  await window.runs
    .getByText(/^3\/3 succeeded · took/)
    .first()
    .waitFor();
  await workbench.screenshot('worktrees-merged-dark');

  await workbench.menu(run, 'Accept Changes…');
  const asked = workbench.dialog('Accept the changes of “Wave 0” into main?');
  await asked.waitFor();
  await workbench.screenshot('worktrees-accept-dark');
  await asked.getByRole('button', { name: 'Accept' }).click();
  const accepted = workbench.toast('The changes of “Wave 0” are in main.');
  await accepted.waitFor();
  await workbench.toggle(workbench.row(tree, 'Finished'));
  await tree
    .getByText(/^accepted into main as [0-9a-f]{7}$/)
    .nth(2)
    .waitFor();
  await window.runs.getByText(/^accepted into main as [0-9a-f]{7} · 3\/3 succeeded/).waitFor();
  await workbench.screenshot('worktrees-accepted-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktrees-accepted-light');
  await workbench.theme('dark');
  assert.ok(existsSync(join(window.folder, 'chart.md')));
  assert.match(
    readFileSync(join(window.folder, 'harbour.log'), 'utf8'),
    /^Opened\nLog the \w+\nLog the \w+\n$/,
  );
  await window.until('all of it is Done', async () =>
    Object.values(await window.tasks()).every(({ status }) => status === 'Done'),
  );

  // What is undone is offered again, and discarded work is kept.
  await accepted.getByRole('button', { name: 'Undo' }).click();
  await tree.getByText('accept into main undone').nth(2).waitFor();
  assert.equal(git('rev-parse', 'HEAD'), before);
  await workbench.menu(workbench.row(tree, 'Chart the shoals').first(), 'Discard Changes…');
  await workbench
    .dialog('Discard the changes of “Chart the shoals”?')
    .getByRole('button', { name: 'Discard' })
    .click();
  await workbench.toast(/^The work is kept as refs\/waves\/discarded\//).waitFor();
  const [kept = ''] = git('for-each-ref', '--format=%(refname)', 'refs/waves/discarded').split(
    '\n',
  );
  assert.equal(git('show', `${kept}:chart.md`), 'Chart the shoals\n');
  await tree
    .getByText(/^discarded$/)
    .first()
    .waitFor();
  await workbench.screenshot('worktrees-discarded-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktrees-discarded-light');
  await workbench.theme('dark');
  await workbench.menu(run, 'Accept Changes…');
  await asked.getByRole('button', { name: 'Accept' }).click();
  await accepted.waitFor();

  await workbench.run('Todo2 Waves: Clean Up Worktrees…');
  await workbench.quick.getByText('Nothing is lost with it.').first().waitFor();
  await workbench.screenshot('worktrees-clean-up-dark');
  await workbench.page.keyboard.press('Enter');
  await workbench.toast(/^\d worktrees removed\./).waitFor();
  assert.equal(git('worktree', 'list').trim().split('\n').length, 1);
  assert.equal(git('branch', '--list', 'waves/*'), '');
});

test('a comment on a line is sent back, and the same agent goes on in the same worktree', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Log the tide', description: 'simulate: seconds=0 append=harbour.log' },
    ],
    settings: { 'todo2Waves.isolation': 'worktree' },
    prepare,
  });
  t.after(() => rmSync(`${window.folder}.worktrees`, { recursive: true, force: true }));
  const { workbench } = window;
  const { page } = workbench;
  const git = gitIn(window.folder);
  const tree = await window.tree();
  await workbench.inline(workbench.row(tree, 'Now · wave 0').first(), 'Run Wave');
  await ended(window);
  const part = workbench.row(tree, 'Log the tide').first();
  await workbench.inline(part, 'Review Changes');
  const editor = page.locator('.multiDiffEditor');
  const right = editor.locator('.editor.modified').first();
  const line = right.locator('.view-line').filter({ hasText: 'Log the tide' });
  await line.hover();
  // Only the side that has the work has a + beside its lines.
  assert.equal(await editor.locator('.editor.original .comment-range-glyph').count(), 0);
  const at = await line.boundingBox();
  const glyph = await right.locator('.comment-range-glyph').first().boundingBox();
  assert.ok(at && glyph);
  await page.mouse.click(glyph.x + glyph.width / 2, at.y + at.height / 2);
  const thread = page.locator('.review-widget');
  await thread.locator('.monaco-editor').first().waitFor();
  await page.keyboard.type('<b>Name</b> the [port](command:workbench.action.quit)');
  await thread.getByRole('button', { name: 'Add Comment' }).click();
  const comment = thread.locator('.comment-body');
  await comment.getByText('<b>Name</b> the [port](command:workbench.action.quit)').waitFor();
  assert.equal(await comment.locator('a, b').count(), 0, 'it is plain text');
  await workbench.screenshot('send-back-comment-dark');
  await workbench.theme('light');
  await workbench.screenshot('send-back-comment-light');
  await workbench.theme('dark');

  // It is still there after a reload, and can be changed.
  await window.reload();
  await workbench.run('Todo2 Waves: Review Changes');
  await workbench.pick('“Log the tide”');
  await comment.getByText('<b>Name</b> the').waitFor();
  await comment.hover();
  await thread.getByRole('button', { name: 'Edit Comment' }).click();
  await thread.getByRole('button', { name: 'Save Comment' }).waitFor();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('Name the port');
  await workbench.screenshot('send-back-edit-dark');
  await thread.getByRole('button', { name: 'Save Comment' }).click();
  await comment.getByText('Name the port', { exact: true }).waitFor();

  await workbench.run('Todo2 Waves: Send Back…');
  await workbench.pick('“Log the tide”');
  await workbench.quick.getByText('1 comment on lines will be sent with it.').waitFor();
  await workbench.screenshot('send-back-prompt-dark');
  await workbench.theme('light');
  await workbench.screenshot('send-back-prompt-light');
  await workbench.theme('dark');
  await workbench.type('Once more, please');
  await workbench.toast('“Log the tide” was sent back: its agent goes on with it.').waitFor();
  await thread.waitFor({ state: 'detached' });
  const again = workbench.row(window.runs, 'Ended: Log the tide');
  await again.waitFor();
  await ended(window);
  const runs = join(window.folder, '.todo2/waves/runs');
  const [latest = ''] = readdirSync(runs)
    .filter((name) => !name.includes('.'))
    .sort()
    .slice(-1);
  const asked = readFileSync(join(runs, latest, '1.prompt.md'), 'utf8');
  assert.match(asked, /\nOnce more, please\n\nharbour\.log:2\n> Log the tide\nName the port\n/);
  assert.equal(
    git('show', 'waves/t-1-log-the-tide:harbour.log'),
    'Opened\n' + 'Log the tide\n'.repeat(2),
  );
  const notes = await (
    await window.writer()
  ).all("SELECT content FROM task_comments WHERE comment_type = 'note'");
  assert.match(JSON.stringify(notes), /"Sent back by the reviewer\.\\n\\nOnce more, please\\n/);

  // The task is reviewed again, with all of the work.
  await tree.getByText(/^to review · \+2 −0 · 1 file/).waitFor();
  assert.equal(await workbench.row(tree, 'Log the tide').count(), 1, 'one row a task');
  await workbench.screenshot('send-back-ended-dark');
  await workbench.theme('light');
  await workbench.screenshot('send-back-ended-light');
  await workbench.theme('dark');
  await workbench.inline(workbench.row(tree, 'Log the tide').first(), 'Review Changes');
  await line.nth(1).waitFor();
});

test('the waves of a run are reviewed and accepted one after the other', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Log the tide', description: 'simulate: seconds=0 append=tide.log' },
      { id: 'T-2', content: 'Log the wind', description: 'simulate: seconds=0 append=wind.log' },
      {
        ...{ id: 'T-3', content: 'Chart the shoals', deps: ['T-1'] },
        description: 'simulate: seconds=0 append=chart.md',
      },
    ],
    settings: { 'todo2Waves.isolation': 'worktree' },
    prepare,
  });
  t.after(() => rmSync(`${window.folder}.worktrees`, { recursive: true, force: true }));
  const { workbench } = window;
  const git = gitIn(window.folder);
  await window.tree();
  await workbench.run('Todo2 Waves: Run All Waves');
  await ended(window);
  const run = workbench.row(window.runs, 'Ended: All waves');
  await run.waitFor();
  // It stays open where it was drawn while it ran.
  if ((await run.getAttribute('aria-expanded')) !== 'true') await workbench.toggle(run);
  const [first, second] = [0, 1].map((wave) => workbench.row(window.runs, `Wave ${wave}`).first());
  assert.ok(first && second);
  await first.getByText('2/2 succeeded').waitFor();
  await second.getByText('1/1 succeeded').waitFor();
  await workbench.screenshot('worktree-waves-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktree-waves-light');
  await workbench.theme('dark');

  // What came in with a wave, and nothing of the other one.
  const editor = workbench.page.locator('.multiDiffEditor');
  await workbench.inline(first, 'Review Changes');
  await editor.getByText('tide.log').first().waitFor();
  await editor.getByText('wind.log').first().waitFor();
  assert.equal(await editor.getByText('chart.md').count(), 0);
  await workbench.screenshot('worktree-waves-review-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktree-waves-review-light');
  await workbench.theme('dark');

  await workbench.menu(first, 'Accept Changes…');
  const asked = workbench.dialog('Accept the changes of wave 0 of “All waves” into main?');
  await asked.waitFor();
  await asked.getByText('2 files: tide.log, wind.log').waitFor();
  await workbench.screenshot('worktree-waves-accept-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktree-waves-accept-light');
  await workbench.theme('dark');
  await asked.getByRole('button', { name: 'Accept' }).click();
  await workbench.toast('The changes of wave 0 of “All waves” are in main.').waitFor();
  await first.getByText(/^accepted into main as [0-9a-f]{7} · 2\/2 succeeded/).waitFor();
  await second.getByText(/^1\/1 succeeded/).waitFor();
  assert.deepEqual(
    ['tide.log', 'wind.log', 'chart.md'].map((file) => existsSync(join(window.folder, file))),
    [true, true, false],
  );
  await window.until('the wave is Done, and the other one is not', async () => {
    const tasks = await window.tasks();
    return ['T-1', 'T-2', 'T-3'].map((id) => tasks[id]?.status).join() === 'Done,Done,Review';
  });
  await workbench.screenshot('worktree-waves-accepted-dark');
  await workbench.theme('light');
  await workbench.screenshot('worktree-waves-accepted-light');
  await workbench.theme('dark');

  // The other one then comes by itself, and its commit is of this wave.
  await workbench.menu(second, 'Accept Changes…');
  const again = workbench.dialog('Accept the changes of wave 1 of “All waves” into main?');
  await again.getByText('1 file: chart.md').waitFor();
  assert.equal(await again.getByText('whose work comes with it').count(), 0);
  await again.getByRole('button', { name: 'Accept' }).click();
  await second.getByText(/^accepted into main as [0-9a-f]{7} · 1\/1 succeeded/).waitFor();
  assert.equal(git('log', '-1', '--format=%s'), 'Accept All waves up to wave 1\n');
  assert.equal(git('status', '--porcelain'), '');
  await ended(window, 'Done');
});
