import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from '../../../../src/core/task.ts';
import { SCHEMA } from '../../../../src/store/write/schema.ts';
import { readTasks } from '../../../support/read-tasks.ts';
import { readThroughSql } from '../../../../src/store/read/sql-tasks.ts';
import type { StoreContent } from '../../../../src/store/read/store-content.ts';
import { SQL } from '../../../support/stores.ts';

/** The moment at which every database here is read. */
const NOW = Date.UTC(2026, 0, 5, 12);
const SECOND = NOW / 1000;

/**
 * What is read from a database that these statements made, after exarp-go's schema. Read by its
 * pages, and through SQLite: whatever the database, both must say the same.
 */
function read(
  statements: readonly string[],
  schema: readonly string[] = SCHEMA,
): ReturnType<typeof readTasks> {
  const db = new SQL.Database();
  for (const statement of [...schema, ...statements]) db.run(statement);
  const image = db.export();
  db.close();
  const [ours, theirs] = [
    readTasks(SQL, image, 'project', NOW),
    readThroughSql(SQL, image, 'project', NOW),
  ];
  assert.deepEqual(comparable(ours), comparable(theirs));
  return ours;
}

function comparable(result: ReturnType<typeof readTasks>): unknown {
  if (!result.ok) return result;
  const { tasks, notices, holdsUntil } = result.value;
  return { tasks, notices, holdsUntil };
}

function content(statements: readonly string[], schema?: readonly string[]): StoreContent {
  const result = read(statements, schema);
  if (!result.ok) throw new Error(`${result.failure.cause}: ${result.failure.detail}`);
  return result.value;
}

const GOOD = `content = 'Title', long_description = 'Text', priority = 'high', project_id = 'project'`;

/** One task, everything as exarp-go writes it, but for what the SQL sets. */
function withColumns(assignments: string): StoreContent {
  return content([
    `INSERT INTO tasks (id, created) VALUES ('T-1', '2026-01-05T09:00:00+02:00')`,
    `UPDATE tasks SET ${GOOD}, created_at = 1, updated_at = 1`,
    `UPDATE tasks SET ${assignments}`,
  ]);
}

