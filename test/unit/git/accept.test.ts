import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { accept, undoAccept, type Accept, type Accepted } from '../../../src/git/accept.ts';
import { done, repositoryRig, type Rig } from '../../support/repository-rig.ts';

interface Review extends Rig {
  /** A commit with these files on top of the first one; undefined is deleted. */
  readonly work: (files: Readonly<Record<string, string | undefined>>) => string;
  readonly bring: (from: string, how?: Accept['how'], target?: string) => Promise<Accepted>;
  readonly tip: (branch?: string) => string;
  readonly index: () => string;
}

function review(t: TestContext, files?: Readonly<Record<string, string>>): Review {
  const rig = repositoryRig(t, files);
  const base = rig.git('rev-parse', 'HEAD').trim();
  const scratch = join(rig.worktrees, 'scratch');
  return {
    ...rig,
    work: (changes) => {
      rig.git('worktree', 'add', '-q', '--detach', scratch, base);
      for (const [file, text] of Object.entries(changes))
        if (text === undefined) rmSync(join(scratch, file));
        else rig.write(file, text, scratch);
      rig.gitIn(scratch, 'add', '-Af');
      rig.gitIn(scratch, 'commit', '-qm', 'work');
      const made = rig.gitIn(scratch, 'rev-parse', 'HEAD').trim();
      rig.git('worktree', 'remove', scratch);
      return made;
    },
    bring: async (from, how = 'merge', target = 'main') =>
      done(await accept({ repository: await rig.inspect(), from, target, how, message: 'Accept' })),
    tip: (branch = 'main') => rig.git('rev-parse', branch).trim(),
    index: () => readFileSync(join(rig.root, '.git/index'), 'latin1'),
  };
}

for (const how of ['fastForward', 'merge', 'squash'] as const) {
  test(`${how}: work comes into the branch that is open, beside what the user has changed`, async (t) => {
    const { work, bring, write, read, tip, git } = review(t, { a: 'a', b: 'b', gone: 'x' });
    const from = work({ a: 'new', gone: undefined, more: 'x' });
    write('b', 'changed');
    write('untracked', 'x');
    write('staged', 'x');
    git('add', 'staged');
    const before = tip();
    const accepted = await bring(from, how);
    assert.deepEqual(accepted, { kind: 'accepted', commit: tip(), before });
    assert.equal(git('status', '--porcelain'), ' M b\n' + 'A  staged\n' + '?? untracked\n');
    assert.deepEqual([read('a'), read('b'), read('more')], ['new', 'changed', 'x']);
    const parents = git('log', '-1', '--format=%P').trim().split(' ').length;
    assert.equal(parents, how === 'merge' ? 2 : 1);
    assert.deepEqual(await bring(from, how), { kind: 'nothing' });
  });
}

const inTheWay: readonly [name: string, stand: (rig: Review) => void, file: string][] = [
  ['a changed file', ({ write }) => write('a', 'mine'), 'a'],
  ['a staged file', ({ write, git }) => (write('a', 'mine'), git('add', 'a')), 'a'],
  ['a deleted file', ({ root }) => rmSync(join(root, 'a')), 'a'],
  ['an untracked file', ({ write }) => write('new/file', 'mine'), 'new/file'],
  ['an untracked file for a folder', ({ write }) => write('new', 'mine'), 'new'],
  [
    'a folder with untracked files for a file',
    ({ write }) => write('new/file/x', 'mine'),
    'new/file',
  ],
  ['an ignored file', ({ write }) => write('ignored', 'mine'), 'ignored'],
];
for (const [name, stand, file] of inTheWay) {
  test(`${name} of the user is in the way, is named and stays`, async (t) => {
    const rig = review(t, { a: 'a', '.gitignore': 'ignored\n' });
    const from = rig.work({ a: 'new', 'new/file': 'x', ignored: 'x' });
    stand(rig);
    const before = [rig.tip(), rig.index(), rig.git('status', '--porcelain', '-uall', '--ignored')];
    const accepted = await rig.bring(from);
    assert.ok(accepted.kind === 'inTheWay', JSON.stringify(accepted));
    assert.deepEqual(accepted.files, [file]);
    const after = [rig.tip(), rig.index(), rig.git('status', '--porcelain', '-uall', '--ignored')];
    assert.deepEqual(after, before);
  });
}

