import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { OpenFile } from '../../src/store/read/open-file.ts';
import { SnapshotReader } from '../../src/store/read/snapshot-reader.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { SQL, folderFor } from '../support/stores.ts';
import { buildWal } from '../support/wal-builder.ts';

/** Does something before the look at a file that comes as the n-th from now on. */
function before(t: TestContext, nth: number, what: () => void): () => number {
  let looks = 0;
  for (const name of ['readSome', 'statIfCurrent'] as const) {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its own `this` below
    const original = OpenFile.prototype[name] as (...args: number[]) => unknown;
    t.mock.method(OpenFile.prototype, name, function (this: OpenFile, ...args: number[]) {
      if (looks++ === nth) what();
      return original.apply(this, args);
    });
  }
  return () => looks;
}

test('a log that is reset during the look hides no commit that was there before, whenever the reset comes', async (t) => {
  const root = folderFor(t);
  mkdirSync(join(root, '.todo2'));
  const file = join(root, '.todo2', 'todo2.db');
  const db = new SQL.Database();
  db.run('CREATE TABLE tasks (id)');
  writeFileSync(file, db.export());
  db.close();
  // With nothing committed there is no frame of a last transaction either that the reset could be
  // seen by.
  const known = buildWal({ pageSize: 4096, frames: [{ page: 2, fill: 0 }] });
  const committed = buildWal({ pageSize: 4096, frames: [{ page: 2, fill: 1, commit: 2 }] });
  const reset = buildWal({
    pageSize: 4096,
    salts: [8, 1],
    frames: [{ page: 2, fill: 2, commit: 2 }],
  });
  for (let nth = 0, reached = true; reached; nth++) {
    writeFileSync(`${file}-wal`, known);
    const reader = new SnapshotReader(file, systemClock);
    assert.equal((await reader.read()).kind, 'image');
    assert.equal(await reader.isUnchanged(), true);
    writeFileSync(`${file}-wal`, committed, { flag: 'r+' });
    const looks = before(t, nth, () => writeFileSync(`${file}-wal`, reset, { flag: 'r+' }));
    assert.equal(await reader.isUnchanged(), false, `before look ${nth}`);
    reached = looks() > nth;
    t.mock.restoreAll();
    reader.dispose();
  }
});
