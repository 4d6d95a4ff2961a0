import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from 'sql.js';
import { taskId } from '../../../../src/core/task.ts';
import { SCHEMA } from '../../../../src/store/write/schema.ts';
import { LeafReader, findLeaves } from '../../../../src/store/read/btree.ts';
import { LiveImage } from '../../../../src/store/read/pages.ts';
import { readThroughSql } from '../../../../src/store/read/sql-tasks.ts';
import { DatabaseTasks } from '../../../../src/store/read/sqlite-reader.ts';
import type { StoreContent } from '../../../../src/store/read/store-content.ts';
import {
  AGENT_LOCKS,
  READ_AT,
  SHAPES,
  assertSame,
  disturbance,
  lockDisturbance,
} from '../../../support/disturbed-store.ts';
import { randomFrom } from '../../../support/random.ts';
import { SQL } from '../../../support/stores.ts';

/** Longer runs by hand: `LIVE_TASKS_SECONDS=60 LIVE_TASKS_SEED=…`. */
const SECONDS = Number(process.env['LIVE_TASKS_SECONDS'] ?? 2);
const SEED = Number(process.env['LIVE_TASKS_SEED'] ?? 7);

/**
 * A database in memory and what follows it, by the pages that differ from one image to the next.
 */
class Followed {
  readonly db: Database;
  readonly #tasks = new DatabaseTasks('project');
  #moment = 0;

  constructor(statements: readonly string[]) {
    this.db = new SQL.Database();
    for (const statement of statements) this.db.run(statement);
  }

  /** What is read after some statements; held to what SQLite reads. */
  after(...statements: readonly string[]): StoreContent {
    for (const statement of statements) this.db.run(statement);
    const bytes = this.db.export();
    const expected = readThroughSql(SQL, bytes, 'project', READ_AT);
    const actual = this.#tasks.read(SQL, { bytes, moment: ++this.#moment }, READ_AT);
    assert.ok(expected.ok && actual.ok, expected.ok ? '' : expected.failure.detail);
    assertSame(actual.value, expected.value, statements.join('; '));
    return actual.value;
  }

  /** The same at a later moment. */
  at(now: number): StoreContent {
    const content = this.#tasks.again(SQL, now);
    assert.ok(content?.ok === true);
    return content.value;
  }
}

function insert(count: number, from = 0): string {
  const values = Array.from({ length: count }, (_, i) => `('T-${from + i}', 'x', 'Todo', '')`);
  return `INSERT INTO tasks (id, content, status, created) VALUES ${values.join()}`;
}

/** The ids of the tasks that are other objects than before. */
function fresh(before: StoreContent, after: StoreContent): readonly string[] {
  const old = new Set(before.tasks);
  return after.tasks.filter((task) => !old.has(task)).map(({ id }) => id);
}

test(`what follows random changes is, object for object, what a full read through SQLite gives (seed ${SEED})`, (t) => {
  const random = randomFrom(SEED);
  const end = performance.now() + SECONDS * 1000;
  let [steps, followed] = [0, 0];
  for (let round = 0; round < SHAPES.length || performance.now() < end; round++) {
    const schema = SHAPES[round % SHAPES.length]!;
    const store = new Followed([
      `PRAGMA page_size = ${[512, 1024, 4096][random(3)]!}`,
      `PRAGMA auto_vacuum = ${random(3)}`,
      ...schema,
      insert([1, 30, 200][random(3)]!),
    ]);
    let before = store.after();
    for (let step = 0; step < 60; step++, steps++) {
      const isLock = schema.includes(AGENT_LOCKS) && random(4) === 0;
      const copy = structuredClone({ tasks: before.tasks, notices: before.notices });
      const content = store.after(...(isLock ? lockDisturbance(random) : disturbance(random)));
      // Whoever holds what was read before is not disturbed.
      assert.deepEqual({ tasks: before.tasks, notices: before.notices }, copy);
      if (content.tasks.length > 0 && fresh(before, content).length < content.tasks.length)
        followed++;
      before = content;
    }
    store.db.close();
  }
  t.diagnostic(`${followed} of ${steps} changes were followed`);
  assert.ok(followed > steps / 4, `${followed} of ${steps}`);
});

