import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { Task } from '../../src/core/task.ts';
import { SnapshotReader } from '../../src/store/snapshot-reader.ts';
import { readTasks } from '../../src/store/sqlite-reader.ts';
import { systemClock } from '../../src/store/system-clock.ts';
import { createBacklog } from '../support/fixture.ts';
import { findSqliteNode, plainNodeEnv } from '../support/sqlite-node.ts';
import { SQL, folderFor, open, until } from '../support/stores.ts';

/** Longer runs by hand: `LIVE_WRITER_SECONDS=30`. */
const SECONDS = Number(process.env['LIVE_WRITER_SECONDS'] ?? 2);
const TASKS = 60;
const SUM = TASKS * 1000;

/**
 * Commits as fast as it can: moves an amount between the versions of two tasks (the sum stays), hands one tag and one lock
 * on, counts the commits in the version of `counter`, and tells the count. In between it rolls back, spills, checkpoints.
 */
const WRITER = `
const { DatabaseSync } = require('node:sqlite');
const [file, checkpoint, reopen, pauseMs] = [process.argv[1], ...process.argv.slice(2).map(Number)];
let db;
const open = () => {
  db = new DatabaseSync(file);
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF; PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = ' + checkpoint);
};
const any = (n) => Math.floor(Math.random() * n);
const step = (i) => {
  const [a, b, amount] = [any(${TASKS}), any(${TASKS}), any(50)];
  db.exec('BEGIN IMMEDIATE');
  db.prepare("UPDATE tasks SET version = version - ? WHERE id = ?").run(amount, 'T-' + a);
  if (i % 7 === 0) db.prepare("UPDATE tasks SET long_description = hex(zeroblob(?))").run(any(900));
  db.prepare("UPDATE tasks SET version = version + ? WHERE id = ?").run(amount, 'T-' + b);
  if (i % 11 === 0) return db.exec('ROLLBACK');
  db.exec("DELETE FROM task_tags WHERE tag = 'token'; UPDATE tasks SET assignee = NULL WHERE assignee IS NOT NULL");
  db.prepare("INSERT INTO task_tags VALUES (?, 'token')").run('T-' + b);
  db.prepare("UPDATE tasks SET assignee = 'holder' WHERE id = ?").run('T-' + b);
  db.exec("UPDATE tasks SET version = version + 1 WHERE id = 'counter'");
  db.exec('COMMIT');
  if (i % 97 === 0) db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  if (i % 211 === 0) db.exec('VACUUM');
};
open();
let [i, going] = [0, true];
process.stdin.on('data', () => { going = false; }).on('end', () => { going = false; });
const turn = () => {
  if (!going) { db.close(); return process.exit(0); }
  for (let n = 0; n < (pauseMs ? 1 : 5); n++) step(++i);
  const { version } = db.prepare("SELECT version FROM tasks WHERE id = 'counter'").get();
  process.stdout.write(version + '\\n');
  if (reopen && i % reopen === 0) { db.close(); open(); }
  pauseMs ? setTimeout(turn, pauseMs) : setImmediate(turn);
};
turn();
`;

/** What is wrong with tasks that one transaction cannot have left; undefined where nothing is. */
function mixtureIn(tasks: readonly Task[]): string | undefined {
  const counted = tasks.filter((task) => task.id !== 'counter');
  if (counted.length !== TASKS) return `${counted.length} tasks`;
  const sum = counted.reduce((all, task) => all + task.version, 0);
  if (sum !== SUM) return `sum ${sum}`;
  const tagged = counted.filter((task) => task.tags.includes('token')).map((task) => task.id);
  const held = counted.filter((task) => task.lock !== undefined).map((task) => task.id);
  if (countOf(tasks) === 0) return undefined;
  return tagged.length === 1 && held.length === 1 && tagged[0] === held[0]
    ? undefined
    : `tag ${tagged.join()}, lock ${held.join()}`;
}