const rows: readonly [
  name: string,
  set: string,
  task: Partial<Record<keyof Task, unknown>>,
  notices: unknown[],
][] = [
  [
    'a row as exarp-go writes it has no notice',
    `id = id`,
    { title: 'Title', description: 'Text', status: 'Todo', priority: 'high', version: 1 },
    [],
  ],
  ['a date is read with its offset', `id = id`, { createdAt: Date.UTC(2026, 0, 5, 7) }, []],
  [
    'a date of 1970 is unknown, and the seconds step in',
    `created = '1970-01-01T00:00:00Z', created_at = 1767600000`,
    { createdAt: 1767600000000 },
    [],
  ],
  [
    'nanoseconds do not make a date unreadable',
    `last_modified = '2026-01-05T09:00:00.123456789Z'`,
    { modifiedAt: Date.UTC(2026, 0, 5, 9, 0, 0, 123) },
    [],
  ],
  ['a name stands in for an empty title', `content = '', name = 'Name'`, { title: 'Name' }, []],
  [
    'a status we do not know is kept',
    `status = 'Frozen'`,
    { status: 'Unknown', rawStatus: 'Frozen' },
    [{ kind: 'unknownStatus', id: 'T-1', text: 'Frozen' }],
  ],
  [
    'an odd spelling is understood, and said',
    `status = 'in_progress'`,
    { status: 'In Progress', rawStatus: 'in_progress' },
    [{ kind: 'oddSpelling', id: 'T-1', text: 'in_progress' }],
  ],
  [
    'a null where exarp-go has none is said, column by column',
    `content = NULL, priority = NULL, completed = NULL`,
    { title: '', priority: 'medium', rawPriority: '' },
    ['content', 'priority', 'completed'].map((column) => ({
      kind: 'nullColumn',
      id: 'T-1',
      column,
    })),
  ],
  [
    'a task of another project is kept',
    `project_id = 'owner/repo'`,
    { projectId: 'owner/repo' },
    [{ kind: 'foreignProject', id: 'T-1', project: 'owner/repo' }],
  ],
  [
    'a task without a project is kept',
    `project_id = NULL`,
    { projectId: undefined },
    [{ kind: 'foreignProject', id: 'T-1', project: undefined }],
  ],
  [
    'lock columns are seconds',
    `assignee = 'a-host-1', assigned_at = 1767600000, lock_until = 1767601800`,
    { lock: { holder: 'a-host-1', since: 1767600000000, until: 1767601800000 } },
    [],
  ],
  [
    'a holder without an end has no end',
    `assignee = 'somebody'`,
    { lock: { holder: 'somebody', since: undefined, until: undefined } },
    [],
  ],
  ['an empty holder is none', `assignee = '', lock_until = 9999999999`, { lock: undefined }, []],
  [
    'seconds in a text are seconds',
    `assignee = 'a', lock_until = ' 1767601800 '`,
    { lock: { holder: 'a', since: undefined, until: 1767601800000 } },
    [],
  ],
  [
    'a lease without reason stays a date',
    `assignee = 'a', lock_until = 9223372036854775807`,
    { lock: { holder: 'a', since: undefined, until: 8.64e15 } },
    [],
  ],
  [
    'who wrote last holds no lock',
    `assigned_to = 'b', host = 'h', agent = 'c'`,
    { lock: undefined },
    [],
  ],
  [
    'metadata is an object',
    `metadata = '{"estimatedHours": "2.5", "__proto__": {"x": 1}}'`,
    { estimatedHours: 2.5 },
    [],
  ],
  [
    'broken metadata is kept as it is',
    `metadata = '{oops'`,
    { metadata: { raw: '{oops' } },
    ['badMetadata'],
  ],
  [
    'metadata that is a list is kept as it is',
    `metadata = '[1]'`,
    { metadata: { raw: '[1]' } },
    ['badMetadata'],
  ],
  ['metadata of null is none', `metadata = 'null'`, { metadata: {} }, []],
  [
    'the protobuf form of metadata comes first where the row says so',
    `metadata = '{"old": 1}', metadata_format = 'protobuf', metadata_protobuf = x'${protobuf({ k: '"v"', n: '5', t: 'no json' })}'`,
    { metadata: { k: 'v', n: 5, t: 'no json' } },
    [],
  ],
  [
    'a protobuf form that the row does not speak of is ignored',
    `metadata = '{"new": 1}', metadata_protobuf = x'${protobuf({ k: '1' })}'`,
    { metadata: { new: 1 } },
    [],
  ],
  [
    'a protobuf form without metadata leaves the text',
    `metadata = '{"a": 1}', metadata_format = 'protobuf', metadata_protobuf = x'0a03542d31'`,
    { metadata: { a: 1 } },
    [],
  ],
  [
    'a broken protobuf form leaves the text',
    `metadata = '{"a": 1}', metadata_format = 'protobuf', metadata_protobuf = x'4affff'`,
    { metadata: { a: 1 } },
    ['badMetadata'],
  ],
  [
    'a blob where text should be is read as text',
    `content = x'c3a4', long_description = x'4142'`,
    { title: 'ä', description: 'AB' },
    [],
  ],
  [
    'any text stays what it is',
    `content = 'a' || char(0) || '<b> $(rm) ' || char(128512) || char(10)`,
    { title: 'a\0<b> $(rm) 😀\n' },
    [],
  ],
  ['a number where text should be is text', `id = 'T-1', parent_id = 12`, { parentId: '12' }, []],
  ['an empty parent is none', `parent_id = ''`, { parentId: undefined }, []],
  ['an infinite version is none', `version = 9e999`, { version: 0 }, []],
];

for (const [name, set, expected, notices] of rows) {
  test(name, () => {
    const { tasks, notices: found } = withColumns(set);
    assert.equal(tasks.length, 1);
    for (const [key, value] of Object.entries(expected)) {
      const actual = tasks[0]![key as keyof Task];
      assert.deepEqual(key === 'metadata' ? { ...(actual as object) } : actual, value, key);
    }
    assert.deepEqual(
      found.map((notice, i) => (typeof notices[i] === 'string' ? notice.kind : notice)),
      notices,
    );
  });
}

/** A serialised Todo2Task with this metadata, as hex. */
function protobuf(metadata: Readonly<Record<string, string>>): string {
  const field = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  const entries = Object.entries(metadata).map(([key, value]) =>
    field(9, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))])),
  );
  return Buffer.concat([field(1, Buffer.from('T-1')), Buffer.from([0x40, 1]), ...entries]).toString(
    'hex',
  );
}

