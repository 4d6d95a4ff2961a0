import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { SCHEMA } from '../../src/store/write/schema.ts';
import { findSqliteNode, plainNodeEnv } from './sqlite-node.ts';

/** A value of a column; a blob comes back as `{ hex }`. */
export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, SqlValue | { readonly hex: string }>>;

/**
 * One task of a fixture; what is left out gets the value that exarp-go would write. Times are epoch
 * ms.
 */
export interface TaskSpec {
  readonly id: string;
  readonly content?: string;
  readonly description?: string;
  readonly status?: string;
  readonly priority?: string;
  /** Need not exist. */
  readonly deps?: readonly string[];
  readonly tags?: readonly string[];
  readonly parentId?: string;
  readonly lock?: { readonly holder: string; readonly since?: number; readonly until?: number };
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly created?: string;
  /** Columns as the database has them, over everything above; null is NULL. */
  readonly row?: Readonly<Record<string, SqlValue>>;
}

export interface BacklogSpec {
  readonly tasks: readonly TaskSpec[];
  /** The `project_id` of every task; the name of the folder where not given. */
  readonly project?: string;
  /** In place of the full schema, e.g. that of an older exarp-go. */
  readonly schema?: readonly string[];
  /** Run last, with foreign keys off. */
  readonly sql?: readonly string[];
}

/**
 * Makes `<dir>/.todo2/todo2.db` in WAL mode, through a child process, and answers its path. Rejects
 * where it exists. Dependencies on tasks that do not exist are stored as they are.
 */
export async function createBacklog(dir: string, spec: BacklogSpec): Promise<string> {
  mkdirSync(join(dir, '.todo2'), { recursive: true });
  const file = join(dir, '.todo2', 'todo2.db');
  if (existsSync(file)) throw new Error(`A backlog is there already: ${file}`);
  await using writer = await openNative(file, true);
  await writer.exec('PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE');
  for (const statement of spec.schema ?? SCHEMA) await writer.exec(statement);
  const project = spec.project ?? basename(dir);
  await writer.runMany(spec.tasks.flatMap((task) => insertsFor(task, project)));
  for (const statement of spec.sql ?? []) await writer.exec(statement);
  await writer.exec('COMMIT');
  return file;
}

/**
 * A separate process that has the database of `dir` open and does what a test says: the "other
 * process" of the tests.
 */
export async function nativeWriter(dir: string): Promise<NativeWriter> {
  return openNative(join(dir, '.todo2', 'todo2.db'), false);
}

type Statement = readonly [sql: string, ...values: SqlValue[]];

export interface NativeWriter extends AsyncDisposable {
  readonly pid: number;
  /** Runs statements without parameters or answer, e.g. `BEGIN IMMEDIATE`. */
  exec(sql: string): Promise<void>;
  /** Runs one statement; answers how many rows it changed. */
  run(sql: string, ...values: SqlValue[]): Promise<number>;
  runMany(statements: readonly Statement[]): Promise<void>;
  all(sql: string, ...values: SqlValue[]): Promise<SqlRow[]>;
  /** Closes the connection (the last one to close checkpoints the WAL) and ends the process. */
  close(): Promise<void>;
  /** Ends the process as a crash does: nothing is closed or rolled back by it. */
  kill(): Promise<void>;
}

