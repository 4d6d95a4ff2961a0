import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openBacklog } from '../../src/store/read/backlog-source.ts';
import { SnapshotReader } from '../../src/store/read/snapshot-reader.ts';
import { loadSqlJs } from '../../src/store/read/sql-js.ts';
import { readTasks } from '../support/read-tasks.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { createBacklog, nativeWriter, type TaskSpec } from '../support/fixture.ts';
import { findSqliteNode, plainNodeEnv } from '../support/sqlite-node.ts';
import { median, seededRandom, type Row } from './bench.ts';

export const title = 'Loading and refreshing a backlog';
export const needs = 'sqlite';

const REFERENCE = 'node:sqlite, rows as arrays';

/**
 * Ours is everything from the files to checked tasks: database and log are read and merged, every
 * column is read and checked. A refresh goes from the commit to the new snapshot that views are
 * given. The reference selects the same columns, tags and dependencies as arrays and makes nothing
 * of them.
 *
 * The reference runs, and takes its times, in a process of its own: where bytes are read, no SQLite
 * may have the file open.
 */
export async function run(): Promise<readonly Row[]> {
  const wasmFile = createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm');
  const SQL = await loadSqlJs(wasmFile);
  const rows: Row[] = [];
  for (const size of [600, 10_000, 100_000]) {
    const root = mkdtempSync(join(tmpdir(), 'todo2-bench-'));
    const file = await createBacklog(root, { tasks: tasksOf(size), project: 'bench' });
    const reader = new SnapshotReader(file, systemClock);
    const writer = await nativeWriter(root);
    const native = startNative(file);
    // Looks when it is told to, and never by itself.
    const clock = { now: () => systemClock.now(), after: () => ({ dispose: () => undefined }) };
    const source = openBacklog(root, { wasmFile, clock, watch: false });
    try {
      await writer.exec('PRAGMA wal_autocheckpoint = 0');
      await writer.run(`UPDATE tasks SET priority = 'high' WHERE rowid % 20 = 0`);
      const load = async (): Promise<void> => {
        const image = await reader.read();
        if (image.kind !== 'image') throw new Error(image.kind);
        const content = readTasks(SQL, image.bytes, 'bench');
        if (!content.ok) throw new Error(content.failure.detail);
        const { length } = content.value.tasks;
        if (length !== size) throw new Error(`Internal error: ${length} of ${size} tasks`);
      };
      let next = 0;
      const commit = (): Promise<unknown> =>
        writer.run(
          `UPDATE tasks SET status = 'Review', version = version + 1 WHERE rowid = ?`,
          ++next,
        );
      const refresh = async (): Promise<void> => {
        const before = source.state;
        await source.refresh();
        if (source.state === before) throw new Error('Internal error: the commit was not seen');
      };
      const probe = async (): Promise<void> => {
        if (!(await reader.isUnchanged())) throw new Error('Internal error: a change that is none');
      };
      const rounds = { 600: { runs: 41, warmUp: 60 }, 10_000: { runs: 15, warmUp: 10 } }[size] ?? {
        runs: 7,
        warmUp: 3,
      };
      const many = { runs: 41, warmUp: 40 };
      const add = async (what: string, aim: string, sides: Sides, times = rounds): Promise<void> =>
        void rows.push({
          what,
          size,
          ...(await compareApart(sides, times)),
          reference: sides.reference,
          aim,
        });
      await add('load', size === 600 ? 'at most 3x' : 'at most 1.5x', {
        ...{ ours: load, theirs: () => native('load'), reference: REFERENCE },
      });
      await source.refresh();
      const aim = 'at most 2 ms, and 3x that of 600 tasks';
      const sides = {
        before: commit,
        ours: refresh,
        theirs: () => native('one'),
        reference: 'node:sqlite, that row by its key',
      };
      await add('refresh after a commit of one task', aim, sides, many);
      await load();
      await add('refresh where nothing is new', 'at most 0.1 ms', {
        ...{ ours: probe, theirs: () => native('version'), reference: 'PRAGMA data_version' },
      });
    } finally {
      source.dispose();
      reader.dispose();
      await native('end');
      await writer.close();
      rmSync(root, { recursive: true, force: true });
    }
  }
  return rows;
}

