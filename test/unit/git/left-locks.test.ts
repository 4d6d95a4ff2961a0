import assert from 'node:assert/strict';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../../src/git/git-failure.ts';
import { removeLocksOf } from '../../../src/git/left-locks.ts';
import { done, repositoryRig } from '../../support/repository-rig.ts';

test('a lock that a killed Git has left on a ref of ours is removed, one on a ref of the user is not', async (t) => {
  const { root, git } = repositoryRig(t);
  git('branch', 'waves/run-1');
  git('commit', '-q', '--allow-empty', '-m', 'second');
  const own = join(root, '.git/refs/heads/waves/run-1.lock');
  const theirs = join(root, '.git/refs/heads/main.lock');
  writeFileSync(own, '');
  writeFileSync(theirs, '');
  const [moved, refused] = await Promise.all([
    run(root, ['update-ref', 'refs/heads/waves/run-1', 'HEAD']),
    run(root, ['update-ref', 'refs/heads/main', 'HEAD~1']),
  ]);
  done(moved);
  assert.equal(git('rev-parse', 'waves/run-1'), git('rev-parse', 'main'));
  assert.ok(!refused.ok && refused.failure.cause === 'busy');
  assert.deepEqual([existsSync(own), existsSync(theirs)], [false, true]);
});

test('of the locks, those made in the time of the killed command are removed', async (t) => {
  const { root, git } = repositoryRig(t);
  git('branch', 'waves/t-1');
  const at = (name: string): string => join(root, '.git', name);
  const [ours, older, settings, index] = [
    at('refs/heads/waves/t-1.lock'),
    at('refs/heads/waves/t-2.lock'),
    at('config.lock'),
    at('index.lock'),
  ];
  for (const file of [ours, older, settings, index]) writeFileSync(file, '');
  utimesSync(older, 1_000, 1_000);
  const from = Date.now();
  const commonDir = join(root, '.git');
  await removeLocksOf({ commonDir, gitDir: commonDir, from, to: from });
  assert.deepEqual([ours, older, settings, index].map(existsSync), [false, true, false, true]);
});

test('a worktree that a killed Git had only begun is removed, one with more in it or of another time is not', async (t) => {
  const { root } = repositoryRig(t);
  const commonDir = join(root, '.git');
  const begin = (name: string): string => {
    const folder = join(commonDir, 'worktrees', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'locked'), '');
    return folder;
  };
  const [begun, atWork, older] = [begin('t-1'), begin('t-2'), begin('t-3')];
  writeFileSync(join(atWork, 'gitdir'), '/somewhere/.git');
  utimesSync(join(older, 'locked'), 1_000, 1_000);
  const from = Date.now();
  await removeLocksOf({ commonDir, gitDir: undefined, from, to: from });
  assert.deepEqual([begun, atWork, older].map(existsSync), [false, true, true]);
  assert.ok(existsSync(join(atWork, 'locked')));
});