test('metadata with the name of a prototype stays data', () => {
  const { tasks } = withColumns(
    `metadata_format = 'protobuf', metadata_protobuf = x'${protobuf({ __proto__x: '1' })}'`,
  );
  assert.deepEqual(tasks[0]?.metadata, { __proto__x: 1 });
  const proto = Buffer.from(
    protobuf({ aaaaaaaaa: '{"x":1}' }).replace(
      '616161616161616161',
      Buffer.from('__proto__').toString('hex'),
    ),
    'hex',
  );
  const found = withColumns(
    `metadata_format = 'protobuf', metadata_protobuf = x'${proto.toString('hex')}'`,
  ).tasks[0]!.metadata;
  assert.deepEqual(Object.keys(found), ['__proto__']);
  assert.equal(Object.getPrototypeOf(found), Object.prototype);
});

test('rows without an id are left out and counted, and the ids of others are never changed', () => {
  const { tasks, notices } = content([
    `INSERT INTO tasks (id, created, project_id, content, long_description, priority) VALUES
      (NULL, '', 'project', '', '', ''), ('', '', 'project', '', '', ''), (' MODE 002', '', 'project', '', '', ''), ('../../x', '', 'project', '', '', '')`,
  ]);
  assert.deepEqual(
    tasks.map((task) => task.id),
    [' MODE 002', '../../x'],
  );
  assert.deepEqual(notices, [
    { kind: 'missingId', position: 1 },
    { kind: 'missingId', position: 2 },
  ]);
});

test('of two rows with one id the first counts, where a store has no key', () => {
  const { tasks, notices } = content(
    [`INSERT INTO tasks VALUES ('T-1', 'first'), ('T-1', 'second')`],
    ['CREATE TABLE tasks (id TEXT, content TEXT)'],
  );
  assert.deepEqual(
    tasks.map((task) => task.title),
    ['first'],
  );
  assert.deepEqual(notices, [{ kind: 'duplicateId', id: 'T-1', title: 'second', position: 2 }]);
});

test('tags and dependencies come in order; those of tasks that are gone are said, those on such tasks are kept', () => {
  const { tasks, notices } = content([
    'PRAGMA foreign_keys = OFF',
    `INSERT INTO tasks (id, created, project_id, content, long_description, priority) VALUES ('T-1', '', 'project', '', '', ''), ('T-2', '', 'project', '', '', '')`,
    `INSERT INTO task_tags VALUES ('T-1', 'b'), ('T-1', 'a'), ('gone', 'c')`,
    `INSERT INTO task_dependencies VALUES ('T-1', 'T-2'), ('T-1', 'T-0'), ('gone', 'T-1')`,
  ]);
  assert.deepEqual(
    tasks.map((task) => [task.id, task.tags, task.dependencies]),
    [
      ['T-1', ['a', 'b'], ['T-0', 'T-2']],
      ['T-2', [], []],
    ],
  );
  assert.deepEqual(notices, [
    { kind: 'orphanRow', table: 'task_tags', owner: 'gone', value: 'c' },
    { kind: 'orphanRow', table: 'task_dependencies', owner: 'gone', value: 'T-1' },
  ]);
});

const CREATE = `CREATE TABLE tasks (id TEXT PRIMARY KEY, name TEXT, content TEXT, long_description TEXT, status TEXT NOT NULL DEFAULT 'Todo',
  priority TEXT, completed INTEGER DEFAULT 0, created TEXT, last_modified TEXT, completed_at TEXT, project_id TEXT, metadata TEXT`;
const STEPS: readonly [migration: number, columns: string][] = [
  [1, ', version INTEGER NOT NULL DEFAULT 1, created_at INTEGER, updated_at INTEGER'],
  [2, ', assignee TEXT, assigned_at INTEGER, lock_until INTEGER'],
  [3, `, metadata_protobuf BLOB, metadata_format TEXT DEFAULT 'json'`],
  [7, ', parent_id TEXT'],
  [8, ', assigned_to TEXT, host TEXT, agent TEXT'],
];
const NOW_DEFAULT = `(strftime('%s', 'now'))`;
const PAIR_TABLES = SCHEMA.filter((sql) =>
  /TABLE IF NOT EXISTS task_(tags|dependencies) /.test(sql),
);
for (const [index, [migration]] of STEPS.entries()) {
  test(`a store at migration ${migration} is read`, () => {
    const columns = STEPS.slice(0, index + 1).map(([, each]) => each);
    const insert = `INSERT INTO tasks (id, content, long_description, priority, project_id) VALUES ('T-1', 'x', '', 'low', 'project')`;
    const { tasks, notices } = content([insert], [`${CREATE}${columns.join('')})`]);
    assert.deepEqual(
      tasks.map((task) => [task.id, task.title, task.lock, task.tags]),
      [['T-1', 'x', undefined, []]],
    );
    assert.deepEqual(notices, []);
  });
}

