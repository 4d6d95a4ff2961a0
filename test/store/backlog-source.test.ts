import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { createBacklog, nativeWriter } from '../support/fixture.ts';
import { folderFor, has, open, ready, until } from '../support/stores.ts';

const ONE = { tasks: [{ id: 'T-1' }] };
const DONE = `UPDATE tasks SET status = 'Done' WHERE id = 'T-1'`;

const onLinux = { skip: process.platform !== 'linux' && 'reads /proc' };

/** The files under a folder that this process has open. */
function openFilesUnder(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path.slice(folder.length + 1)] : [];
    } catch {
      return [];
    }
  });
}

function fingerprint(folder: string): Record<string, string> {
  const hashOf = (path: string): string =>
    createHash('sha256').update(readFileSync(path)).digest('hex');
  return Object.fromEntries(readdirSync(folder).map((name) => [name, hashOf(join(folder, name))]));
}

for (const watch of [true, false]) {
  test(`a commit of another process shows, ${watch ? 'by its sign' : 'where watchers are blind'}`, async (t) => {
    const root = folderFor(t);
    await createBacklog(root, ONE);
    await using writer = await nativeWriter(root);
    const source = open(t, root, { watch });
    await until(source, has('T-1', 'Todo'));
    for (const status of ['In Progress', 'Review', 'Done']) {
      await writer.run(`UPDATE tasks SET status = ? WHERE id = 'T-1'`, status);
      await until(source, has('T-1', status));
    }
  });
}

test('a refresh shows everything that was committed before it was asked for', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, ONE);
  await using writer = await nativeWriter(root);
  const source = open(t, root, { watch: false });
  for (let i = 0; i < 20; i++) {
    const earlier = source.refresh(); // under way while the commit happens
    await writer.run(`UPDATE tasks SET status = ? WHERE id = 'T-1'`, `S${i}`);
    await source.refresh();
    assert.equal(ready(source.state).tasks[0]?.rawStatus, `S${i}`);
    await earlier;
  }
});

test(
  'reading leaves every byte as it is, makes no file, and never opens the shared memory',
  onLinux,
  async (t) => {
    const root = folderFor(t);
    const folder = join(root, '.todo2');
    await createBacklog(root, ONE);
    const closed = fingerprint(folder);
    const first = open(t, root);
    await first.refresh();
    assert.deepEqual(openFilesUnder(folder), ['todo2.db']);
    first.dispose();
    assert.deepEqual(fingerprint(folder), closed);

    await using writer = await nativeWriter(root);
    await writer.run(DONE);
    const live = fingerprint(folder);
    assert.deepEqual(Object.keys(live), ['todo2.db', 'todo2.db-shm', 'todo2.db-wal']);
    const second = open(t, root);
    for (let i = 0; i < 5; i++) await second.refresh();
    assert.equal(ready(second.state).tasks[0]?.status, 'Done');
    assert.deepEqual(openFilesUnder(folder).sort(), ['todo2.db', 'todo2.db-wal']);
    second.dispose();
    assert.deepEqual(fingerprint(folder), live);
  },
);

test(
  'one descriptor for each file is kept until another file has taken its place, and let go of at the end',
  onLinux,
  async (t) => {
    const root = folderFor(t);
    const folder = join(root, '.todo2');
    const file = await createBacklog(root, ONE);
    const source = open(t, root);
    await source.refresh();
    for (let i = 0; i < 10; i++) {
      await using writer = await nativeWriter(root);
      await writer.run(`UPDATE tasks SET status = ?`, `S${i}`);
      await source.refresh();
    }
    assert.deepEqual(openFilesUnder(folder).filter((path) => path === 'todo2.db').length, 1);
    copyFileSync(file, `${file}.new`);
    renameSync(`${file}.new`, file);
    await source.refresh();
    assert.deepEqual(openFilesUnder(folder), ['todo2.db'], 'the old one is not held any more');
    source.dispose();
    source.dispose();
    await source.refresh(); // until the look that is under way, if one is, has ended
    assert.deepEqual(openFilesUnder(folder), []);
  },
);

test('disposing in the middle of a read lets go of everything too', onLinux, async (t) => {
  const root = folderFor(t);
  await createBacklog(root, ONE);
  const source = open(t, root);
  let told = 0;
  source.onDidChange(() => told++);
  const reading = source.refresh();
  source.dispose();
  await reading;
  await source.refresh();
  assert.deepEqual([told, source.state.kind, openFilesUnder(root)], [0, 'loading', []]);
});

