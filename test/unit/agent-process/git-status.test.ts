import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseGitStatus, readGitStatus } from '../../../src/agent-process/git-status.ts';
import { folderFor } from '../../support/stores.ts';

const git = (folder: string, ...args: string[]): void =>
  void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd: folder,
    stdio: 'ignore',
  });

test('the branch and what is not committed are read from a repository, whatever the names of files', async (t) => {
  const folder = folderFor(t);
  git(folder, 'init', '-q', '-b', 'feature/über');
  for (const name of ['kept', 'moved', 'changed one'])
    writeFileSync(join(folder, name), `${name}\n`.repeat(20));
  git(folder, 'add', '.');
  git(folder, 'commit', '-qm', 'x');
  renameSync(join(folder, 'moved'), join(folder, 'new "name"'));
  git(folder, 'add', '-A');
  writeFileSync(join(folder, 'changed one'), 'else');
  writeFileSync(join(folder, '-rf ümlaut'), '');
  assert.deepEqual(await readGitStatus(folder), {
    branch: 'feature/über',
    uncommittedFiles: 3,
    changedFiles: ['changed one', 'new "name"', '-rf ümlaut'],
    ahead: undefined,
    behind: undefined,
  });
});

test('ten files are named, all are counted, and how far the branch is from its remote is told', () => {
  const files = Array.from({ length: 12 }, (_, index) => `? f${index}`);
  const output = ['# branch.oid x', '# branch.head main', '# branch.ab +3 -2', ...files, ''].join(
    '\0',
  );
  const status = parseGitStatus(output);
  assert.equal(status.uncommittedFiles, 12);
  assert.equal(status.changedFiles.length, 10);
  assert.deepEqual([status.ahead, status.behind], [3, 2]);
});

test('a folder that is no repository, and one that is not there, say nothing', async (t) => {
  const folder = folderFor(t);
  // Stops git from finding one further up.
  writeFileSync(join(folder, '.git'), 'none');
  assert.equal(await readGitStatus(folder), undefined);
  assert.equal(await readGitStatus(join(folder, 'gone')), undefined);
});

test(
  'no program that a repository names is started',
  { skip: process.platform === 'win32' },
  async (t) => {
    const folder = folderFor(t);
    git(folder, 'init', '-q');
    const spy = join(folder, 'spy');
    mkdirSync(join(folder, 'seen'));
    writeFileSync(spy, `#!/bin/sh\ntouch ${join(folder, 'seen', 'it')}\n`, { mode: 0o755 });
    git(folder, 'config', 'core.fsmonitor', spy);
    writeFileSync(join(folder, 'a'), '');
    const status = await readGitStatus(folder);
    assert.deepEqual(
      status?.changedFiles.filter((name) => name.startsWith('seen')),
      [],
    );
  },
);
