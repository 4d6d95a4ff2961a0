import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { findGit } from '../../../src/agent-process/git.ts';
import { rememberFiles } from '../../../src/agent-process/touched-files.ts';

const IDENTITY = [
  '-c',
  'user.name=x',
  '-c',
  'user.email=x@example.org',
  '-c',
  'commit.gpgsign=false',
];

function repository(t: TestContext): {
  root: string;
  git: (...args: string[]) => void;
  write: (file: string, text: string) => void;
} {
  const root = mkdtempSync(join(tmpdir(), 'todo2-touched-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const git = (...args: string[]): void =>
    void execFileSync('git', [...IDENTITY, ...args], { cwd: root, stdio: 'pipe' });
  const write = (file: string, text: string): void => {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  git('init', '-q');
  return { root, git, write };
}

test('what changed since is told, committed or not, and nothing that had changed before', async (t) => {
  const { root, git, write } = repository(t);
  for (const file of ['kept.ts', 'edited.ts', 'committed.ts', 'undone.ts', 'dirty.ts', 'gone.ts'])
    write(file, 'one\n');
  git('add', '.');
  git('commit', '-qm', 'first');
  for (const file of ['undone.ts', 'dirty.ts']) write(file, 'another\n');
  write('before.txt', 'x');
  const touched = await rememberFiles(root, await findGit());
  write('edited.ts', 'longer than before\n');
  write('committed.ts', 'two\n');
  git('commit', '-qm', 'second', 'committed.ts');
  git('checkout', '-q', '--', 'undone.ts');
  write('new/deep file ä.ts', 'x');
  write('.todo2/todo2.db', 'x');
  rmSync(join(root, 'gone.ts'));
  assert.deepEqual(await touched(), [
    'committed.ts',
    'edited.ts',
    'gone.ts',
    'new/deep file ä.ts',
    'undone.ts',
  ]);
});

test('a backlog in a folder of a repository has the files of that folder', async (t) => {
  const { root, write } = repository(t);
  write('app/a.ts', 'x');
  const touched = await rememberFiles(join(root, 'app'), await findGit());
  write('app/b.ts', 'x');
  write('elsewhere.ts', 'x');
  assert.deepEqual(await touched(), ['b.ts']);
});

test('without a repository nothing is known to have changed', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'todo2-touched-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const touched = await rememberFiles(root, await findGit());
  writeFileSync(join(root, 'a.ts'), '');
  assert.deepEqual(await touched(), []);
});
