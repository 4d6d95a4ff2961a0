import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SCHEMA } from '../../../src/store/write/schema.ts';
import { nativeWriter } from '../../support/fixture.ts';
import { copyStore } from '../../support/native-files.ts';

/**
 * A good store, as SQLite has written it: a database, and a log of several commits that is not yet
 * part of it.
 */
interface Base {
  readonly pageSize: number;
  readonly pragmas: string;
  readonly schema: readonly string[];
  readonly tasks: number;
}

/** As exarp-go made it before there were locks, projects and versions. */
const OLD_SCHEMA = [
  'CREATE TABLE tasks (id TEXT PRIMARY KEY, name TEXT, content TEXT, long_description TEXT, status TEXT, priority TEXT, created TEXT)',
  'CREATE TABLE task_tags (task_id TEXT, tag TEXT)',
  'CREATE TABLE task_dependencies (task_id TEXT, depends_on_id TEXT)',
];

const BASES: readonly Base[] = [
  { pageSize: 4096, pragmas: '', schema: SCHEMA, tasks: 25 },
  { pageSize: 1024, pragmas: 'PRAGMA auto_vacuum = 1', schema: SCHEMA, tasks: 60 },
  { pageSize: 512, pragmas: '', schema: OLD_SCHEMA, tasks: 80 },
  { pageSize: 65_536, pragmas: '', schema: OLD_SCHEMA, tasks: 200 },
  { pageSize: 512, pragmas: `PRAGMA encoding = 'UTF-16le'`, schema: OLD_SCHEMA, tasks: 30 },
];

/**
 * Makes the good files that the mutated ones are made of, in a folder: `<n>.db` and `<n>.db-wal`.
 */
export async function makeCorpus(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [index, base] of BASES.entries()) {
    const root = join(folder, `base-${index}`);
    mkdirSync(join(root, '.todo2'), { recursive: true });
    const file = join(root, '.todo2', 'todo2.db');
    writeFileSync(file, '');
    await using native = await nativeWriter(root);
    await native.exec(`PRAGMA page_size = ${base.pageSize}; ${base.pragmas}; PRAGMA journal_mode = WAL;
      PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF`);
    for (const statement of base.schema) await native.exec(statement);
    await native.exec('BEGIN');
    for (let n = 0; n < base.tasks; n++) {
      await native.run(
        'INSERT INTO tasks (id, name, content, long_description, status, priority, created) VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[
          `T-${n}`,
          '',
          `Task ${n} – “${'ü'.repeat(n % 9)}”`,
          'A long text. '.repeat((n * n) % 170),
          'Todo',
          'high',
        ],
        '2026-01-05T09:00:00+00:00',
      );
      if (n > 1)
        await native.run('INSERT INTO task_dependencies VALUES (?, ?)', `T-${n}`, `T-${n >> 1}`);
      await native.run('INSERT INTO task_tags VALUES (?, ?)', `T-${n}`, `tag-${n % 3}`);
    }
    await native.exec('COMMIT');
    if (base.schema === SCHEMA) {
      await native.run(
        `UPDATE tasks SET metadata = '{"a": [1, {"b": null}]}', project_id = 'project', version = 3 WHERE rowid % 2 = 0`,
      );
      await native.run(
        `UPDATE tasks SET metadata_format = 'protobuf', metadata_protobuf = unhex(?) WHERE rowid % 3 = 0`,
        Buffer.from(METADATA_BLOB).toString('hex'),
      );
    }
    await native.all('PRAGMA wal_checkpoint(TRUNCATE)');
    for (let commit = 0; commit < 5; commit++) {
      await native.run(
        `UPDATE tasks SET status = 'Done', long_description = ? WHERE rowid % 7 = ?`,
        'z'.repeat(commit * 400),
        commit,
      );
      if (commit === 2) await native.run(`DELETE FROM tasks WHERE rowid % 11 = 0`);
    }
    copyStore(file, join(folder, String(index)));
  }
}

/** One good store of the corpus. */
export interface Store {
  readonly database: Buffer;
  readonly log: Buffer;
}

export function readCorpus(folder: string): readonly Store[] {
  return BASES.map((_, index) => {
    const file = join(folder, String(index), 'todo2.db');
    return { database: readFileSync(file), log: readFileSync(`${file}-wal`) };
  });
}

/** exarp-go's Todo2Task with two entries of metadata and a field that we do not know. */
export const METADATA_BLOB = Uint8Array.from([
  ...[0x0a, 3, ...Buffer.from('T-1')],
  ...[0x4a, 12, 0x0a, 4, ...Buffer.from('epic'), 0x12, 4, ...Buffer.from('"E1"')],
  ...[0x4a, 11, 0x0a, 5, ...Buffer.from('hours'), 0x12, 2, ...Buffer.from('12')],
  ...[0x98, 0x06, 0x96, 0x01],
]);

/** A configuration with a lease and both limits, and fields that we do not know. */
export const CONFIG_PB = Uint8Array.from([
  ...[0x0a, 2, 0x08, 1],
  ...[0x12, 5, 0x08, 0x88, 0x0e, 0x10, 60],
  ...[0x1a, 6, 0x40, 4, 0x90, 0x01, 10, 0x00].slice(0, 7),
]);

export const CONFIG_YAML = `# of a project
version: "1.0"
timeouts:
  task_lock_lease: 30m0s
  task_lock_renewal: 20m
thresholds:
  max_tasks_per_wave: 10
  max_parallel_tasks: 4
  similarity_threshold: 0.85
database: {sqlite_path: .todo2/todo2.db, max_connections: 10}
tasks:
  default_status: Todo
  statuses: [Todo, In Progress, Review, Done]
`;

export const STATE_JSON = JSON.stringify(
  {
    todos: [
      {
        id: 'T-1',
        content: 'First',
        status: 'todo',
        priority: 'high',
        tags: ['a', 'b'],
        dependencies: [],
        metadata: { a: { b: [1] } },
      },
      {
        id: 'T-2',
        name: 'Second',
        long_description: 'x',
        status: 'In Progress',
        dependsOn: ['T-1'],
        created: '2026-01-05T09:00:00Z',
      },
      {
        id: 3,
        title: 'Third',
        tags: 'a, b',
        completed: true,
        estimatedHours: 2.5,
        changes: [{ field: 'status', oldValue: 'Todo' }],
      },
    ],
    comments: [{ id: 'T-1-C-1', todoId: 'T-1', type: 'note', content: 'y' }],
    nextTaskNumber: 4,
    project: { name: 'project' },
  },
  null,
  2,
);

/** One handoff as exarp-go writes it, and one as its predecessor did. */
export const HANDOFFS_JSON = JSON.stringify({
  handoffs: [
    {
      ...{
        id: 'handoff-1795400000',
        timestamp: '2026-11-23T09:00:00Z',
        host: 'here',
        summary: 'Half done',
        blockers: null,
      },
      ...{
        next_steps: ['Go on'],
        git_status: { branch: 'main', uncommitted_files: 2, changed_files: ['a.ts'] },
        status: 'closed',
      },
      ...{
        tasks_in_progress: [{ id: 'T-1', content: 'First', status: 'In Progress' }],
        task_journal: [{ id: 'T-1', action: 'x' }],
      },
    },
    {
      ...{
        timestamp: '2025-12-01T10:00:00.123456',
        host: 'there',
        summary: 'Older',
        tasks_completed_today: [{ id: 'T-2', name: 'Two' }],
      },
      ...{
        warnings: ['w'],
        git_status: { ahead_of_remote: 1, needs_push: true },
        tasks_unassigned: 3,
      },
    },
  ],
  version: 1,
});