const stories: readonly [
  name: string,
  change: string,
  fresh: readonly string[],
  links: 'same' | 'other',
][] = [
  ['a status', `UPDATE tasks SET status = 'Done' WHERE id = 'T-7'`, ['T-7'], 'same'],
  [
    'a row that goes on over pages',
    `UPDATE tasks SET metadata = hex(zeroblob(9000)) WHERE id = 'T-7'`,
    ['T-7'],
    'same',
  ],
  ['a tag', `INSERT INTO task_tags VALUES ('T-7', 'new')`, ['T-7'], 'same'],
  ['a tag that goes', `DELETE FROM task_tags WHERE task_id = 'T-3'`, ['T-3'], 'same'],
  ['a dependency', `INSERT INTO task_dependencies VALUES ('T-7', 'T-8')`, ['T-7'], 'other'],
  ['a parent', `UPDATE tasks SET parent_id = 'T-1' WHERE id = 'T-7'`, ['T-7'], 'other'],
  ['a task that comes', insert(1, 5000), ['T-5000'], 'other'],
  [
    'many tasks that come, for which leaves split',
    insert(60, 5000),
    Array.from({ length: 60 }, (_, i) => `T-${5000 + i}`),
    'other',
  ],
  [
    'a task that was named before it came',
    `INSERT INTO tasks (id, created) VALUES ('T-gone', '')`,
    ['T-gone'],
    'other',
  ],
  ['a task that goes', `DELETE FROM tasks WHERE id = 'T-500'`, [], 'other'],
  [
    'a task that is put in anew',
    `REPLACE INTO tasks (id, created) VALUES ('T-500', '')`,
    ['T-500'],
    'other',
  ],
  ['a tag of a task that is not there', `INSERT INTO task_tags VALUES ('none', 'x')`, [], 'same'],
  [
    'another table',
    `INSERT INTO task_comments (id, task_id, comment_type, content, created) VALUES ('c', 'T-1', 'note', 'x', '')`,
    [],
    'same',
  ],
];
for (const [name, change, expected, links] of stories) {
  test(`of 1,000 tasks no other is touched by a change of ${name}`, () => {
    const store = new Followed([
      ...SCHEMA,
      insert(1000),
      `UPDATE tasks SET metadata = hex(zeroblob(5000)) WHERE id IN ('T-3', 'T-7')`,
      `INSERT INTO task_tags VALUES ('T-3', 'a'), ('T-gone', 'orphan')`,
      `INSERT INTO task_dependencies VALUES ('T-3', 'T-2'), ('T-4', 'T-gone')`,
    ]);
    const before = store.after();
    const after = store.after(change);
    // A row over several pages is read again with its neighbours in the leaf.
    assert.deepEqual(
      fresh(before, after).filter((id) => id !== 'T-3' || expected.includes(id)),
      expected,
    );
    assert.equal(after.links === before.links, links === 'same');
    store.db.close();
  });
}

test('the rest of a long row may change where its leaf does not', () => {
  const store = new Followed([
    ...SCHEMA,
    insert(3),
    `UPDATE tasks SET metadata = '{"a": "' || hex(zeroblob(9000)) || '1"}'`,
  ]);
  store.after();
  const { tasks } = store.after(
    `UPDATE tasks SET metadata = '{"a": "' || hex(zeroblob(9000)) || '2"}' WHERE id = 'T-1'`,
  );
  assert.equal(String(tasks[1]?.metadata['a']).at(-1), '2');
  store.db.close();
});

test('after a damage in which two rows go on in one page, the mended rows are read', () => {
  const db = new SQL.Database();
  db.run('PRAGMA page_size = 512');
  for (const statement of SCHEMA) db.run(statement);
  db.run(insert(12));
  db.run(`UPDATE tasks SET long_description = id || ' ' || printf('%.1200c', 'x')`);
  const good = Buffer.from(db.export());
  const root = Number(db.exec(`SELECT rootpage FROM sqlite_master WHERE name = 'tasks'`)[0]?.values[0]?.[0]); // prettier-ignore
  const pages = new LiveImage(Buffer.from(good));
  const reader = new LeafReader(pages);
  // Where each row names the page that it goes on at.
  const pointers = findLeaves(pages, root).leaves.flatMap((leaf) => {
    reader.open(good, (leaf - 1) * 512, leaf);
    return Array.from({ length: reader.count }, (_, n) => {
      reader.read(n);
      return { at: reader.end - 4, leaf };
    });
  });
  const [first] = pointers;
  const others = pointers.filter(({ leaf }) => leaf !== first!.leaf);
  assert.ok(others.length > 0);
  for (const { at } of others) {
    const shared = good.readUInt32BE(at);
    const bad = Buffer.from(good);
    bad.writeUInt32BE(shared, first!.at);
    const later = Buffer.from(bad);
    later.fill('y', (shared - 1) * 512 + 4, shared * 512);
    const tasks = new DatabaseTasks('project');
    [good, bad, later, bad, good].forEach((image, moment) => {
      const read = tasks.read(SQL, { bytes: Buffer.from(image), moment }, READ_AT);
      const expected = readThroughSql(SQL, Buffer.from(image), 'project', READ_AT);
      assert.ok(read.ok && expected.ok);
      assertSame(read.value, expected.value, `image ${moment}, page ${shared}`);
    });
  }
  db.close();
});

test('when a lease ends, the one beside it counts, without a change of the file', () => {
  const second = READ_AT / 1000;
  const store = new Followed([
    ...SCHEMA,
    AGENT_LOCKS,
    insert(2),
    `UPDATE tasks SET assignee = 'a', lock_until = ${second + 30} WHERE id = 'T-1'`,
    `INSERT INTO task_agent_locks (task_id, agent_id, expires_at) VALUES ('T-1', 'b', ${second + 60})`,
  ]);
  const before = store.after();
  const holderAt = (content: StoreContent): unknown =>
    content.tasks.find(({ id }) => id === taskId('T-1'))?.lock?.holder;
  assert.deepEqual([holderAt(before), before.holdsUntil], ['a', READ_AT + 30_000]);
  const after = store.at(READ_AT + 30_000);
  assert.deepEqual([holderAt(after), after.holdsUntil], ['b', READ_AT + 60_000]);
  assert.deepEqual(fresh(before, after), ['T-1']);
  assert.ok(
    before.notices.some(({ kind }) => kind === 'twoHolders') &&
      after.notices.every(({ kind }) => kind !== 'twoHolders'),
  );
  assert.equal(store.at(READ_AT + 60_000).holdsUntil, Infinity);
  store.db.close();
});
