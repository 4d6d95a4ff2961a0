import assert from 'node:assert/strict';
import fs, { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test, type TestContext } from 'node:test';
import { build } from 'esbuild';
import { createBacklog, nativeWriter } from '../support/fixture.ts';
import { folderFor, open, ready } from '../support/stores.ts';

const onLinux = { skip: process.platform !== 'linux' && 'reads /proc' };

/** The locks on files that a process has, as the kernel lists them. */
function locksOf(pid: number): string[] {
  const lines = readFileSync('/proc/locks', 'utf8').split('\n');
  return lines
    .filter((line) => line.split(/\s+/)[4] === String(pid))
    .map((line) => line.replace(/^\d+: /, ''));
}

/** Every path that this process opens from now on, by whatever way. */
function watchOpens(t: TestContext): string[] {
  const opened: string[] = [];
  for (const name of [
    'openSync',
    'open',
    'readFileSync',
    'readFile',
    'createReadStream',
  ] as const) {
    const original = fs[name] as (...args: unknown[]) => unknown;
    t.mock.method(fs, name, (...args: unknown[]) => {
      opened.push(String(args[0]));
      return original(...args);
    });
  }
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return opened;
}

test(
  'reading takes no lock from a process that has the database open, in the middle of its transaction too',
  onLinux,
  async (t) => {
    const root = folderFor(t);
    await createBacklog(root, { tasks: [{ id: 'T-1' }] });
    await using writer = await nativeWriter(root);
    await writer.exec(`BEGIN IMMEDIATE; UPDATE tasks SET status = 'Done'`);
    const before = locksOf(writer.pid);
    assert.ok(before.length > 0, 'it has some');
    const source = open(t, root);
    for (let i = 0; i < 3; i++) await source.refresh();
    assert.equal(ready(source.state).tasks[0]?.status, 'Todo');
    source.dispose();
    assert.deepEqual(locksOf(writer.pid), before);
    assert.deepEqual(locksOf(process.pid), []);
    await writer.exec('COMMIT');
  },
);

test('the shared memory of the database is not opened for a moment', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, { tasks: [{ id: 'T-1' }] });
  await using writer = await nativeWriter(root);
  const opened = watchOpens(t);
  const source = open(t, root);
  for (let i = 0; i < 5; i++) {
    await writer.run('UPDATE tasks SET version = version + 1');
    await source.refresh();
  }
  await writer.all('PRAGMA wal_checkpoint(TRUNCATE)');
  await source.refresh();
  source.dispose();
  assert.ok(
    opened.some((path) => path.endsWith('todo2.db-wal')),
    'what is opened is seen',
  );
  assert.deepEqual(
    opened.filter((path) => path.endsWith('-shm')),
    [],
  );
});

test('the program of the extension host has no way to open the database through SQLite', async () => {
  const { metafile } = await build({
    ...{
      entryPoints: ['src/extension.ts'],
      bundle: true,
      write: false,
      metafile: true,
      outdir: 'out',
      logLevel: 'error',
    },
    ...{ platform: 'node', format: 'cjs', external: ['vscode', 'node:sqlite'] },
  });
  const imported = Object.values(metafile.outputs).flatMap((output) =>
    output.imports.map(({ path }) => path),
  );
  assert.ok(imported.includes('vscode'));
  assert.ok(!imported.includes('node:sqlite'));
  const inputs = Object.keys(metafile.inputs);
  assert.ok(
    !inputs.some((path) => /writer-process|connection\.ts|lock-statements/.test(path)),
    inputs.join('\n'),
  );
});
