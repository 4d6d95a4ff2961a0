import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createBacklog } from '../support/fixture.ts';
import { HandClock, settle } from '../support/hand-clock.ts';
import { folderFor, open, ready } from '../support/stores.ts';

test('a read that takes long leaves what was read before, and is said until it ends', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, { tasks: [{ id: 'T-1' }] });
  // Later than the files were made, so that they are no news.
  const clock = new HandClock(Date.now() + 60_000);
  const source = open(t, root, { clock, watch: false });
  await source.refresh();
  const before = ready(source.state);
  // A database that is gone is waited for, by the clock of the wall, which is much slower than this
  // one.
  const database = join(root, '.todo2', 'todo2.db');
  renameSync(database, `${database}.aside`);
  const read = source.refresh();
  await settle();
  let told = 0;
  source.onDidChange(() => told++);
  const began = clock.now();
  await clock.turn(2_499);
  assert.equal(source.slowSince, undefined);
  await clock.turn(1);
  assert.deepEqual([source.slowSince, told], [began, 1]);
  assert.equal(ready(source.state), before, 'the old snapshot stays');
  await read;
  assert.equal(source.slowSince, undefined);
  assert.ok(told > 1, 'views hear that it is over');
  renameSync(`${database}.aside`, database);
  await source.refresh();
  assert.deepEqual(
    ready(source.state).tasks.map((task) => task.id),
    ['T-1'],
  );
});
