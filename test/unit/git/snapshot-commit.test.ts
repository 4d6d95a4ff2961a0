import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commitOfTree } from '../../../src/git/snapshot-commit.ts';
import { done, repositoryRig } from '../../support/repository-rig.ts';

test('a snapshot has the files as they are, and leaves index, stash and files', async (t) => {
  const rig = repositoryRig(t, {
    a: 'a',
    b: 'b',
    gone: 'x',
    '.gitignore': 'no\n',
    '.todo2/x': 'x',
  });
  const { root, git, write, read, inspect } = rig;
  write('b', 'stashed');
  git('stash', '-q');
  write('a', 'staged');
  git('add', 'a');
  write('a', 'changed');
  write('no', 'ignored');
  write('new', 'untracked');
  write('.todo2/x', 'changed');
  rmSync(join(root, 'gone'));
  const index = readFileSync(join(root, '.git/index'));
  const state = git('status', '--porcelain=v2', '--branch', '--show-stash', '--ignored');
  const { commit, nested } = done(await commitOfTree(await inspect(), 'run 1'));
  assert.deepEqual(readFileSync(join(root, '.git/index')), index);
  assert.equal(git('status', '--porcelain=v2', '--branch', '--show-stash', '--ignored'), state);
  assert.deepEqual(nested, []);
  const files = git('ls-tree', '-r', '--name-only', commit).trim().split('\n');
  assert.deepEqual(files, ['.gitignore', '.todo2/x', 'a', 'b', 'new']);
  assert.deepEqual(
    ['a', 'b', '.todo2/x'].map((file) => git('show', `${commit}:${file}`)),
    ['changed', 'b', 'x'],
  );
  assert.equal(read('.todo2/x'), 'changed');
  assert.equal(
    git('for-each-ref', '--format=%(objectname)', 'refs/waves/snapshots').trim(),
    commit,
  );
});

test('a change in the second of the index, of the same size, is seen', async (t) => {
  const { git, write, inspect } = repositoryRig(t, { a: 'one' });
  for (let round = 0; round < 10; round++) {
    write('a', `x${round}x`);
    git('add', 'a');
    write('a', `y${round}y`);
    const { commit } = done(await commitOfTree(await inspect(), 'r'));
    assert.equal(git('show', `${commit}:a`), `y${round}y`);
  }
});