function countOf(tasks: readonly Task[]): number {
  return tasks.find((task) => task.id === 'counter')?.version ?? NaN;
}

interface Writer extends AsyncDisposable {
  /** The last count of commits that the writer has told. */
  readonly told: () => number;
  stop(): Promise<void>;
}

function startWriter(file: string, checkpoint: number, reopen: number, pauseMs: number): Writer {
  const child = spawn(findSqliteNode(), ['-e', WRITER, file, String(checkpoint), String(reopen), String(pauseMs)], {
    env: plainNodeEnv(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let told = 0;
  createInterface({ input: child.stdout }).on('line', (line) => (told = Number(line)));
  const stop = async (): Promise<void> => {
    child.stdin.end();
    const [code] = (await exited) as [number | null];
    assert.equal(code, 0, 'the writer had no trouble');
  };
  return { told: () => told, stop, [Symbol.asyncDispose]: stop };
}

async function storeFor(t: Parameters<typeof folderFor>[0]): Promise<{ readonly root: string; readonly file: string }> {
  const root = folderFor(t);
  const ids = ['counter', ...Array.from({ length: TASKS }, (_, i) => `T-${i}`)];
  const tasks = ids.map((id) => ({ id, row: { version: id === 'counter' ? 0 : 1000 } }));
  return { root, file: await createBacklog(root, { tasks }) };
}

const modes: readonly [name: string, checkpoint: number, reopen: number][] = [
  ['checkpoints after 1000 pages', 1000, 0],
  ['checkpoints all the time', 20, 0],
  ['opens and closes the database all the time', 1000, 20],
];
for (const [name, checkpoint, reopen] of modes) {
  test(`beside a writer that ${name}, no snapshot is mixed or older than one before`, async (t) => {
    const { file } = await storeFor(t);
    const reader = new SnapshotReader(file, systemClock);
    t.after(() => reader.dispose());
    let [reads, same, busy, last] = [0, 0, 0, 0];
    {
      await using writer = startWriter(file, checkpoint, reopen, 0);
      const end = performance.now() + SECONDS * 1000;
      while (performance.now() < end || reads < 10) {
        const committed = writer.told();
        if (await reader.isUnchanged()) {
          same++;
          assert.ok(last >= committed, `"unchanged" at ${last}, with ${committed} committed`);
        } else {
          const image = await reader.read();
          if (image.kind === 'fault' && image.fault.cause === 'busy') {
            busy++;
            continue;
          }
          if (image.kind !== 'image') assert.fail(JSON.stringify(image));
          const content = readTasks(SQL, image.bytes, 'project');
          if (!content.ok) assert.fail(JSON.stringify(content));
          assert.equal(mixtureIn(content.value.tasks), undefined);
          const count = countOf(content.value.tasks);
          assert.ok(count >= last && count >= committed, `${count} after ${last}, with ${committed} committed`);
          last = count;
          reads++;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    t.diagnostic(`${reads} snapshots of ${last} commits, ${same} times unchanged, ${busy} times busy`);
  });
}

test('a backlog that follows a busy writer shows only whole states, in their order, to the last one', async (t) => {
  const { root, file } = await storeFor(t);
  const source = open(t, root);
  let [states, last] = [0, -1];
  const wrong: unknown[] = [];
  source.onDidChange(() => {
    if (source.state.kind !== 'ready') return void wrong.push(source.state);
    const { tasks } = source.state.snapshot;
    const [mixture, count] = [mixtureIn(tasks), countOf(tasks)];
    if (mixture !== undefined || count < last) wrong.push({ mixture, count, last });
    [states, last] = [states + 1, count];
  });
  const writer = startWriter(file, 20, 0, 2);
  await until(source, () => states > 40, 20_000);
  await writer.stop();
  await source.refresh();
  assert.deepEqual(wrong, []);
  assert.equal(last, writer.told());
});
