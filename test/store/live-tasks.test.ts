import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SnapshotReader } from '../../src/store/read/snapshot-reader.ts';
import { readThroughSql } from '../../src/store/read/sql-tasks.ts';
import { DatabaseTasks } from '../../src/store/read/sqlite-reader.ts';
import type { StoreContent } from '../../src/store/read/store-content.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import {
  AGENT_LOCKS,
  READ_AT,
  SHAPES,
  assertSame,
  disturbance,
  lockDisturbance,
} from '../support/disturbed-store.ts';
import { randomFrom, type Random } from '../support/random.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../support/fixture.ts';
import { SQL, folderFor } from '../support/stores.ts';

/** Longer runs by hand: `LIVE_TASKS_SECONDS=60 LIVE_TASKS_SEED=…`. */
const SECONDS = Number(process.env['LIVE_TASKS_SECONDS'] ?? 4);
const SEED = Number(process.env['LIVE_TASKS_SEED'] ?? 71);
/** Things that happen to the file and not to its rows. */
async function upheaval(native: NativeWriter, random: Random): Promise<void> {
  switch (random(9)) {
    case 0:
      return native.exec('VACUUM');
    case 1:
    case 2:
      await native.all(`PRAGMA wal_checkpoint(${['PASSIVE', 'RESTART', 'TRUNCATE'][random(3)]})`);
      return;
    case 3:
      return native.exec(`ALTER TABLE tasks ADD COLUMN extra${random(1e6)} TEXT DEFAULT 'x'`);
    case 4:
      return native.exec(
        `CREATE INDEX IF NOT EXISTS extra${random(3)} ON tasks (status, priority)`,
      );
    case 5:
      return native.exec(
        'CREATE TABLE IF NOT EXISTS others (x); DROP TABLE others; CREATE TABLE others (x)',
      );
    case 6:
      return native.exec('ALTER TABLE task_tags RENAME TO t; ALTER TABLE t RENAME TO task_tags');
    case 7:
      // Into free pages, and out of them again.
      return native.exec(
        `CREATE TABLE IF NOT EXISTS heap (x); INSERT INTO heap SELECT randomblob(9000) FROM json_each('[1,2,3]')`,
      );
    default:
      return native.exec('CREATE TABLE IF NOT EXISTS heap (x); DELETE FROM heap');
  }
}

async function transaction(native: NativeWriter, random: Random, hasLocks: boolean): Promise<void> {
  await native.exec('BEGIN IMMEDIATE');
  const count = random(5) === 0 ? 12 : 1 + random(2);
  for (let i = 0; i < count; i++) {
    const statements = hasLocks && random(5) === 0 ? lockDisturbance(random) : disturbance(random);
    for (const statement of statements) await native.exec(statement);
  }
  await native.exec(random(8) === 0 ? 'ROLLBACK' : 'COMMIT');
}

/**
 * What follows a file as the product does, next to what reads all of it through SQLite each time.
 */
class Pair {
  readonly #file: string;
  readonly #reader: SnapshotReader;
  readonly #tasks = new DatabaseTasks('project');
  followed = 0;
  read = 0;

  constructor(file: string) {
    this.#file = file;
    this.#reader = new SnapshotReader(file, systemClock);
  }

  async look(): Promise<StoreContent | undefined> {
    if (await this.#reader.isUnchanged()) return undefined;
    const news = await this.#reader.readNewPages();
    let result = news && this.#tasks.follow(SQL, news, READ_AT);
    if (result === undefined) {
      const image = await this.#reader.read();
      assert.ok(image.kind === 'image', image.kind);
      result = this.#tasks.read(SQL, image, READ_AT);
      this.read++;
    } else this.followed++;
    assert.ok(result.ok, result.ok ? '' : result.failure.detail);
    return result.value;
  }

  async expected(): Promise<StoreContent> {
    const reader = new SnapshotReader(this.#file, systemClock);
    const image = await reader.read();
    reader.dispose();
    assert.ok(image.kind === 'image');
    const content = readThroughSql(SQL, image.bytes, 'project', READ_AT);
    assert.ok(content.ok);
    return content.value;
  }

  dispose(): void {
    this.#reader.dispose();
  }
}

test(`what follows commits is, object for object, what a full read through SQLite gives (seed ${SEED})`, async (t) => {
  const random = randomFrom(SEED);
  const end = performance.now() + SECONDS * 1000;
  let [followed, kept] = [0, 0];
  for (let round = 0; round < SHAPES.length || performance.now() < end; round++) {
    const schema = SHAPES[round % SHAPES.length]!;
    const root = folderFor(t, `project`);
    const tasks = Array.from({ length: random(3) === 0 ? 300 : 40 }, (_, i) => ({
      id: `T-${i}`,
      row: {},
    }));
    const pageSize = [512, 1024, 4096, 4096][random(4)]!;
    const file = await createBacklog(root, {
      ...{ tasks: [], schema: [], project: 'project' },
    });
    await using native = await nativeWriter(root);
    await native.exec(`PRAGMA journal_mode = DELETE; PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${random(3)}; VACUUM;
      PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = ${[4, 500][random(2)]!};
      PRAGMA wal_autocheckpoint = ${[5, 0, 60, 1000][random(4)]!}; PRAGMA synchronous = OFF`);
    for (const statement of schema) await native.exec(statement);
    await native.runMany(
      tasks.map(({ id }) => [
        `INSERT INTO tasks (id, content, status, created) VALUES (?, 'x', 'Todo', '')`,
        id,
      ]),
    );
    const pair = new Pair(file);
    t.after(() => pair.dispose());
    const hasLocks = schema.includes(AGENT_LOCKS);
    let before: { readonly content: StoreContent; readonly copy: StoreContent } | undefined;
    for (let step = 0; step < 100; step++) {
      if (random(9) === 0) await upheaval(native, random);
      else await transaction(native, random, hasLocks);
      const content = await pair.look();
      if (content === undefined) continue;
      assertSame(content, await pair.expected(), `round ${round}, step ${step}`);
      if (before !== undefined) {
        // Whoever holds what was read before is not disturbed.
        assert.deepEqual(before.content.tasks, before.copy.tasks);
        assert.deepEqual(before.content.notices, before.copy.notices);
        const old = new Set(before.content.tasks);
        if (content.tasks.some((each) => old.has(each))) kept++;
      }
      const { tasks: list, notices } = content;
      before = { content, copy: structuredClone({ tasks: list, notices }) };
    }
    followed += pair.followed;
  }
  t.diagnostic(
    `${followed} commits followed by their pages, ${kept} of them without touching all tasks`,
  );
  assert.ok(followed > 20 && kept > 20, `${followed} followed, ${kept} kept`);
});
