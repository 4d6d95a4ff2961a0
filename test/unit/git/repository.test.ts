import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspectRepository, type UnusableCause } from '../../../src/git/repository.ts';
import {
  repositoryAt,
  repositoryRig,
  temporaryFolder,
  type Rig,
} from '../../support/repository-rig.ts';

test('a repository tells its branch, its commit and where its folder lies', async (t) => {
  const { root, git, write } = repositoryRig(t);
  write('sub/folder/b.txt', 'b');
  git('add', '.');
  git('commit', '-qm', 'second');
  const found = await repositoryAt(join(root, 'sub/folder'));
  assert.deepEqual(found, {
    top: root,
    commonDir: join(root, '.git'),
    prefix: 'sub/folder/',
    branch: 'main',
    commit: git('rev-parse', 'HEAD').trim(),
    isDirty: false,
    isLinkedWorktree: false,
    remarks: [],
  });
});

test('a detached HEAD has no branch, and a worktree is told from the main one', async (t) => {
  const { root, git, worktrees } = repositoryRig(t);
  git('worktree', 'add', '-q', '--detach', worktrees);
  const found = await repositoryAt(worktrees);
  assert.equal(found.branch, undefined);
  assert.equal(found.commonDir, join(root, '.git'));
  assert.ok(found.isLinkedWorktree);
});

test('untracked and changed files make it dirty, those of the backlog do not', async (t) => {
  const { write, inspect, git } = repositoryRig(t, { 'a.txt': 'a', '.todo2/state.json': '{}' });
  write('.todo2/state.json', '{ }');
  write('.todo2/todo2.db', 'x');
  assert.equal((await inspect()).isDirty, false);
  write('new', 'x');
  assert.equal((await inspect()).isDirty, true);
  git('add', 'new');
  assert.equal((await inspect()).isDirty, true);
});

const unusable: readonly [name: string, why: UnusableCause, make: (rig: Rig) => string][] = [
  ['a folder of no repository', 'noRepository', ({ root }) => join(root, '..')],
  [
    'a repository without a commit',
    'noCommit',
    ({ root, git }) => {
      git('init', '-q', join(root, '../new'));
      return join(root, '../new');
    },
  ],
  [
    'a bare repository',
    'bare',
    ({ root, git }) => {
      git('init', '-q', '--bare', join(root, '../bare'));
      return join(root, '../bare');
    },
  ],
  [
    'a folder that Git ignores',
    'ignored',
    ({ root, write }) => {
      write('.gitignore', 'out/');
      write('out/sample/a.txt', 'a');
      return join(root, 'out/sample');
    },
  ],
  [
    'a half-done merge',
    'underWay',
    ({ root, git, write }) => {
      git('checkout', '-qb', 'other');
      git('commit', '-q', '--allow-empty', '-m', 'theirs');
      git('checkout', '-q', 'main');
      write('a.txt', 'ours');
      git('commit', '-qam', 'ours');
      git('merge', '-q', '--no-commit', '--no-ff', 'other');
      return root;
    },
  ],
];
for (const [name, why, make] of unusable) {
  test(`${name} cannot have worktrees, and it is said why`, async (t) => {
    const inspected = await inspectRepository(make(repositoryRig(t)));
    assert.ok(inspected.kind === 'unusable');
    assert.equal(inspected.why, why);
    assert.match(inspected.detail, /\.$/);
  });
}

test('submodules, sparse checkouts and large files are remarked on', async (t) => {
  const { root, git, write, inspect } = repositoryRig(t);
  write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  const other = join(temporaryFolder(t), 'library');
  mkdirSync(other);
  git('init', '-q', other);
  git(
    '-C',
    other,
    '-c',
    'user.name=x',
    '-c',
    'user.email=x@y',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    'x',
  );
  write('sub/x', 'x');
  git('submodule', '--quiet', 'add', other, 'library');
  git('add', '.');
  git('commit', '-qm', 'more');
  git('sparse-checkout', 'set', '--cone', 'sub');
  const remarks = (await inspect()).remarks.join('\n');
  assert.match(remarks, /^Submodules/m);
  assert.match(remarks, /^Sparse checkout/m);
  assert.equal(root, (await inspect()).top);
});

test('a folder that Git ignores, but of which it tracks a file, is one of the repository', async (t) => {
  const { root, git, write } = repositoryRig(t);
  write('out/a.txt', 'a');
  git('add', 'out');
  write('.gitignore', 'out/');
  git('add', '.gitignore');
  git('commit', '-qm', 'second');
  assert.equal((await repositoryAt(join(root, 'out'))).prefix, 'out/');
});