for (const watch of [true, false]) {
  const how = watch ? 'watching' : 'looking from time to time';
  test(`a store that comes, goes and comes back is followed, ${how}`, async (t) => {
    const root = folderFor(t);
    const source = open(t, root, { watch });
    await until(source, (state) => state.kind === 'missing');
    await createBacklog(root, ONE);
    await until(source, has('T-1', 'Todo'));
    rmSync(join(root, '.todo2'), { recursive: true });
    await until(source, (state) => state.kind === 'missing');
    await createBacklog(root, { tasks: [{ id: 'T-1', status: 'Review' }] });
    await until(source, has('T-1', 'Review'));
    await using writer = await nativeWriter(root);
    await writer.run(DONE);
    await until(source, has('T-1', 'Done'));
  });
}

test('a database that is exchanged, as a checkout does it, is followed without a moment of nothing', async (t) => {
  const root = folderFor(t);
  const other = folderFor(t);
  const file = await createBacklog(root, ONE);
  const another = await createBacklog(other, {
    tasks: [{ id: 'T-1', status: 'Review' }],
    project: 'project',
  });
  const source = open(t, root);
  await until(source, has('T-1', 'Todo'));
  const kinds: string[] = [];
  source.onDidChange(() => kinds.push(source.state.kind));
  rmSync(file);
  copyFileSync(another, file);
  await until(source, has('T-1', 'Review'));
  copyFileSync(another, `${file}.new`);
  {
    await using writer = await nativeWriter(other);
    await writer.run(DONE);
  }
  copyFileSync(another, `${file}.new`);
  renameSync(`${file}.new`, file);
  await until(source, has('T-1', 'Done'));
  assert.ok(!kinds.includes('missing'), kinds.join());
});

test('without a database the JSON file is read and followed, and a database takes its place', async (t) => {
  const root = folderFor(t);
  mkdirSync(join(root, '.todo2'));
  const json = join(root, '.todo2', 'state.todo2.json');
  const source = open(t, root);
  const write = (status: string): void =>
    writeFileSync(json, JSON.stringify({ todos: [{ id: 'T-1', status }] }));
  write('Todo');
  await until(source, has('T-1', 'Todo'));
  assert.deepEqual([ready(source.state).source, ready(source.state).file], ['json', json]);
  write('Review');
  await until(source, has('T-1', 'Review'));
  writeFileSync(json, '{"todos": [');
  await until(source, (state) => state.kind === 'unreadable');
  assert.deepEqual(
    source.state.kind === 'unreadable' && [
      source.state.failure.cause,
      source.state.failure.file,
      source.state.last?.tasks.length,
    ],
    ['truncated', json, 1],
  );
  write('Todo');
  await until(source, has('T-1', 'Todo'));
  await createBacklog(root, { tasks: [{ id: 'T-1', status: 'Done' }] });
  await until(source, has('T-1', 'Done'));
  assert.equal(ready(source.state).source, 'sqlite');
});

test('what cannot be read keeps what was read last, and is read when it can be', async (t) => {
  const root = folderFor(t);
  const file = await createBacklog(root, ONE);
  const good = readFileSync(file);
  const source = open(t, root);
  await until(source, has('T-1', 'Todo'));
  let told = 0;
  source.onDidChange(() => told++);
  writeFileSync(file, 'not a database, whatever else it may be');
  await until(source, (state) => state.kind === 'unreadable');
  await source.refresh();
  await source.refresh();
  assert.equal(told, 1, 'the same trouble is told once');
  assert.ok(source.state.kind === 'unreadable');
  assert.deepEqual([source.state.failure.cause, source.state.failure.file], ['notADatabase', file]);
  assert.deepEqual(
    source.state.last?.tasks.map((task) => task.id),
    ['T-1'],
  );
  writeFileSync(file, good);
  await until(source, has('T-1', 'Todo'));
});