interface Sides {
  /** Comes before each run of either side, and is not counted. */
  readonly before?: () => Promise<unknown>;
  readonly ours: () => Promise<unknown>;
  /** Answers its own time in ms. */
  readonly theirs: () => Promise<number>;
  readonly reference: string;
}

/** By turns, as whatever else the machine does has to hit both. */
async function compareApart(
  { before, ours, theirs }: Sides,
  { runs, warmUp }: { readonly runs: number; readonly warmUp: number },
): Promise<Pick<Row, 'ours' | 'referenceMs'>> {
  const times: [ours: number[], theirs: number[]] = [[], []];
  globalThis.gc?.();
  for (let round = 0; round < warmUp + runs; round++) {
    await before?.();
    const start = performance.now();
    await ours();
    const took = performance.now() - start;
    const their = await theirs();
    if (round < warmUp) continue;
    times[0].push(took);
    times[1].push(their);
  }
  return { ours: median(times[0]), referenceMs: median(times[1]) };
}

const NATIVE = `
const { DatabaseSync } = require('node:sqlite');
const db = new DatabaseSync(process.argv[1], { readOnly: true });
const statement = (sql) => { const each = db.prepare(sql); each.setReturnArrays(true); return each; };
const columns = 'id, name, content, long_description, status, priority, completed, created, last_modified, completed_at, created_at,'
  + ' updated_at, project_id, metadata, metadata_format, version, assignee, assigned_at, lock_until, parent_id, estimated_hours';
const all = [statement('SELECT ' + columns + ' FROM tasks'), statement('SELECT task_id, tag FROM task_tags'),
  statement('SELECT task_id, depends_on_id FROM task_dependencies')];
const one = statement('SELECT ' + columns + ' FROM tasks WHERE rowid = ?');
const version = statement('PRAGMA data_version');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const start = performance.now();
  if (line === 'load') all.map((each) => each.all());
  else if (line === 'one') one.get(1);
  else version.get();
  process.stdout.write(performance.now() - start + '\\n');
}).on('close', () => process.exit(0));
`;

function startNative(file: string): (what: 'load' | 'one' | 'version' | 'end') => Promise<number> {
  const child = spawn(findSqliteNode(), ['-e', NATIVE, file], {
    env: plainNodeEnv(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers: ((ms: number) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => answers.shift()?.(Number(line)));
  const exit = new Promise<number>((resolve) => child.on('exit', () => resolve(0)));
  return (what) => {
    if (what === 'end') {
      child.stdin.end();
      return exit;
    }
    child.stdin.write(`${what}\n`);
    return new Promise((resolve) => answers.push(resolve));
  };
}

/**
 * Texts of the length that real backlogs have: a title of a line, most tasks with a description of
 * some paragraphs.
 */
function tasksOf(size: number): TaskSpec[] {
  const random = seededRandom(size);
  return Array.from({ length: size }, (_, i) => ({
    id: `T-${1_700_000_000_000 + i}`,
    content: `Task ${i}: ${'word '.repeat(4 + random() * 8)}`,
    description: 'A sentence of the description. '.repeat(random() * 40),
    priority: ['high', 'medium', 'low'][Math.floor(random() * 3)] ?? 'low',
    tags: ['backend', 'docs', 'tests'].filter(() => random() < 0.6),
    deps:
      i === 0
        ? []
        : [...new Set([0, 1].map(() => `T-${1_700_000_000_000 + Math.floor(random() * i)}`))],
    metadata: { discovered_from: 'docs/NOTES.md', estimatedHours: Math.ceil(random() * 8) },
  }));
}
