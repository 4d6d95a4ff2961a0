import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, showFile } from '../../../src/git/diff.ts';
import { done, repositoryRig } from '../../support/repository-rig.ts';

test('the files between two commits, with lines, renames and any name', async (t) => {
  const { root, git, write } = repositoryRig(t, { a: '1\n2\n', old: 'a line that stays\n' });
  git('mv', 'old', 'a\tb\nc');
  write('a', '1\nx\ny\n');
  write('binary', 'x\0y');
  write('.todo2/x', 'x');
  git('add', '.');
  git('commit', '-qm', 'second');
  const { files, added, removed } = done(await filesOf(root, 'HEAD~1', 'HEAD', '.todo2/'));
  const plain = { from: undefined, isBinary: false, isSubmodule: false };
  assert.deepEqual(files, [
    { ...plain, path: 'a', kind: 'modified', added: 2, removed: 1 },
    { ...plain, path: 'a\tb\nc', kind: 'renamed', from: 'old', added: 0, removed: 0 },
    { ...plain, path: 'binary', kind: 'added', added: 0, removed: 0, isBinary: true },
  ]);
  assert.deepEqual([added, removed], [2, 1]);
});

test('a file of a commit is shown by its bytes, whatever its name', async (t) => {
  const { root, git, write } = repositoryRig(t);
  write('-x', 'dash');
  write(':(top)y', 'magic');
  git('add', '.');
  git('commit', '-qm', 'second');
  for (const [path, text] of [
    ['-x', 'dash'],
    [':(top)y', 'magic'],
  ] as const)
    assert.deepEqual(done(await showFile(root, 'HEAD', path)), {
      kind: 'file',
      bytes: Buffer.from(text),
    });
  assert.deepEqual(done(await showFile(root, 'HEAD~1', '-x')), { kind: 'absent' });
  assert.deepEqual(done(await showFile(root, 'HEAD', 'nothing')), { kind: 'absent' });
});
