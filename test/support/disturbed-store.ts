import assert from 'node:assert/strict';
import { linkTasks } from '../../src/core/waves/task-links.ts';
import { SCHEMA } from '../../src/store/write/schema.ts';
import type { StoreContent } from '../../src/store/read/store-content.ts';
import type { Random } from './random.ts';

/**
 * The moment at which stores that are disturbed are read: leases there end a little before or after
 * it.
 */
export const READ_AT = Date.UTC(2026, 0, 5, 12);
const SECOND = Math.floor(READ_AT / 1000);

export const AGENT_LOCKS = `CREATE TABLE task_agent_locks (id INTEGER PRIMARY KEY, task_id TEXT, agent_id TEXT, locked_at, expires_at)`;
/** Schemas of stores, plain ones and odd ones. */
export const SHAPES: readonly (readonly string[])[] = [
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
      sql.replace(
        'PRIMARY KEY (task_id, tag)\n  )',
        'PRIMARY KEY (task_id, tag)\n  ) WITHOUT ROWID',
      ),
    ),
  ],
];

/** What can happen to a store, as statements; several make one transaction. */
export function disturbance(random: Random): readonly string[] {
  const id = (): string => `'T-${random(60)}'`;
  const text = (): string =>
    ["''", 'NULL', `'x'`, `replace(hex(zeroblob(${random(4000)})), '00', 'ä')`][random(4)]!;
  const length = (): number => [3, 40, 700, 5000][random(4)]!;
  switch (random(22)) {
    case 0:
    case 1:
      return [
        `UPDATE tasks SET status = ${["'Done'", "'Todo'", "'odd'", "'in_progress'"][random(4)]} WHERE id = ${id()}`,
      ];
    case 2:
      return [
        `UPDATE tasks SET long_description = replace(hex(randomblob(${length()})), '0', 'y') WHERE id = ${id()}`,
      ];
    case 3:
      // The same length again, which SQLite writes in place: of a long row in nothing but a page of
      // its rest.
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
      return [
        `INSERT OR IGNORE INTO tasks (id, content, status, created) VALUES (${id()}, ${text()}, 'Todo', '')`,
      ];
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
      return [
        `INSERT OR IGNORE INTO task_dependencies SELECT ${id()}, d FROM (SELECT ${id()} d) WHERE d <> ${id()}`,
      ];
    case 19:
      return [
        `REPLACE INTO tasks (id, content, status, created) VALUES (${id()}, 'again', 'Todo', '')`,
      ];
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

export function lockDisturbance(random: Random): readonly string[] {
  const id = `'T-${random(20)}'`;
  const until = [
    `${SECOND + random(100) - 50}`,
    `${READ_AT + 5000}`,
    `'2026-01-05T12:00:30Z'`,
    'NULL',
  ][random(4)]!;
  return [
    random(3) === 0
      ? `DELETE FROM task_agent_locks WHERE id % 4 = ${random(4)}`
      : `INSERT INTO task_agent_locks (task_id, agent_id, expires_at) VALUES (${id}, 'a-${random(4)}', ${until})`,
  ];
}

/** Holds what followed a store to what a full read of it through SQLite gave. */
export function assertSame(actual: StoreContent, expected: StoreContent, what: string): void {
  assert.deepEqual(actual.tasks, expected.tasks, what);
  assert.deepEqual(actual.notices, expected.notices, what);
  assert.equal(actual.holdsUntil, expected.holdsUntil, what);
  if (actual.links === undefined) return;
  const ids = actual.tasks.map(({ id }) => id);
  const links = linkTasks(actual.tasks, ids);
  for (const key of ['ids', 'offsets', 'targets', 'parentOf'] as const) {
    assert.deepEqual([...actual.links[key]], [...links[key]], `${what}: ${key}`);
  }
  for (const [position, id] of ids.entries())
    assert.equal(actual.links.index.get(id), position, what);
}
