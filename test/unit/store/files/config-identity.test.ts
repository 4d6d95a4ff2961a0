import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { locateStore, readConfig, storeIdentity } from '../../../../src/store/files/config.ts';
import { storePathsOf } from '../../../../src/store/files/locate.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-identity-')));
after(() => rmSync(scratch, { recursive: true, force: true }));

test('a path of the configuration stays in the folder, whatever links lie on its way', async () => {
  const root = join(scratch, 'cloned');
  mkdirSync(join(root, '.exarp'), { recursive: true });
  mkdirSync(join(scratch, 'outside'));
  symlinkSync(join(scratch, 'outside'), join(root, 'data'));
  writeFileSync(join(root, '.exarp', 'config.yaml'), 'database:\n  sqlite_path: data/app.db\n');
  const { config, notices } = await readConfig(storePathsOf(root));
  assert.equal(config.sqlitePath, undefined);
  assert.match(JSON.stringify(notices), /database.sqlite_path.+leads out of the folder/);
  assert.equal((await locateStore(root)).database, join(root, '.todo2', 'todo2.db'));
});

test('a root whose configuration names the database of another is the same backlog', async () => {
  const [outer, inner] = [join(scratch, 'outer'), join(scratch, 'outer', 'inner')];
  for (const folder of [join(outer, '.exarp'), join(inner, '.todo2')])
    mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(outer, '.exarp', 'config.yaml'),
    'database:\n  sqlite_path: inner/.todo2/todo2.db\n',
  );
  assert.equal(await storeIdentity(outer), await storeIdentity(inner));
});

test(
  'two folders that lead to one store are one backlog',
  { skip: process.platform === 'win32' },
  async () => {
    const first = join(scratch, 'first');
    mkdirSync(join(first, '.todo2'), { recursive: true });
    mkdirSync(join(scratch, 'worktree'));
    symlinkSync(join(first, '.todo2'), join(scratch, 'worktree', '.todo2'));
    symlinkSync(first, join(scratch, 'link'));
    const identity = await storeIdentity(first);
    assert.equal(await storeIdentity(join(scratch, 'worktree')), identity);
    assert.equal(await storeIdentity(join(scratch, 'link')), identity);
    mkdirSync(join(scratch, 'other'));
    assert.notEqual(await storeIdentity(join(scratch, 'other')), identity);
  },
);
