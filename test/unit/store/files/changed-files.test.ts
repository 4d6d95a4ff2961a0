import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { watchFiles } from '../../../../src/store/files/changed-files.ts';

/** A folder with these files, each with its path as text. */
function folderOf(t: TestContext, ...files: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'changed-files-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const file of files) write(root, file, file);
  return root;
}

function write(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

test('files that were made, changed or removed are named in order, at any depth', async (t) => {
  const root = folderOf(t, 'same', 'b/changed', 'b/c/removed', 'old/moved');
  const changed = await watchFiles(root);
  assert.deepEqual(await changed(), []);
  write(root, 'b/changed', 'longer than before');
  write(root, 'a/new', '');
  rmSync(join(root, 'b/c'), { recursive: true });
  renameSync(join(root, 'old'), join(root, 'new'));
  const all = ['a/new', 'b/c/removed', 'b/changed', 'new/moved', 'old/moved'];
  assert.deepEqual(await changed(), all);
  assert.deepEqual(await changed(), all, 'asked again');
});

test('a change that keeps size and time is seen, and so is another file in its place', async (t) => {
  const root = folderOf(t, 'kept', 'replaced');
  const at = new Date(1_700_000_000_000);
  for (const file of ['kept', 'replaced']) utimesSync(join(root, file), at, at);
  const changed = await watchFiles(root);
  write(root, 'kept', 'tpek');
  write(root, 'other', 'decalper');
  renameSync(join(root, 'other'), join(root, 'replaced'));
  for (const file of ['kept', 'replaced']) utimesSync(join(root, file), at, at);
  assert.deepEqual(await changed(), ['kept', 'replaced']);
});

test('packages, the store and git itself are left out; what git would run is not', async (t) => {
  const root = folderOf(t, '.git/index', '.git/objects/aa/bb', '.git/hooks/old', '.git/config');
  const changed = await watchFiles(root);
  for (const file of [
    ...['.git/index', '.git/objects/cc/dd', '.git/HEAD', '.todo2/todo2.db', 'node_modules/a/b'],
    ...['packages/x/node_modules/a/b', 'sub/.todo2/todo2.db-wal'],
  ])
    write(root, file, 'more than before');
  assert.deepEqual(await changed(), []);
  write(root, '.git/hooks/pre-commit', 'x');
  write(root, '.git/config', 'more than before');
  assert.deepEqual(await changed(), ['.git/config', '.git/hooks/pre-commit']);
});

test('a link is a file by itself: what is behind it is not looked at', async (t) => {
  const [root, outside] = [folderOf(t, 'a'), folderOf(t, 'secret')];
  symlinkSync(outside, join(root, 'out'));
  symlinkSync('.', join(root, 'circle'));
  symlinkSync('gone', join(root, 'nowhere'));
  const changed = await watchFiles(root);
  write(outside, 'secret', 'more than before');
  write(outside, 'new', 'x');
  assert.deepEqual(await changed(), []);
  rmSync(join(root, 'out'));
  symlinkSync('a', join(root, 'out'));
  assert.deepEqual(await changed(), ['out']);
});

test('a root or a folder that cannot be read counts as empty', async (t) => {
  const root = folderOf(t, 'shut/a');
  const none = await watchFiles(join(root, 'none'));
  assert.deepEqual(await none(), []);
  const changed = await watchFiles(root);
  rmSync(root, { recursive: true });
  assert.deepEqual(await changed(), ['shut/a']);
  if (process.platform === 'win32' || process.getuid?.() === 0) return;
  const other = folderOf(t, 'shut/a', 'b');
  chmodSync(join(other, 'shut'), 0);
  const rest = await watchFiles(other);
  write(other, 'b', 'more than before');
  assert.deepEqual(await rest(), ['b']);
  chmodSync(join(other, 'shut'), 0o700);
});

test('in a folder of too many files no file is said to be gone that is there', async (t) => {
  const root = folderOf(t, ...Array.from({ length: 40 }, (_, n) => `f${n}`));
  const changed = await watchFiles(root, 20);
  for (let n = 0; n < 40; n++) write(root, `a${n}`, 'x');
  assert.deepEqual(await changed(), []);
});
