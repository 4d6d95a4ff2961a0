import assert from 'node:assert/strict';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { git, gitEnvironment } from '../../../src/git/git-command.ts';
import { repositoryRig } from '../../support/repository-rig.ts';

test('a command answers what it prints, or its exit code and message', async (t) => {
  const { root } = repositoryRig(t);
  const commit = await git(root, ['log', '--format=%s']);
  assert.deepEqual(commit, { kind: 'ok', stdout: 'first\n' });
  const missing = await git(root, ['rev-parse', '--verify', 'nothing']);
  assert.ok(missing.kind === 'failed' && missing.code === 128);
  assert.match(missing.stderr, /Needed a single revision/);
});

test('a folder that is not there fails, and is not taken for a missing Git', async () => {
  assert.equal((await git('/nowhere/at/all', ['version'])).kind, 'failed');
});

test('the environment keeps who the user is, and nothing that leads elsewhere', () => {
  const env = gitEnvironment({
    PATH: '/bin',
    GIT_DIR: '/elsewhere',
    GIT_INDEX_FILE: 'x',
    GIT_CONFIG_PARAMETERS: "'core.hooksPath=/x'",
    GIT_CONFIG_COUNT: '1',
    GIT_AUTHOR_NAME: 'A',
    GIT_CONFIG_GLOBAL: '/home/me/config',
    GIT_EXTERNAL_DIFF: 'x',
  });
  const { PATH, GIT_AUTHOR_NAME, GIT_CONFIG_GLOBAL } = env;
  assert.deepEqual([PATH, GIT_AUTHOR_NAME, GIT_CONFIG_GLOBAL], ['/bin', 'A', '/home/me/config']);
  for (const name of ['DIR', 'INDEX_FILE', 'CONFIG_PARAMETERS', 'CONFIG_COUNT', 'EXTERNAL_DIFF'])
    assert.equal(env[`GIT_${name}`], undefined, name);
});

test('no hook of the repository is run', async (t) => {
  const { root, write } = repositoryRig(t);
  for (const hook of ['pre-commit', 'post-checkout', 'reference-transaction']) {
    write(`.git/hooks/${hook}`, '#!/bin/sh\ntouch ../hook-ran hook-ran\n');
    chmodSync(join(root, '.git/hooks', hook), 0o755);
  }
  assert.equal((await git(root, ['commit', '--allow-empty', '-m', 'x'])).kind, 'ok');
  assert.equal((await git(root, ['checkout', '-q', '-b', 'other'])).kind, 'ok');
  assert.ok(!existsSync(join(root, 'hook-ran')));
});

test('a lock of another process is waited for, and never removed', async (t) => {
  const { root, write } = repositoryRig(t);
  const lock = join(root, '.git/index.lock');
  write('b.txt', 'b');
  writeFileSync(lock, '');
  const adding = git(root, ['add', 'b.txt']);
  // The lock is there when Git first asks for it: this waits for an end of Git, not for a time.
  await git(root, ['version']);
  assert.ok(existsSync(lock));
  rmSync(lock);
  assert.equal((await adding).kind, 'ok');
});

test('a command ends that takes too long, or prints too much', async (t) => {
  const { root, write } = repositoryRig(t);
  write('large', 'x'.repeat(200_000));
  const wait = ['-c', 'alias.wait=!exec sleep 60', 'wait'];
  assert.equal((await git(root, wait, { timeoutMs: 200 })).kind, 'tooLong');
  const show = ['diff', '--no-index', '--', '/dev/null', 'large'];
  assert.equal((await git(root, show, { mostBytes: 1000 })).kind, 'tooLong');
});