const spoiled: readonly [cause: string, spoil: (good: Buffer) => Uint8Array][] = [
  ['empty', () => Buffer.alloc(0)],
  ['truncated', (good) => good.subarray(0, good.length - 4096)],
  ['truncated', (good) => good.subarray(0, 50)],
  ['encrypted', (good) => randomBytes(good.length)],
  ['notADatabase', () => Buffer.from('<<<<<<< HEAD')],
  [
    'malformed',
    (good) => Buffer.concat([good.subarray(0, 4096), Buffer.alloc(good.length - 4096, 0xee)]),
  ],
];
for (const [cause, spoil] of spoiled) {
  test(`a database that is ${cause} is said to be, keeps what was read last, and recovers by itself`, async (t) => {
    const root = folderFor(t);
    const file = await createBacklog(root, ONE);
    const good = readFileSync(file);
    const source = open(t, root);
    await until(source, has('T-1', 'Todo'));
    for (let round = 0; round < 2; round++) {
      writeFileSync(file, spoil(good));
      await until(source, (state) => state.kind === 'unreadable' && state.failure.cause === cause);
      assert.equal(source.state.kind === 'unreadable' && source.state.last?.tasks.length, 1);
      writeFileSync(file, good);
      await until(source, has('T-1', 'Todo'));
      await using writer = await nativeWriter(root);
      await writer.run(`UPDATE tasks SET status = 'Review'`);
      await until(source, has('T-1', 'Review'));
    }
  });
}

test('a database that a writer has locked is read all the same, as it was committed', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, ONE);
  await using writer = await nativeWriter(root);
  await writer.exec('BEGIN EXCLUSIVE');
  await writer.run(DONE);
  const source = open(t, root);
  await until(source, has('T-1', 'Todo'));
  await writer.exec('COMMIT');
  await until(source, has('T-1', 'Done'));
});

test('a commit of one task leaves every other task and what they name the objects that they were', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, { tasks: Array.from({ length: 50 }, (_, i) => ({ id: `T-${i}` })) });
  await using writer = await nativeWriter(root);
  const source = open(t, root, { watch: false });
  await source.refresh();
  const before = ready(source.state);
  await writer.run(DONE);
  await writer.run(`UPDATE tasks SET priority = 'low' WHERE id = 'T-1'`); // the log is not new any more
  await source.refresh();
  const middle = ready(source.state);
  await writer.run(`UPDATE tasks SET status = 'Review' WHERE id = 'T-2'`);
  await source.refresh();
  const after = ready(source.state);
  const fresh = after.tasks.filter((task, i) => task !== middle.tasks[i]).map(({ id }) => id);
  assert.deepEqual(fresh, ['T-2']);
  assert.equal(after.links, before.links);
  assert.equal(after.byId.get(taskId('T-2')), after.tasks[2]);
  assert.equal(middle.byId.get(taskId('T-2'))?.status, 'Todo');
});

test('when a lease of the columns ends, the table of agent locks says who holds the task', async (t) => {
  const root = folderFor(t);
  const lock = { holder: 'a-desk-1', since: Date.now(), until: Date.now() + 60_000 };
  await createBacklog(root, {
    tasks: [{ id: 'T-1', lock }],
    sql: [
      'CREATE TABLE task_agent_locks (task_id TEXT PRIMARY KEY, agent_id TEXT, expires_at INTEGER)',
      `INSERT INTO task_agent_locks VALUES ('T-1', 'b-desk-2', ${Math.floor(Date.now() / 1000) + 600})`,
    ],
  });
  let ahead = 0;
  const clock = {
    now: () => systemClock.now() + ahead,
    after: (ms: number, act: () => void) => systemClock.after(ms, act),
  };
  const source = open(t, root, { watch: false, clock });
  await source.refresh();
  const holder = (): unknown => ready(source.state).tasks[0]?.lock?.holder;
  assert.equal(holder(), 'a-desk-1');
  assert.deepEqual(
    ready(source.state).notices.map(({ kind }) => kind),
    ['twoHolders'],
  );
  ahead = 61_000;
  await source.refresh();
  assert.equal(holder(), 'b-desk-2');
  assert.deepEqual(ready(source.state).notices, []);
});

test('a database without tasks says so, and is followed until it has some', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, {
    tasks: [],
    schema: ['CREATE TABLE schema_migrations (version INTEGER)'],
  });
  const source = open(t, root);
  await until(
    source,
    (state) => state.kind === 'unreadable' && state.failure.cause === 'noTasksTable',
  );
  await using writer = await nativeWriter(root);
  await writer.exec('CREATE TABLE tasks (id TEXT PRIMARY KEY, status TEXT)');
  await writer.run(`INSERT INTO tasks VALUES ('T-1', 'Todo')`);
  await until(source, has('T-1', 'Todo'));
});

test(
  'a folder or a pipe in the place of the database is a failure and no wait for ever',
  onLinux,
  async (t) => {
    for (const kind of ['folder', 'pipe']) {
      const root = folderFor(t);
      const path = join(root, '.todo2', 'todo2.db');
      mkdirSync(kind === 'folder' ? path : join(root, '.todo2'), { recursive: true });
      if (kind === 'pipe') execFileSync('mkfifo', [path]);
      const source = open(t, root);
      await source.refresh();
      assert.ok(source.state.kind === 'unreadable');
      assert.equal(source.state.failure.cause, 'io');
    }
  },
);