/** The columns of the table of tasks, as the schema of today has them. */
const COLUMNS_OF_TODAY = /CREATE TABLE IF NOT EXISTS tasks \(([^]*)\)$/
  .exec(SCHEMA.find((sql) => sql.includes('EXISTS tasks ('))!)![1]!
  .replaceAll(NOW_DEFAULT, '7')
  .split(',')
  .map((column) => column.trim());
const OLD_TASK = `INSERT INTO tasks (id) VALUES ('T-1')`;
for (const missing of COLUMNS_OF_TODAY.filter((column) => !column.startsWith('id '))) {
  test(`a store whose tasks have no column ${missing.split(' ')[0]} is read`, () => {
    const columns = COLUMNS_OF_TODAY.filter((column) => column !== missing).map((column) =>
      column.replace(
        'created TEXT NOT NULL',
        `created TEXT NOT NULL DEFAULT '2026-01-05T09:00:00Z'`,
      ),
    );
    const schema = [`CREATE TABLE tasks (${columns.join(', ')})`, ...PAIR_TABLES];
    const { tasks } = content([OLD_TASK, `INSERT INTO task_tags VALUES ('T-1', 'a')`], schema);
    assert.deepEqual(
      tasks.map(({ id, status, tags, version, lock }) => [id, status, tags, version, lock]),
      [['T-1', 'Todo', ['a'], missing.startsWith('version') ? 0 : 1, undefined]],
    );
  });
}

for (const missing of ['task_tags', 'task_dependencies']) {
  test(`a store without the table ${missing} is read`, () => {
    const schema = SCHEMA.filter((sql) => !sql.includes(missing));
    const rest = ['task_tags', 'task_dependencies'].filter((table) => table !== missing);
    const row = rest.map((table) => `INSERT INTO ${table} VALUES ('T-1', 'x')`);
    const { tasks } = content(
      [`INSERT INTO tasks (id, created) VALUES ('T-1', '')`, ...row],
      schema,
    );
    assert.deepEqual(
      tasks.map(({ tags, dependencies }) => [tags.length, dependencies.length]),
      [missing === 'task_tags' ? [0, 1] : [1, 0]],
    );
  });
}

const added: readonly [column: string, field: keyof Task, expected: unknown][] = [
  ['version INTEGER NOT NULL DEFAULT 1', 'version', 1],
  [`version INTEGER DEFAULT '4'`, 'version', 4],
  ['version INT DEFAULT (7)', 'version', 7],
  ['version DEFAULT -7', 'version', -7],
  [`status TEXT DEFAULT 'Done'`, 'status', 'Done'],
  [`status TEXT DEFAULT 'it''s'`, 'rawStatus', "it's"],
  ['status TEXT DEFAULT 12', 'rawStatus', '12'],
  ['priority TEXT DEFAULT NULL', 'priority', 'medium'],
  ['estimated_hours REAL DEFAULT 1.5', 'estimatedHours', 1.5],
  [`metadata BLOB DEFAULT x'7b7d'`, 'title', ''],
];
for (const [column, field, expected] of added) {
  test(`a row that is older than the column “${column}” has its default`, () => {
    const { tasks } = content(
      [
        `INSERT INTO tasks VALUES ('T-1')`,
        `ALTER TABLE tasks ADD COLUMN ${column}`,
        `INSERT INTO tasks (id) VALUES ('T-2')`,
      ],
      ['CREATE TABLE tasks (id TEXT PRIMARY KEY)'],
    );
    assert.deepEqual(
      tasks.map((task) => task[field]),
      [expected, expected],
    );
  });
}