// Runs under any Node with node:sqlite, one JSON request per line. Text, not a file, so that a
// bundled test has it too.
const SCRIPT = `
const { DatabaseSync } = require('node:sqlite');
const db = new DatabaseSync(process.argv[1]);
db.exec('PRAGMA busy_timeout = 30000');
const plain = (row) => Object.fromEntries(Object.entries(row).map(([k, v]) =>
  [k, v instanceof Uint8Array ? { hex: Buffer.from(v).toString('hex') } : v]));
const asLine = (value) => JSON.stringify(value).replace(/[\\u2028\\u2029]/g, (c) => c === '\\u2028' ? '\\\\u2028' : '\\\\u2029') + '\\n';
const does = {
  exec: ([sql]) => db.exec(sql),
  run: ([sql, ...values]) => Number(db.prepare(sql).run(...values).changes),
  runMany: (list) => { for (const [sql, ...values] of list) db.prepare(sql).run(...values); },
  all: ([sql, ...values]) => db.prepare(sql).all(...values).map(plain),
  close: () => db.close(),
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, op, args } = JSON.parse(line);
  let answer;
  try { answer = { id, value: does[op](args) ?? null }; } catch (error) { answer = { id, error: error.message }; }
  process.stdout.write(asLine(answer), () => { if (op === 'close') process.exit(0); });
}).on('close', () => process.exit(0));
process.stdout.write(JSON.stringify({ id: 0, value: null }) + '\\n');
`;

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

async function openNative(file: string, create: boolean): Promise<NativeWriter> {
  if (!create && !existsSync(file)) throw new Error(`No such database: ${file}`);
  const child = spawn(findSqliteNode(), ['-e', SCRIPT, file], {
    env: plainNodeEnv(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // what is written to a dead child is rejected by its exit
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer;
    const request = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.error === undefined) request?.resolve(answer.value);
    else request?.reject(new Error(answer.error));
  });
  const ended = new Promise<void>((resolve) => {
    const end = (reason: string): void => {
      for (const { reject } of waiting.values()) reject(new Error(reason));
      waiting.clear();
      resolve();
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) =>
      end(`The native writer ended (${code ?? signal ?? '?'}). ${stderr}`),
    );
  });

  let last = 0;
  const expect = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  const ask = (op: string, args: readonly unknown[]): Promise<unknown> => {
    if (child.exitCode !== null || child.signalCode !== null) {
      return Promise.reject(new Error('The native writer has ended.'));
    }
    const id = ++last;
    child.stdin.write(asLine({ id, op, args }));
    return expect(id);
  };
  await expect(0);

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      if (child.exitCode === null && child.signalCode === null) await ask('close', []);
      await ended;
    })());
  return {
    pid: child.pid ?? 0,
    exec: async (sql) => {
      await ask('exec', [sql]);
    },
    run: async (sql, ...values) => (await ask('run', [sql, ...values])) as number,
    runMany: async (statements) => {
      await ask('runMany', statements);
    },
    all: async (sql, ...values) => (await ask('all', [sql, ...values])) as SqlRow[],
    close,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Newer versions of readline end a line at U+2028 and U+2029 too. */
function asLine(value: unknown): string {
  const json = JSON.stringify(value)
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  return `${json}\n`;
}

function insertsFor(task: TaskSpec, project: string): Statement[] {
  const created = task.created ?? '2026-01-05T09:00:00+00:00';
  const done = task.status === 'Done';
  const { lock } = task;
  const row: Record<string, SqlValue> = {
    id: task.id,
    name: '',
    content: task.content ?? `Task ${task.id}`,
    long_description: task.description ?? '',
    status: task.status ?? 'Todo',
    priority: task.priority ?? 'medium',
    completed: done ? 1 : 0,
    created,
    last_modified: created,
    completed_at: done ? created : '',
    project_id: project,
    metadata: task.metadata === undefined ? '' : JSON.stringify(task.metadata),
    metadata_format: 'json',
    version: 1,
    ...(task.parentId === undefined ? {} : { parent_id: task.parentId }),
    ...(lock === undefined
      ? {}
      : {
          assignee: lock.holder,
          assigned_at: seconds(lock.since),
          lock_until: seconds(lock.until),
        }),
    ...task.row,
  };
  const columns = Object.keys(row);
  return [
    [
      `INSERT INTO tasks (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      ...Object.values(row),
    ],
    ...(task.tags ?? []).map((tag): Statement => [
      'INSERT INTO task_tags VALUES (?, ?)',
      task.id,
      tag,
    ]),
    ...(task.deps ?? []).map((dep): Statement => [
      'INSERT INTO task_dependencies VALUES (?, ?)',
      task.id,
      dep,
    ]),
  ];
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1000);
}