test('a missing WebAssembly file is a failure that names it', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, ONE);
  const wasmFile = join(root, 'sql-wasm.wasm');
  const source = open(t, root, { wasmFile });
  await source.refresh();
  assert.ok(source.state.kind === 'unreadable');
  assert.deepEqual([source.state.failure.cause, source.state.failure.file], ['io', wasmFile]);
});

test('the log beside the real file counts where the database is a link in the folder', async (t) => {
  const root = folderFor(t);
  const place = join(root, 'data');
  mkdirSync(place);
  const file = await createBacklog(place, ONE);
  mkdirSync(join(root, '.todo2'));
  symlinkSync(file, join(root, '.todo2', 'todo2.db'));
  await using writer = await nativeWriter(place);
  await writer.run(DONE);
  assert.ok(existsSync(`${file}-wal`));
  const source = open(t, root);
  await until(source, has('T-1', 'Done'));
  await writer.run(`UPDATE tasks SET status = 'Review'`);
  await until(source, has('T-1', 'Review'));
});

test('a database or a .todo2 that leads out of the folder is not read, and the reason is told', async (t) => {
  const other = folderFor(t);
  const file = await createBacklog(other, ONE);
  const linkTo = {
    database: (root: string) => {
      mkdirSync(join(root, '.todo2'));
      symlinkSync(file, join(root, '.todo2', 'todo2.db'));
    },
    folder: (root: string) => symlinkSync(dirname(file), join(root, '.todo2')),
  };
  for (const link of Object.values(linkTo)) {
    const root = folderFor(t);
    link(root);
    const source = open(t, root);
    await source.refresh();
    assert.ok(source.state.kind === 'unreadable', source.state.kind);
    assert.match(source.state.failure.detail, /leads out of the folder, to /);
  }
});

test('a database in rollback mode is followed, and an open transaction does not show', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, ONE);
  await using writer = await nativeWriter(root);
  await writer.all('PRAGMA journal_mode = DELETE');
  const source = open(t, root);
  await until(source, has('T-1', 'Todo'));
  const statuses: string[] = [];
  source.onDidChange(() =>
    statuses.push(
      source.state.kind === 'ready' ? source.state.snapshot.tasks[0]!.rawStatus : source.state.kind,
    ),
  );
  await writer.exec('BEGIN IMMEDIATE');
  await writer.run(DONE);
  await writer.exec('COMMIT');
  await until(source, has('T-1', 'Done'));
  assert.deepEqual(statuses, ['Done']);
});

test('the configuration is read, followed, and its faults stand with the tasks', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, ONE);
  const source = open(t, root);
  await until(source, has('T-1', 'Todo'));
  assert.equal(source.config.maxTasksPerWave, undefined);
  mkdirSync(join(root, '.exarp'));
  const yaml = join(root, '.exarp', 'config.yaml');
  writeFileSync(yaml, 'thresholds:\n  max_tasks_per_wave: 3\n');
  await until(source, () => source.config.maxTasksPerWave === 3);
  assert.deepEqual(ready(source.state).notices, []);
  writeFileSync(yaml, 'thresholds:\n  max_tasks_per_wave: many\n  max_parallel_tasks: 2\n');
  await until(source, () => source.config.maxParallelTasks === 2);
  assert.equal(source.config.maxTasksPerWave, undefined);
  assert.deepEqual(
    ready(source.state).notices.map((notice) => notice.kind),
    ['badConfig'],
  );
  rmSync(yaml);
  await until(source, () => source.config.maxParallelTasks === undefined);
  assert.deepEqual(ready(source.state).notices, []);
});

test('a listener that throws ends neither the watch nor the others', async (t) => {
  const root = folderFor(t);
  await createBacklog(root, ONE);
  const source = open(t, root);
  await until(source, has('T-1', 'Todo'));
  const bugs: unknown[] = [];
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (error) => bugs.push(error));
  t.after(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener);
  });
  const broken = source.onDidChange(() => {
    throw new Error('a bug');
  });
  await using writer = await nativeWriter(root);
  await writer.run(DONE);
  await source.refresh();
  broken.dispose();
  await writer.run(`UPDATE tasks SET status = 'Review'`);
  await until(source, has('T-1', 'Review'));
  assert.equal(String(bugs[0]), 'Error: a bug');
});
