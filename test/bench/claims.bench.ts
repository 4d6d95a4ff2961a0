import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { taskId, type TaskId } from '../../src/core/task.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { Writer } from '../../src/store/write/writer-client.ts';
import { createBacklog } from '../support/fixture.ts';
import { findSqliteNode, plainNodeEnv } from '../support/sqlite-node.ts';
import { bundleWriter } from '../support/writer-rig.ts';
import { median, type Row } from './bench.ts';

export const title = 'Claiming tasks';
export const needs = 'sqlite';

const TASKS = 600;
const BATCH = 200;
const ROUNDS = 12;
const WARM_UP = 3;
const REFERENCE = 'the same statements in one process, node:sqlite';

/**
 * Ours is a call of a window until it has its answer: through the writer process and back. The
 * reference runs the statements of the same transaction on a connection of its own, with the same
 * pragmas, and takes its times itself.
 */
export async function run(): Promise<readonly Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'todo2-bench-'));
  const ids = Array.from({ length: TASKS }, (_, n) => taskId(`T-${n}`));
  const file = await createBacklog(root, { tasks: ids.map((id) => ({ id })) });
  const script = await bundleWriter(root);
  const writer = new Writer({
    ...{ file, holder: 'vscode-here-1', script, clock: systemClock, random: Math.random },
    nodes: () => [{ command: findSqliteNode(), args: [] }],
    onStatusWritten: () => undefined,
    log: () => undefined,
  });
  const native = startNative(file);
  try {
    const times = {
      ours: [] as number[],
      theirs: [] as number[],
      inFlight: [] as number[],
      theirBatch: [] as number[],
    };
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const batch = ids.slice((round * BATCH) % TASKS, ((round * BATCH) % TASKS) + BATCH);
      await native('reset', batch);
      const ours = await oneByOne(writer, batch);
      await native('reset', batch);
      const theirs = await native('claim', batch);
      await native('reset', batch);
      const inFlight = await severalAtOnce(writer, batch, 8);
      if (round < WARM_UP) continue;
      times.ours.push(...ours);
      times.theirs.push(...theirs);
      times.inFlight.push(inFlight / BATCH);
      times.theirBatch.push(theirs.reduce((sum, ms) => sum + ms, 0) / BATCH);
    }
    const row = (what: string, ours: number, referenceMs: number, aim: string): Row => {
      return { what, size: TASKS, ours, reference: REFERENCE, referenceMs, aim };
    };
    return [
      row(
        'claim, one after the other: median',
        median(times.ours),
        median(times.theirs),
        'under 1 ms',
      ),
      row(
        'claim, one after the other: 99 of 100 within',
        p99(times.ours),
        p99(times.theirs),
        'under 10 ms',
      ),
      row(
        'claim, 8 in flight: time for each',
        median(times.inFlight),
        median(times.theirBatch),
        'at most 3x',
      ),
    ];
  } finally {
    await writer.close();
    await native('end', []);
    rmSync(root, { recursive: true, force: true });
  }
}

async function oneByOne(writer: Writer, ids: readonly TaskId[]): Promise<number[]> {
  const times: number[] = [];
  for (const id of ids) {
    const begin = performance.now();
    await claim(writer, id);
    times.push(performance.now() - begin);
  }
  return times;
}

async function severalAtOnce(
  writer: Writer,
  ids: readonly TaskId[],
  inFlight: number,
): Promise<number> {
  const waiting = [...ids];
  const begin = performance.now();
  const claimThem = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) await claim(writer, id);
  };
  await Promise.all(Array.from({ length: inFlight }, claimThem));
  return performance.now() - begin;
}

async function claim(writer: Writer, id: TaskId): Promise<void> {
  const claimed = await writer.claim(id, 3_600_000);
  if (!claimed.ok || !claimed.value.fresh) throw new Error(JSON.stringify(claimed));
}

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
}

const NATIVE = `
const { DatabaseSync } = require('node:sqlite');
const db = new DatabaseSync(process.argv[1]);
db.exec('PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON');
const reset = db.prepare("UPDATE tasks SET status = 'Todo', assignee = NULL, assigned_at = NULL, lock_until = NULL WHERE id = ?");
const claim = (id) => {
  const now = Math.floor(Date.now() / 1000);
  db.exec('BEGIN IMMEDIATE');
  const row = db.prepare('SELECT status, assignee, assigned_at, lock_until FROM tasks WHERE id = ?').get(id);
  if (row.assignee !== null) throw new Error('held');
  db.prepare("UPDATE tasks SET assignee = 'general-here-1', assigned_at = ?, lock_until = ?, status = 'In Progress', version = COALESCE(version, 0) + 1, updated_at = ? WHERE id = ?")
    .run(now, now + 3600, now, id);
  db.exec('COMMIT');
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { what, ids } = JSON.parse(line);
  const times = ids.map((id) => {
    const begin = performance.now();
    if (what === 'claim') claim(id); else reset.run(id);
    return performance.now() - begin;
  });
  process.stdout.write(JSON.stringify(times) + '\\n');
}).on('close', () => process.exit(0));
`;

function startNative(
  file: string,
): (what: 'reset' | 'claim' | 'end', ids: readonly TaskId[]) => Promise<readonly number[]> {
  const child = spawn(findSqliteNode(), ['-e', NATIVE, file], {
    env: plainNodeEnv(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers: ((times: readonly number[]) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    answers.shift()?.(JSON.parse(line) as number[]),
  );
  const exit = new Promise<readonly number[]>((resolve) => child.on('exit', () => resolve([])));
  return (what, ids) => {
    if (what === 'end') {
      child.stdin.end();
      return exit;
    }
    child.stdin.write(`${JSON.stringify({ what, ids })}\n`);
    return new Promise((resolve) => answers.push(resolve));
  };
}