const oddTables: readonly [name: string, create: string][] = [
  ['without rowids', 'CREATE TABLE tasks (id TEXT PRIMARY KEY, content TEXT) WITHOUT ROWID'],
  ['with numbers for ids', 'CREATE TABLE tasks (id INTEGER PRIMARY KEY, content TEXT)'],
  [
    'with a column that is computed',
    `CREATE TABLE tasks (extra AS (content || '!') STORED, id, content TEXT)`,
  ],
  [
    'with a column that is computed each time',
    `CREATE TABLE tasks (extra AS (content || '!'), id, content TEXT)`,
  ],
  ['in strict types', 'CREATE TABLE tasks (id TEXT PRIMARY KEY, content TEXT) STRICT'],
  [
    'with names in any case and quotes',
    'CREATE TABLE "TaskS" ("ID" TEXT, [Content] TEXT, `Status` TEXT)',
  ],
  ['with numbers for titles', 'CREATE TABLE tasks (id, content REAL)'],
  [
    'with comments',
    `CREATE TABLE tasks (id TEXT, -- known as "id"\n "as" TEXT DEFAULT 'as (', /* as ( */ content TEXT)`,
  ],
];
for (const [name, create] of oddTables) {
  test(`a table of tasks ${name} is read`, () => {
    const { tasks } = content([`INSERT INTO tasks (id, content) VALUES (1, '12')`], [create]);
    assert.deepEqual(
      tasks.map(({ id, title }) => [id, title]),
      [['1', '12']],
    );
  });
}

test('rows of any type and size are read, and so are those that go on over pages', () => {
  const long = 'ä'.repeat(30_000);
  const values = [
    `'${long}'`,
    '1',
    '-1',
    '127',
    '-129',
    '32768',
    '8388608',
    '2147483648',
    '140737488355328',
  ];
  values.push(
    '9223372036854775807',
    '-9223372036854775808',
    '0',
    '1.5',
    '-0.25',
    '1e300',
    `x'c3a4'`,
    'NULL',
    `''`,
  );
  const { tasks } = content(
    values.map(
      (value, i) =>
        `INSERT INTO tasks (id, content, priority, version) VALUES ('T-${i}', ${value}, ${value}, ${value})`,
    ),
    ['CREATE TABLE tasks (id, content, priority, version)'],
  );
  assert.equal(tasks.length, values.length);
  assert.equal(tasks[0]?.title, long);
  assert.deepEqual([tasks[9]?.title, tasks[9]?.version], ['9223372036854776000', 0]);
});

const LOCKS_TABLE =
  'CREATE TABLE task_agent_locks (id INTEGER PRIMARY KEY, task_id TEXT, agent_id TEXT, locked_at, lock_until)';
const locks: readonly [
  name: string,
  columns: readonly [holder: string, until: number] | undefined,
  table: readonly string[],
  held: unknown,
][] = [
  [
    'a lease of the table counts',
    undefined,
    [`'b', ${SECOND}, ${SECOND + 60}`],
    { holder: 'b', since: NOW, until: NOW + 60_000 },
  ],
  [
    'a lease of the table may be in ms',
    undefined,
    [`'b', ${NOW}, ${NOW + 60_000}`],
    { holder: 'b', since: NOW, until: NOW + 60_000 },
  ],
  [
    'a lease of the table may be a date',
    undefined,
    [`'b', '2026-01-05T12:00:00Z', '2026-01-05T13:01:00+01:00'`],
    { holder: 'b', since: NOW, until: NOW + 60_000 },
  ],
  [
    'a holder in the table without an end',
    undefined,
    [`'b', NULL, NULL`],
    { holder: 'b', since: undefined, until: undefined },
  ],
  [
    'no holder in the table',
    undefined,
    [`'', 1, ${SECOND + 60}`, `NULL, 1, ${SECOND + 60}`],
    undefined,
  ],
  [
    'of two rows the one that runs',
    undefined,
    [`'b', 1, ${SECOND - 60}`, `'c', 1, ${SECOND + 60}`],
    'c',
  ],
  ['columns that run before a table that does not', ['a', 60], [`'b', 1, ${SECOND - 1}`], 'a'],
  ['a table that runs before columns that do not', ['a', -60], [`'b', 1, ${SECOND + 1}`], 'b'],
  ['of two that ended the later', ['a', -60], [`'b', 1, ${SECOND - 90}`], 'a'],
  [
    'the longer lease of one holder',
    ['a', 60],
    [`'a', 1, ${SECOND + 90}`],
    { holder: 'a', since: 1000, until: NOW + 90_000 },
  ],
];
for (const [name, columns, table, held] of locks) {
  test(`a task is held if columns or table say so: ${name}`, () => {
    const { tasks, notices } = content([
      LOCKS_TABLE,
      `INSERT INTO tasks (id, created, content, long_description, priority, project_id) VALUES ('T-1', '', '', '', '', 'project')`,
      columns === undefined
        ? 'UPDATE tasks SET version = 2'
        : `UPDATE tasks SET assignee = '${columns[0]}', lock_until = ${SECOND + columns[1]}`,
      ...table.map(
        (values) =>
          `INSERT INTO task_agent_locks (task_id, agent_id, locked_at, lock_until) VALUES ('T-1', ${values})`,
      ),
    ]);
    const { lock } = tasks[0]!;
    assert.deepEqual(typeof held === 'string' ? lock?.holder : lock, held);
    assert.deepEqual(notices, []);
  });
}

