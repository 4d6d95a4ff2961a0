import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkTasks } from '../../src/core/task-links.ts';
import { SCHEMA } from '../../src/store/schema.ts';
import { SnapshotReader } from '../../src/store/snapshot-reader.ts';
import { readThroughSql } from '../../src/store/sql-tasks.ts';
import { DatabaseTasks } from '../../src/store/sqlite-reader.ts';
import type { StoreContent } from '../../src/store/store-content.ts';
import { systemClock } from '../../src/store/system-clock.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../support/fixture.ts';
import { SQL, folderFor } from '../support/stores.ts';

/** Longer runs by hand: `LIVE_TASKS_SECONDS=60 LIVE_TASKS_SEED=…`. */
const SECONDS = Number(process.env['LIVE_TASKS_SECONDS'] ?? 4);
const SEED = Number(process.env['LIVE_TASKS_SEED'] ?? 71);
/** The moment at which every read takes place. */
const NOW = Date.UTC(2026, 0, 5, 12);
const SECOND = Math.floor(NOW / 1000);

type Random = (below: number) => number;

/** mulberry32, so that a seed gives the same run on every machine. */
function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const AGENT_LOCKS = `CREATE TABLE task_agent_locks (id INTEGER PRIMARY KEY, task_id TEXT, agent_id TEXT, locked_at, expires_at)`;
const SHAPES: readonly (readonly string[])[] = [
  SCHEMA,
  [...SCHEMA, AGENT_LOCKS],
  // Without keys and types, so that there are rows twice, and values of any type.
  [
    'CREATE TABLE tasks (id, content, long_description, status, priority, completed, metadata, version, assignee, lock_until, parent_id, project_id, created)',
    'CREATE TABLE task_tags (task_id, tag)',
    'CREATE TABLE task_dependencies (task_id, depends_on_id)',
    AGENT_LOCKS,
  ],
  // What we do not read ourselves.
  [
    ...SCHEMA.map((sql) =>
      sql.replace('PRIMARY KEY (task_id, tag)\n  )', 'PRIMARY KEY (task_id, tag)\n  ) WITHOUT ROWID'),
    ),
  ],
];

/** What can happen to a store, as statements; several make one transaction. */
function disturbance(random: Random): readonly string[] {
  const id = (): string => `'T-${random(60)}'`;
  const text = (): string => ["''", 'NULL', `'x'`, `replace(hex(zeroblob(${random(4000)})), '00', 'ä')`][random(4)]!;
  const length = (): number => [3, 40, 700, 5000][random(4)]!;
  switch (random(22)) {
    case 0:
    case 1:
      return [
        `UPDATE tasks SET status = ${["'Done'", "'Todo'", "'odd'", "'in_progress'"][random(4)]} WHERE id = ${id()}`,
      ];
    case 2:
      return [`UPDATE tasks SET long_description = replace(hex(randomblob(${length()})), '0', 'y') WHERE id = ${id()}`];
    case 3:
      // The same length again, which SQLite writes in place: of a long row in nothing but a page of its rest.
      return [
        `UPDATE tasks SET metadata = substr(metadata, 1, length(metadata) - 9) || '${100 + random(900)}      ' WHERE length(metadata) > 20`,
      ];
    case 4:
      return [
        `UPDATE tasks SET metadata = '{"a": "' || hex(zeroblob(${length()})) || '"}            ' WHERE id = ${id()}`,
      ];
    case 5:
      return [
        `UPDATE tasks SET content = ${text()}, priority = ${text()}, project_id = ${text()} WHERE rowid % 9 = ${random(9)}`,
      ];
    case 6:
      return [
        `UPDATE tasks SET assignee = 'a-${random(3)}', lock_until = ${SECOND + random(200) - 100} WHERE id = ${id()}`,
      ];
    case 7:
      return [`UPDATE tasks SET parent_id = ${id()} WHERE id = ${id()}`];
    case 8:
      return [`DELETE FROM tasks WHERE id = ${id()}`];
    case 9:
    case 10:
      return [`INSERT OR IGNORE INTO tasks (id, content, status, created) VALUES (${id()}, ${text()}, 'Todo', '')`];
    case 11:
      return [
        `INSERT INTO tasks (id, content, status, created) SELECT 'N-' || (SELECT count(*) FROM tasks) || '-' || value, '', 'Todo', '' FROM json_each('[1,2,3,4,5]')`,
      ];
    case 12:
      return [`UPDATE OR IGNORE tasks SET id = ${id()} WHERE id = ${id()}`];
    case 13:
      return [`UPDATE OR IGNORE tasks SET rowid = ${random(200) - 20} WHERE id = ${id()}`];
    case 14:
    case 15:
      return [
        `INSERT OR IGNORE INTO task_tags VALUES (${id()}, ${random(9) === 0 ? text().replace('NULL', '1') : `'tag${random(6)}'`})`,
      ];
    case 16:
      return [
        `DELETE FROM task_tags WHERE length(task_id || tag) % 5 = ${random(5)}`,
        `DELETE FROM task_dependencies WHERE task_id = ${id()}`,
      ];
    case 17:
    case 18:
      return [`INSERT OR IGNORE INTO task_dependencies SELECT ${id()}, d FROM (SELECT ${id()} d) WHERE d <> ${id()}`];
    case 19:
      return [`REPLACE INTO tasks (id, content, status, created) VALUES (${id()}, 'again', 'Todo', '')`];
    case 20:
      return [
        `INSERT OR IGNORE INTO task_tags SELECT 'T-' || value, 'x' || hex(randomblob(30)) FROM json_each('[${Array.from({ length: 30 }, () => random(70)).join()}]')`,
      ];
    default:
      return [
        `UPDATE task_tags SET tag = tag || 'b' WHERE length(task_id || tag) % 7 = ${random(7)} AND length(tag) < 50`,
      ];
  }
}