test('a branch that is open nowhere moves, and the user’s folder stays', async (t) => {
  const rig = review(t);
  rig.git('branch', 'other');
  rig.write('a.txt', 'mine');
  const before = [rig.tip(), rig.index()];
  const accepted = await rig.bring(rig.work({ 'a.txt': 'new' }), 'merge', 'other');
  assert.equal(accepted.kind, 'accepted');
  assert.deepEqual([rig.tip(), rig.index(), rig.read('a.txt')], [...before, 'mine']);
  assert.equal(rig.git('show', 'other:a.txt'), 'new');
});

test('a conflict and a target with commits of its own are said', async (t) => {
  const { work, bring, write, git } = review(t);
  write('a.txt', 'mine');
  git('commit', '-qam', 'mine');
  assert.deepEqual(await bring(work({ 'a.txt': 'x' })), { kind: 'conflict', files: ['a.txt'] });
  assert.deepEqual(await bring(work({ b: 'x' }), 'fastForward'), { kind: 'diverged' });
});

test('a half-done merge of the user is in the way', async (t) => {
  const { work, git, inspect } = review(t);
  const repository = await inspect();
  git('checkout', '-qb', 'side');
  git('commit', '-q', '--allow-empty', '-m', 'x');
  git('checkout', '-q', 'main');
  const from = work({ b: 'b' });
  git('merge', '-q', '--no-ff', '--no-commit', 'side');
  const request = { repository, from, target: 'main', how: 'merge', message: 'x' } as const;
  const accepted = done(await accept(request));
  assert.ok(accepted.kind === 'inTheWay');
  assert.match(accepted.reason, /a merge is not finished/);
});

test('an accept is undone beside what the user has changed, and stays under a ref', async (t) => {
  const { work, bring, write, read, tip, git, inspect, root } = review(t, { a: 'a', b: 'b' });
  write('b', 'changed');
  const accepted = await bring(work({ a: 'new', more: 'x' }), 'squash');
  assert.ok(accepted.kind === 'accepted');
  write('staged', 'x');
  git('add', 'staged');
  const request = { repository: await inspect(), target: 'main', ...accepted };
  write('a', 'edited since');
  const blocked = done(await undoAccept(request));
  assert.ok(blocked.kind === 'inTheWay');
  assert.deepEqual([blocked.files, tip()], [['a'], accepted.commit]);
  write('a', 'new');
  assert.deepEqual(done(await undoAccept(request)), { kind: 'undone' });
  assert.deepEqual([tip(), read('a'), read('b')], [accepted.before, 'a', 'changed']);
  assert.ok(!existsSync(join(root, 'more')));
  assert.equal(git('status', '--porcelain'), ' M b\nA  staged\n');
  assert.equal(git('rev-parse', `refs/waves/undone/${accepted.commit}`).trim(), accepted.commit);
  assert.deepEqual(done(await undoAccept(request)), { kind: 'movedOn' });
});

test('an accept is not undone after another commit, or once it is pushed', async (t) => {
  const { work, bring, git, inspect, tip } = review(t);
  const accepted = await bring(work({ b: 'b' }));
  assert.ok(accepted.kind === 'accepted');
  const request = { repository: await inspect(), target: 'main', ...accepted };
  git('update-ref', 'refs/remotes/origin/main', accepted.commit);
  assert.equal(done(await undoAccept(request)).kind, 'inTheWay');
  git('commit', '-q', '--allow-empty', '-m', 'later');
  const later = tip();
  assert.deepEqual(done(await undoAccept(request)), { kind: 'movedOn' });
  assert.equal(tip(), later);
});
