import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SnapshotReader, type NewPages } from '../../src/store/read/snapshot-reader.ts';
import { DatabaseTasks } from '../../src/store/read/sqlite-reader.ts';
import { readTasks } from '../support/read-tasks.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../support/fixture.ts';
import { copyStore, readNatively } from '../support/native-files.ts';
import { SQL, folderFor } from '../support/stores.ts';
import { buildWal } from '../support/wal-builder.ts';

/** Id and status of every task, in the order of ids, or the cause of the trouble. */
async function readOurs(reader: SnapshotReader): Promise<unknown> {
  const image = await reader.read();
  if (image.kind !== 'image') return image.kind === 'fault' ? image.fault.cause : image.kind;
  const content = readTasks(SQL, image.bytes, 'project');
  if (!content.ok) return content.failure.cause;
  return content.value.tasks
    .map((task) => ({ id: String(task.id), status: task.rawStatus }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

const TASKS = Array.from({ length: 40 }, (_, i) => ({
  id: `T-${i}`,
  description: 'x'.repeat(i * 30),
}));

async function openedStore(t: Parameters<typeof folderFor>[0]): Promise<{
  readonly file: string;
  readonly root: string;
  readonly native: NativeWriter;
  readonly reader: SnapshotReader;
}> {
  const root = folderFor(t);
  const file = await createBacklog(root, { tasks: TASKS });
  const native = await nativeWriter(root);
  t.after(() => native.close());
  await native.exec('PRAGMA wal_autocheckpoint = 0');
  const reader = new SnapshotReader(file, systemClock);
  t.after(() => reader.dispose());
  return { file, root, native, reader };
}

test('what is only in the log is seen, where opening the file alone shows an old state without an error', async (t) => {
  const { file, native, reader } = await openedStore(t);
  await native.run(`UPDATE tasks SET status = 'Done'`);
  await native.run(`INSERT INTO tasks (id, created) VALUES ('T-new', '')`);

  const naive = new SQL.Database(readFileSync(file));
  assert.deepEqual(
    naive.exec('SELECT DISTINCT status, (SELECT count(*) FROM tasks) FROM tasks')[0]?.values,
    [['Todo', 40]],
  );
  naive.close();

  const ours = (await readOurs(reader)) as { status: string }[];
  assert.deepEqual([ours.length, ours.filter((row) => row.status === 'Done').length], [41, 40]);
});

test('whatever the log looks like, we read what SQLite reads', async (t) => {
  const { file, native } = await openedStore(t);
  for (let i = 0; i < 6; i++)
    await native.run(`UPDATE tasks SET status = ? WHERE id IN ('T-${i}', 'T-3${i}')`, `S${i}`);
  const wal = readFileSync(`${file}-wal`);
  const frame = 24 + 4096;
  assert.ok(wal.length >= 32 + 6 * frame);
  const foreign = buildWal({ pageSize: 1024, frames: [{ page: 5, fill: 0, commit: 40 }] });
  const bigEndian = swapChecksums(wal);
  const cases: Readonly<Record<string, Uint8Array | undefined>> = {
    whole: wal,
    absent: undefined,
    'no bytes': wal.subarray(0, 0),
    '31 bytes': wal.subarray(0, 31),
    'header only': wal.subarray(0, 32),
    'bad magic': flipped(wal, 0),
    'bad header checksum': flipped(wal, 30),
    'other version': flipped(wal, 7),
    'cut off in the first frame': wal.subarray(0, 32 + 1000),
    'cut off in a frame header': wal.subarray(0, 32 + 2 * frame + 11),
    'cut off in a page': wal.subarray(0, 32 + 3 * frame + 2000),
    'one bit wrong in the middle': flipped(wal, 32 + 2 * frame + 1234),
    'garbage behind the end': Buffer.concat([wal, Buffer.alloc(9000, 0xa5)]),
    'an older generation behind the end': Buffer.concat([
      wal.subarray(0, 32 + 2 * frame),
      flipped(wal, 32 + 2 * frame + 8).subarray(32 + 2 * frame),
    ]),
    'big-endian checksums': bigEndian,
    'another page size, without a commit': foreign.subarray(0, 32 + 500),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const copy = copyStore(file, join(folderFor(t), name.replaceAll(' ', '-')));
    if (bytes === undefined) truncateSync(`${copy}-wal`);
    else writeFileSync(`${copy}-wal`, bytes);
    // Old, or the reader would wait for the files to settle: each case once, not thirty times.
    for (const each of [copy, `${copy}-wal`]) utimesSync(each, 1_700_000_000, 1_700_000_000);
    const reader = new SnapshotReader(copy, systemClock);
    const ours = await readOurs(reader);
    reader.dispose();
    assert.deepEqual(ours, await readNatively(native, copy, join(folderFor(t), 'scratch')), name);
    assert.ok(Array.isArray(ours), name);
  }
});

test('a transaction that has spilled into the log is not seen before it is committed', async (t) => {
  const { file, native, reader } = await openedStore(t);
  await native.exec('PRAGMA cache_size = 3');
  await native.exec('BEGIN IMMEDIATE');
  await native.run(`UPDATE tasks SET status = 'Half', long_description = hex(zeroblob(3000))`);
  assert.ok(readFileSync(`${file}-wal`).length > 32 + 4120, 'it did spill');
  const before = (await readOurs(reader)) as { status: string }[];
  assert.ok(before.every((row) => row.status === 'Todo'));
  assert.equal(await reader.isUnchanged(), true);
  await native.exec('COMMIT');
  assert.equal(await reader.isUnchanged(), false);
  const after = (await readOurs(reader)) as { status: string }[];
  assert.ok(after.every((row) => row.status === 'Half'));
});

test('"unchanged" is exact: after a commit, a checkpoint, a reset, a rollback, and the same again', async (t) => {
  const { native, reader } = await openedStore(t);
  const spill = `UPDATE tasks SET status = 'Same', long_description = hex(zeroblob(3000))`;
  await native.exec('PRAGMA cache_size = 3');
  await native.run(`UPDATE tasks SET status = 'a' WHERE id = 'T-1'`);
  await readOurs(reader);
  assert.equal(await reader.isUnchanged(), true);

  await native.exec('BEGIN IMMEDIATE');
  await native.run(spill);
  await native.exec('ROLLBACK');
  assert.equal(await reader.isUnchanged(), true, 'what was rolled back is no change');

  await native.exec('BEGIN IMMEDIATE');
  await native.run(spill);
  await native.exec('COMMIT');
  assert.equal(await reader.isUnchanged(), false, 'the same frames, committed');
  await readOurs(reader);

  await native.run(`UPDATE tasks SET status = 'b' WHERE id = 'T-1'`);
  assert.equal(await reader.isUnchanged(), false, 'a small commit');
  await readOurs(reader);
  await native.all('PRAGMA wal_checkpoint(RESTART)');
  await native.run(`UPDATE tasks SET status = 'c' WHERE id = 'T-1'`);
  assert.equal(await reader.isUnchanged(), false, 'a commit at the start of the log');
  await readOurs(reader);
  await native.all('PRAGMA wal_checkpoint(TRUNCATE)');
  assert.equal(((await readOurs(reader)) as { status: string }[])[1]?.status, 'c');
  assert.equal(await reader.isUnchanged(), true);
  await native.run(`UPDATE tasks SET status = 'd' WHERE id = 'T-1'`);
  assert.equal(await reader.isUnchanged(), false, 'a commit into an empty log');
});

/** The image with the pages in it, as it then has to be. */
function withPages(bytes: Uint8Array, { pages, pageCount }: NewPages): Uint8Array {
  const image = new Uint8Array(pageCount * 4096);
  image.set(bytes.subarray(0, image.length));
  for (const [page, content] of pages) image.set(content, (page - 1) * 4096);
  image.fill(1, 18, 20); // no log
  return image;
}

test('the new pages of the log make of the last image what a read would give', async (t) => {
  const { file, native, reader } = await openedStore(t);
  await native.run(`UPDATE tasks SET status = 'Review'`);
  let image = await reader.read();
  assert.equal(await reader.readNewPages(), undefined, 'nothing is new');
  for (let i = 0; i < 5; i++) {
    await native.run(
      `INSERT INTO tasks (id, created, content) VALUES (?, '', hex(zeroblob(5000)))`,
      `N-${i}`,
    );
    if (i > 2) await native.run(`UPDATE tasks SET status = 'Done' WHERE id = 'N-0'`);
    const news = await reader.readNewPages();
    assert.ok(image.kind === 'image' && news !== undefined);
    assert.ok(news.pages.size < news.pageCount, 'not everything');
    assert.equal(news.after, image.moment);
    const other = new SnapshotReader(file, systemClock);
    const expected = await other.read();
    other.dispose();
    assert.ok(expected.kind === 'image');
    const bytes = withPages(image.bytes, news);
    assert.equal(Buffer.compare(bytes, expected.bytes), 0);
    assert.ok(await reader.isUnchanged());
    image = { kind: 'image', bytes, moment: news.moment };
  }
});

const unclear: readonly [
  name: string,
  change: (native: NativeWriter, file: string) => Promise<unknown>,
][] = [
  [
    'a transaction that has spilled and is open',
    async (native) => {
      await native.exec('PRAGMA cache_size = 2; BEGIN IMMEDIATE');
      await native.run('UPDATE tasks SET content = hex(randomblob(2000))');
    },
  ],
  ['a checkpoint', (native) => native.all('PRAGMA wal_checkpoint(PASSIVE)')],
  [
    'a log that was begun anew',
    async (native) => {
      await native.all('PRAGMA wal_checkpoint(RESTART)');
      await native.run(`UPDATE tasks SET status = 'Done'`);
    },
  ],
  ['a log that was cut off', (native) => native.all('PRAGMA wal_checkpoint(TRUNCATE)')],
  [
    'a file in the place of the database',
    (_, file) => {
      copyFileSync(file, `${file}.new`);
      renameSync(`${file}.new`, file);
      return Promise.resolve();
    },
  ],
];
for (const [name, change] of unclear) {
  test(`nothing is followed page by page over ${name}`, async (t) => {
    const { file, native, reader } = await openedStore(t);
    await native.run(`UPDATE tasks SET status = 'Review'`);
    await reader.read();
    await change(native, file);
    assert.equal(await reader.readNewPages(), undefined);
  });
}

test('pages that do not follow what was read are refused', async (t) => {
  const { native, reader } = await openedStore(t);
  await native.run(`UPDATE tasks SET status = 'Review'`);
  const image = await reader.read();
  assert.ok(image.kind === 'image');
  const tasks = new DatabaseTasks('project');
  assert.ok(tasks.read(SQL, image, 0).ok);
  await native.run(`UPDATE tasks SET status = 'Done' WHERE id = 'T-1'`);
  const lost = await reader.readNewPages();
  await native.run(`UPDATE tasks SET status = 'Done' WHERE id = 'T-30'`);
  const news = await reader.readNewPages();
  assert.ok(lost !== undefined && news !== undefined);
  assert.equal(tasks.follow(SQL, news, 0), undefined);
});

test('a commit whose writer died before it was announced is noticed when the next one is written over it', async (t) => {
  const root = folderFor(t);
  mkdirSync(join(root, '.todo2'));
  const file = join(root, '.todo2', 'todo2.db');
  const db = new SQL.Database();
  db.run('CREATE TABLE tasks (id)');
  writeFileSync(file, db.export());
  db.close();
  const first = { page: 2, fill: 0, commit: 2 };
  const lost = [
    { page: 2, fill: 1 },
    { page: 3, fill: 2 },
    { page: 4, fill: 3, commit: 4 },
  ];
  const before = buildWal({ pageSize: 4096, frames: [first, ...lost] });
  const next = buildWal({ pageSize: 4096, frames: [first, { page: 2, fill: 9, commit: 2 }] });
  writeFileSync(`${file}-wal`, before);
  for (const each of [file, `${file}-wal`]) utimesSync(each, 1_700_000_000, 1_700_000_000);
  const reader = new SnapshotReader(file, systemClock);
  t.after(() => reader.dispose());
  assert.equal((await reader.read()).kind, 'image');
  assert.equal(await reader.isUnchanged(), true);
  writeFileSync(`${file}-wal`, next, { flag: 'r+' });
  assert.equal(await reader.isUnchanged(), false);
  assert.equal(
    await reader.readNewPages(),
    undefined,
    'what was lost is in the image that it would lead on from',
  );
  const image = await reader.read();
  assert.equal(image.kind === 'image' ? image.bytes[4096] : undefined, 9);
});

test('a log that makes a huge database of a small one is a fault, and no memory is taken for it', async (t) => {
  const { file } = await openedStore(t);
  const copy = copyStore(file, join(folderFor(t), 'huge'));
  writeFileSync(
    `${copy}-wal`,
    buildWal({ pageSize: 4096, frames: [{ page: 2, fill: 0, commit: 0x7fff_ffff }] }),
  );
  const reader = new SnapshotReader(copy, systemClock);
  t.after(() => reader.dispose());
  assert.equal(await readOurs(reader), 'io');
});

test('a rollback journal that would be rolled back keeps us from reading, an empty or finished one does not', async (t) => {
  const { file, native, reader } = await openedStore(t);
  await native.all('PRAGMA journal_mode = DELETE');
  for (const [name, bytes, expected] of [
    ['empty', Buffer.alloc(0), 'array'],
    ['finished', Buffer.alloc(512), 'array'],
    ['hot', Buffer.concat([Buffer.from('d9d505f920a163d7', 'hex'), Buffer.alloc(504)]), 'busy'],
  ] as const) {
    writeFileSync(`${file}-journal`, bytes);
    const found = await readOurs(reader);
    assert.equal(Array.isArray(found) ? 'array' : found, expected, name);
  }
});

const random = Buffer.from(
  Array.from({ length: 8192 }, (_, i) => (Math.imul(i ^ 0x5bd1e995, 0x9e3779b1) >>> 13) & 0xff),
);
const broken: readonly [name: string, make: (good: Buffer) => Buffer, cause: string][] = [
  ['no bytes', () => Buffer.alloc(0), 'empty'],
  ['half of it', (good) => good.subarray(0, good.length / 2), 'truncated'],
  ['the first 50 bytes', (good) => good.subarray(0, 50), 'truncated'],
  // The count of pages in the header does not hold where the two counters differ, and then says
  // nothing.
  [
    'less than a page, and no count of pages',
    (good) => flipped(good.subarray(0, 500), 27),
    'truncated',
  ],
  ['a text', () => Buffer.from('A backlog of its own kind.\n'.repeat(50)), 'notADatabase'],
  [
    'a pointer of Git LFS',
    () =>
      Buffer.from(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${'4d'.repeat(32)}\nsize 12345\n`,
      ),
    'lfsPointer',
  ],
  ['zeros', () => Buffer.alloc(8192), 'notADatabase'],
  ['bytes like chance', () => random, 'encrypted'],
  [
    'what git-crypt leaves',
    () => Buffer.concat([Buffer.from('\0GITCRYPT\0'), random]),
    'encrypted',
  ],
  ['an archive', () => Buffer.concat([Buffer.from('PK\x03\x04'), random]), 'notADatabase'],
  [
    'garbage behind the first page',
    (good) => Buffer.concat([good.subarray(0, 4096), Buffer.alloc(good.length - 4096, 0xee)]),
    'malformed',
  ],
];
for (const [name, make, cause] of broken) {
  test(`a file with ${name} is "${cause}"`, async (t) => {
    const root = folderFor(t);
    const file = await createBacklog(root, { tasks: TASKS });
    writeFileSync(file, make(readFileSync(file)));
    const reader = new SnapshotReader(file, systemClock);
    t.after(() => reader.dispose());
    assert.equal(await readOurs(reader), cause);
    assert.equal(await reader.isUnchanged(), true, 'and it is not read again until it changes');
  });
}

function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** The same log as a big-endian machine would have written it. */
function swapChecksums(wal: Uint8Array): Uint8Array {
  const copy = Buffer.from(wal);
  copy.writeUInt32BE(0x377f0683, 0);
  let sum: [number, number] = [0, 0];
  const add = (from: number, to: number): void => {
    for (let at = from; at < to; at += 8) {
      const a = (sum[0] + copy.readUInt32BE(at) + sum[1]) >>> 0;
      sum = [a, (sum[1] + copy.readUInt32BE(at + 4) + a) >>> 0];
    }
  };
  const put = (at: number): void => {
    copy.writeUInt32BE(sum[0], at);
    copy.writeUInt32BE(sum[1], at + 4);
  };
  add(0, 24);
  put(24);
  for (let at = 32; at + 4120 <= copy.length; at += 4120) {
    add(at, at + 8);
    add(at + 24, at + 4120);
    put(at + 16);
  }
  return copy;
}
