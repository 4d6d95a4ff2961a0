import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as sqlite from 'node:sqlite';
import { test } from 'node:test';
import { ok } from '../../src/core/result.ts';
import { Connection } from '../../src/store/write/connection.ts';
import { transactNew } from '../../src/store/write/new-store.ts';
import { createBacklog } from '../support/fixture.ts';
import { folderFor } from '../support/stores.ts';

test('no database that leads out of the folder is opened or made, and the reason is told', async (t) => {
  const other = folderFor(t);
  const file = await createBacklog(other, { tasks: [{ id: 'T-1' }] });
  const before = readFileSync(file);
  const links: readonly ((root: string) => void)[] = [
    (root) => symlinkSync(dirname(file), join(root, '.todo2')),
    (root) => {
      mkdirSync(join(root, '.todo2'));
      symlinkSync(file, join(root, '.todo2', 'todo2.db'));
    },
    (root) => {
      mkdirSync(join(root, '.todo2'));
      symlinkSync(join(other, 'new.db'), join(root, '.todo2', 'todo2.db'));
    },
  ];
  for (const link of links) {
    const root = folderFor(t);
    link(root);
    const path = join(root, '.todo2', 'todo2.db');
    const connection = new Connection(sqlite, path, { root });
    const change = (db: sqlite.DatabaseSync) => {
      db.exec('CREATE TABLE planted (a)');
      return ok(undefined);
    };
    for (const outcome of [
      connection.transact(change),
      transactNew(connection, sqlite, path, change),
    ])
      assert.match(JSON.stringify(outcome), /leads out of the folder|a link to nothing/);
    connection.close();
  }
  assert.deepEqual(readFileSync(file), before);
  assert.equal(existsSync(join(other, 'new.db')), false);
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => name.includes('planted')),
    [],
  );
});