test('of two leases that run the columns count, and a notice says so', () => {
  const { tasks, notices, holdsUntil } = content([
    LOCKS_TABLE,
    `INSERT INTO tasks (id, created, content, long_description, priority, project_id, assignee, lock_until)
      VALUES ('T-1', '', '', '', '', 'project', 'a', ${SECOND + 30})`,
    `INSERT INTO task_agent_locks (task_id, agent_id, lock_until) VALUES ('T-1', 'b', ${SECOND + 60}), ('gone', 'b', 1)`,
  ]);
  assert.equal(tasks[0]?.lock?.holder, 'a');
  assert.deepEqual(notices, [{ kind: 'twoHolders', id: 'T-1', holder: 'a', other: 'b' }]);
  assert.equal(holdsUntil, NOW + 30_000, 'then it is the other one that holds the task');
});

test('a table of agent locks whose columns say nothing is passed over', () => {
  const { tasks } = content([
    'CREATE TABLE task_agent_locks (task_id, note)',
    `INSERT INTO task_agent_locks VALUES ('T-1', 'x')`,
    `INSERT INTO tasks (id, created) VALUES ('T-1', '')`,
  ]);
  assert.equal(tasks[0]?.lock, undefined);
});

const others: readonly [name: string, schema: readonly string[], expected: unknown][] = [
  ['a store without a version column before migration 6', [`${CREATE})`], 0],
  [
    'columns we do not know',
    [`CREATE TABLE tasks (id TEXT PRIMARY KEY, future BLOB DEFAULT x'00ff', "odd "" name" TEXT)`],
    0,
  ],
  ['nothing but ids', ['CREATE TABLE TASKS (ID)'], 0],
  ['no table of tasks', ['CREATE TABLE schema_migrations (version INTEGER)'], 'noTasksTable'],
  ['no table at all', ['PRAGMA user_version = 1'], 'noTasksTable'],
  [
    'a view that never ends',
    [
      `CREATE VIEW tasks AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n`,
    ],
    'noTasksTable',
  ],
  ['a table of tasks without ids', ['CREATE TABLE tasks (name TEXT)'], 'malformed'],
  [
    'a schema that would compute for ever',
    [
      'CREATE TABLE tasks (id)',
      'PRAGMA writable_schema = ON',
      `UPDATE sqlite_master SET sql = 'CREATE TABLE "tasks--" AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n'`,
    ],
    'malformed',
  ],
  ['UTF-16', [`PRAGMA encoding = 'UTF-16le'`, ...SCHEMA], 0],
];
for (const [name, schema, expected] of others) {
  test(`a database with ${name} gets the right answer`, () => {
    const result = read([], schema);
    assert.equal(result.ok ? result.value.tasks.length : result.failure.cause, expected);
  });
}

test('bytes that are no database are said to be none, and damaged pages to be damaged', () => {
  const garbage = readTasks(SQL, new Uint8Array(8192).fill(65), 'project');
  assert.equal(garbage.ok ? '' : garbage.failure.cause, 'notADatabase');
  const db = new SQL.Database();
  for (const statement of SCHEMA) db.run(statement);
  const image = db.export();
  db.close();
  image.fill(0xee, 4096);
  const damaged = readTasks(SQL, image, 'project');
  assert.equal(damaged.ok ? '' : damaged.failure.cause, 'malformed');
});
