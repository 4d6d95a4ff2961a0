import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { locateStore } from '../../src/store/files/config.ts';
import { createBacklog, nativeWriter } from '../support/fixture.ts';
import { folderFor, has, open, ready, until } from '../support/stores.ts';

test('a database that the configuration names is the one that is read and followed', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, { tasks: [{ id: 'T-1' }] });
  // The same store again, under another name and in another folder, with nothing in its old place.
  mkdirSync(join(root, 'data'));
  renameSync(join(root, '.todo2', 'todo2.db'), join(root, 'data', 'tasks.sqlite'));
  mkdirSync(join(root, '.exarp'));
  writeFileSync(
    join(root, '.exarp', 'config.yaml'),
    'database: {sqlite_path: data/tasks.sqlite}\n',
  );
  const paths = await locateStore(root);
  assert.equal(paths.database, join(root, 'data', 'tasks.sqlite'));
  assert.equal(paths.json, join(root, '.todo2', 'state.todo2.json'));
  const source = open(t, root, { paths });
  await until(source, has('T-1', 'Todo'));
  assert.equal(ready(source.state).file, paths.database);
  renameSync(paths.database, join(root, '.todo2', 'todo2.db'));
  await using writer = await nativeWriter(root);
  await writer.run(`UPDATE tasks SET status = 'Done' WHERE id = 'T-1'`);
  await writer.close();
  renameSync(join(root, '.todo2', 'todo2.db'), paths.database);
  await until(source, has('T-1', 'Done'));
});

test('a source tells when its configuration names another database', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, { tasks: [{ id: 'T-1' }] });
  const source = open(t, root);
  await until(source, has('T-1', 'Todo'));
  mkdirSync(join(root, '.exarp'));
  const told = new Promise<void>((resolve) => {
    const listener = source.onDidChange(() => {
      if (source.config.sqlitePath === undefined) return;
      listener.dispose();
      resolve();
    });
  });
  writeFileSync(
    join(root, '.exarp', 'config.yaml'),
    'database: {sqlite_path: data/tasks.sqlite}\n',
  );
  await told;
  assert.equal((await locateStore(root)).database, source.config.sqlitePath);
});