function lockDisturbance(random: Random): readonly string[] {
  const id = `'T-${random(20)}'`;
  const until = [`${SECOND + random(100) - 50}`, `${NOW + 5000}`, `'2026-01-05T12:00:30Z'`, 'NULL'][random(4)]!;
  return [
    random(3) === 0
      ? `DELETE FROM task_agent_locks WHERE id % 4 = ${random(4)}`
      : `INSERT INTO task_agent_locks (task_id, agent_id, expires_at) VALUES (${id}, 'a-${random(4)}', ${until})`,
  ];
}

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
      return native.exec(`CREATE INDEX IF NOT EXISTS extra${random(3)} ON tasks (status, priority)`);
    case 5:
      return native.exec('CREATE TABLE IF NOT EXISTS others (x); DROP TABLE others; CREATE TABLE others (x)');
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

/** What follows a file as the product does, next to what reads all of it through SQLite each time. */
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
    let result = news && this.#tasks.follow(SQL, news, NOW);
    if (result === undefined) {
      const image = await this.#reader.read();
      assert.ok(image.kind === 'image', JSON.stringify(image));
      result = this.#tasks.read(SQL, image, NOW);
      this.read++;
    } else this.followed++;
    assert.ok(result.ok, JSON.stringify(result));
    return result.value;
  }

  async expected(): Promise<StoreContent> {
    const reader = new SnapshotReader(this.#file, systemClock);
    const image = await reader.read();
    reader.dispose();
    assert.ok(image.kind === 'image');
    const content = readThroughSql(SQL, image.bytes, 'project', NOW);
    assert.ok(content.ok);
    return content.value;
  }

  dispose(): void {
    this.#reader.dispose();
  }
}

function assertSame(actual: StoreContent, expected: StoreContent, what: string): void {
  assert.deepEqual(actual.tasks, expected.tasks, what);
  assert.deepEqual(actual.notices, expected.notices, what);
  assert.equal(actual.holdsUntil, expected.holdsUntil, what);
  if (actual.links === undefined) return;
  const ids = actual.tasks.map(({ id }) => id);
  const links = linkTasks(actual.tasks, ids);
  for (const key of ['ids', 'offsets', 'targets', 'parentOf'] as const) {
    assert.deepEqual([...actual.links[key]], [...links[key]], `${what}: ${key}`);
  }
  for (const [position, id] of ids.entries()) assert.equal(actual.links.index.get(id), position, what);
}

test(`what follows commits is, object for object, what a full read through SQLite gives (seed ${SEED})`, async (t) => {
  const random = randomFrom(SEED);
  const end = performance.now() + SECONDS * 1000;
  let [followed, kept] = [0, 0];
  for (let round = 0; round < SHAPES.length || performance.now() < end; round++) {
    const schema = SHAPES[round % SHAPES.length]!;
    const root = folderFor(t, `project`);
    const tasks = Array.from({ length: random(3) === 0 ? 300 : 40 }, (_, i) => ({ id: `T-${i}`, row: {} }));
    const pageSize = [512, 1024, 4096, 4096][random(4)]!;
    const file = await createBacklog(root, {
      ...{ tasks: [], schema: [], project: 'project' },
    });
    await using native = await nativeWriter(root);
    await native.exec(`PRAGMA journal_mode = DELETE; PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${random(3)}; VACUUM;
      PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = ${[4, 500][random(2)]!};
      PRAGMA wal_autocheckpoint = ${[5, 40, 1000][random(3)]!}; PRAGMA synchronous = OFF`);
    for (const statement of schema) await native.exec(statement);
    await native.runMany(
      tasks.map(({ id }) => [`INSERT INTO tasks (id, content, status, created) VALUES (?, 'x', 'Todo', '')`, id]),
    );
    const pair = new Pair(file);
    t.after(() => pair.dispose());
    const hasLocks = schema.includes(AGENT_LOCKS);
    let before: { readonly content: StoreContent; readonly copy: StoreContent } | undefined;
    for (let step = 0; step < 60; step++) {
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
  t.diagnostic(`${followed} commits followed by their pages, ${kept} of them without touching all tasks`);
  assert.ok(followed > 20 && kept > 20, `${followed} followed, ${kept} kept`);
});
