import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failure } from '../../src/core/failure.ts';
import { createBacklog, nativeWriter, type SqlRow } from '../support/fixture.ts';
import { bundleWriter } from '../support/writer-rig.ts';
import { proofOf, type Run } from './proof.ts';
import { startProgram, type Program } from './program.ts';

/**
 * What a client of `race-client-program.ts` is to do; one without a script does nothing, and is
 * what others are held against.
 */
export interface RaceClient {
  readonly file: string;
  readonly script?: string;
  readonly holder: string;
  readonly seed: number;
  readonly ids: readonly string[];
  readonly inFlight: number;
  /**
   * One task by one, where not given; several at a time, all of them or none; or whatever is ready
   * next.
   */
  readonly way?: 'one' | 'several' | 'next';
  /** As a window has it where not given. */
  readonly deadlineMs?: number;
}

/** One call of `claim`, and what it answered; times are epoch ms. */
export interface Attempt {
  readonly id: string;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly outcome:
    | {
        readonly kind: 'ok';
        readonly holder: string;
        readonly until: number;
        readonly fresh: boolean;
      }
    | Failure;
}

export interface RaceReport {
  /** Of the way `one`. */
  readonly attempts: readonly Attempt[];
  /** Of the other ways: the tasks that it was told to have, and why it was refused others. */
  readonly got: readonly string[];
  readonly refused: readonly Failure[];
  /** The longest time that its event loop stood still, for whatever reason, in ms. */
  readonly blockedMs: number;
  /** How many lines the writer wrote into its log: one per process that it started. */
  readonly processes: number;
}

/** What `lock-holder-program.ts` does; ranges in ms, inclusive. */
export interface LockHolder {
  readonly file: string;
  readonly seed: number;
  readonly holdMs: readonly [number, number];
  readonly pauseMs: readonly [number, number];
  readonly turns: number;
}

interface Size {
  readonly clients: number;
  readonly tasks: number;
  readonly longHoldMs: number;
  /**
   * Undefined is what a window has; more where the machine may be slow, which is not what is to be
   * found.
   */
  readonly deadlineMs?: number;
}

export const races = proofOf<Size>({
  name: 'races',
  about:
    'of many who claim the same tasks each gets what it was told, once, and waiting for it blocks no event loop',
  short: { clients: 4, tasks: 150, longHoldMs: 1_500, deadlineMs: 120_000 },
  full: { clients: 8, tasks: 2_000, longHoldMs: 3_000 },
  run: async (run) => {
    await raceForTasks(run);
    await raceForSeveral(run);
    await waitForLongLock(run);
  },
});

/** All against all, and against somebody who holds the database for random times. */
async function raceForTasks({ size, seed, folder, say }: Run<Size>): Promise<void> {
  const { file, script, ids } = await prepare(folder, 'race', size.tasks);
  const clients = Array.from({ length: size.clients }, (_, n): RaceClient => {
    return {
      ...{ file, script, ids },
      holder: `vscode-here-${n + 1}`,
      seed: seed + n,
      inFlight: 1 + (n % 8),
      ...deadlineOf(size),
    };
  });
  const others: readonly LockHolder[] = [
    { file, seed, holdMs: [1, 400], pauseMs: [5, 250], turns: Number.MAX_SAFE_INTEGER },
  ];
  const begun = performance.now();
  const { reports, control } = await runAll(clients, others);
  const ms = performance.now() - begun;
  writeFileSync(join(folder, 'reports.json'), JSON.stringify(reports));
  const rows = await rowsOf(join(folder, 'race'));

  const owners = new Map(rows.map((row) => [row['id'] as string, row]));
  const attempts = reports.flatMap((report, n) =>
    report.attempts.map((attempt) => ({ ...attempt, by: clients[n]!.holder })),
  );
  const wins = attempts.filter(({ outcome }) => outcome.kind === 'ok');
  const held = attempts.filter(({ outcome }) => outcome.kind === 'held');
  const others_ = attempts.filter(
    ({ outcome }) => outcome.kind !== 'ok' && outcome.kind !== 'held',
  );
  assert.deepEqual(
    others_,
    [],
    'a claim ended otherwise than by getting the task or hearing who has it',
  );
  assert.equal(attempts.length, size.clients * size.tasks);
  for (const { id, by, outcome } of attempts) {
    const row = owners.get(id) ?? assert.fail(id);
    if (outcome.kind === 'ok') {
      assert.deepEqual([outcome.holder, outcome.fresh], [by, true]);
      assert.equal(row['assignee'], by, `${id}: ${by} was told that it has it`);
    }
    // Nobody lets go in this race, so who has it now is who had it then.
    if (outcome.kind === 'held')
      assert.equal(outcome.holder, row['assignee'], `${id}: ${by} was told who has it`);
    if (outcome.kind === 'ok' || outcome.kind === 'held')
      assert.equal(outcome.until, Number(row['lock_until']) * 1000);
  }
  assert.equal(wins.length, size.tasks, 'each task was won once');
  for (const row of rows)
    assert.deepEqual([row['version'], row['status']], [2, 'In Progress'], JSON.stringify(row));
  assert.ok(
    reports.every((report) => report.attempts.some(({ outcome }) => outcome.kind === 'ok')) ||
      size.tasks < 500,
  );

  const waits = attempts.map(({ beganAt, endedAt }) => endedAt - beganAt).sort((a, b) => a - b);
  say(
    `${size.clients} processes claimed ${size.tasks} tasks in ${(ms / 1000).toFixed(1)} s: ${wins.length} got, ${held.length} ` +
      `held by the one named, 0 twice, 0 locked out (seed ${seed}); a call took ${at(waits, 0.5)} ms, p99 ${at(waits, 0.99)}, at most ${at(waits, 1)}`,
  );
  const blocked = Math.max(...reports.map(({ blockedMs }) => blockedMs));
  say(
    `event loops stood still for at most ${blocked.toFixed(0)} ms, that of a process that did nothing for ${control.toFixed(0)} ms`,
  );
}

/** Half of them take five tasks at a time or none, half of them whatever is next. */
async function raceForSeveral({ size, seed, folder, say }: Run<Size>): Promise<void> {
  const { file, script, ids } = await prepare(folder, 'several', size.tasks);
  const clients = Array.from({ length: size.clients }, (_, n): RaceClient => {
    const way = n % 2 === 0 ? 'several' : 'next';
    return {
      ...{ file, script, ids, way },
      holder: `vscode-here-${n + 1}`,
      seed: seed + n,
      inFlight: 2,
      ...deadlineOf(size),
    };
  });
  const holder: LockHolder = {
    file,
    seed,
    holdMs: [1, 100],
    pauseMs: [50, 400],
    turns: Number.MAX_SAFE_INTEGER,
  };
  const { reports } = await runAll(clients, [holder]);
  writeFileSync(join(folder, 'several.json'), JSON.stringify(reports));
  const rows = await rowsOf(join(folder, 'several'));
  const owners = new Map(rows.map((row) => [row['id'] as string, row['assignee']]));
  for (const row of rows)
    assert.deepEqual([row['version'], row['status']], [2, 'In Progress'], JSON.stringify(row));
  let [batches, refusals] = [0, 0];
  for (const [n, { got, refused }] of reports.entries()) {
    const { holder: name, way } = clients[n]!;
    // Neither more than it was told, as of a batch that failed in its middle, nor less.
    assert.deepEqual(
      got.toSorted(),
      [...owners]
        .filter(([, owner]) => owner === name)
        .map(([id]) => id)
        .toSorted(),
    );
    for (const failure of refused) {
      if (way === 'next') assert.equal(failure.kind, 'nothingReady', JSON.stringify(failure));
      else
        assert.ok(
          failure.kind === 'held' && failure.holder === owners.get(failure.id),
          JSON.stringify(failure),
        );
    }
    if (way === 'several')
      [batches, refusals] = [batches + got.length / 5, refusals + refused.length];
  }
  say(
    `the same, five at a time and whatever is next: ${rows.length} tasks taken once, ${batches} batches whole and ${refusals} refused whole`,
  );
}

const BLOCKED_MS = 50;
const TRIES = 5;

/**
 * One who holds the database for seconds, and one who wants a task of it: here the machine has time
 * for everybody. Whatever the store does to its event loop it does each time, so one try out of
 * several in which nobody else was in the way decides; where a process that does nothing stands
 * still as well, that is no fault of the store.
 */
async function waitForLongLock({ size, seed, folder, say }: Run<Size>): Promise<void> {
  const tries: string[] = [];
  for (let n = 0; n < TRIES; n++) {
    const { file, script, ids } = await prepare(folder, `wait-${n}`, 20);
    const holder: LockHolder = {
      file,
      seed,
      holdMs: [size.longHoldMs, size.longHoldMs],
      pauseMs: [0, 0],
      turns: 1,
    };
    const client: RaceClient = {
      file,
      script,
      ids,
      holder: 'vscode-here-1',
      seed,
      inFlight: 4,
      ...deadlineOf(size),
    };
    const { reports, control } = await runAll([client], [holder]);
    const { attempts, blockedMs } = reports[0] ?? assert.fail();
    assert.deepEqual(
      attempts.filter(({ outcome }) => outcome.kind !== 'ok'),
      [],
    );
    const waited = Math.max(...attempts.map(({ beganAt, endedAt }) => endedAt - beganAt));
    assert.ok(
      waited >= size.longHoldMs * 0.8,
      `a claim came after ${waited} ms, with the lock held ${size.longHoldMs}`,
    );
    tries.push(`${blockedMs.toFixed(0)} (doing nothing: ${control.toFixed(0)})`);
    if (blockedMs > Math.max(BLOCKED_MS, 2 * control)) continue;
    say(
      `with the database held for ${size.longHoldMs} ms all ${ids.length} claims came after it; event loop blocked ${tries.join(', ')} ms`,
    );
    return;
  }
  assert.fail(
    `the event loop stood still for ${tries.join(', ')} ms, with the lock held ${size.longHoldMs} ms`,
  );
}

/**
 * Starts everybody, lets them begin at one moment, and waits for their reports; `control` is that
 * of one that does nothing.
 */
async function runAll(
  clients: readonly RaceClient[],
  others: readonly LockHolder[],
): Promise<{ readonly reports: readonly RaceReport[]; readonly control: number }> {
  const idle = { file: '', holder: '', seed: 0, ids: [], inFlight: 0 } satisfies RaceClient;
  const programs = [...clients, idle].map((client) =>
    startProgram('race-client-program.ts', client),
  );
  const holders: Program[] = [];
  try {
    for (const program of programs) assert.equal(await program.next(), 'ready');
    for (const other of others) {
      const holder = startProgram('lock-holder-program.ts', other);
      holders.push(holder);
      assert.equal(await holder.next(), 'holds');
    }
    for (const program of programs) program.tell('begin');
    const reports = await Promise.all(
      programs.slice(0, -1).map(async (each) => parse(await each.next())),
    );
    programs.at(-1)?.tell('end');
    const control = parse((await programs.at(-1)?.next()) ?? '');
    for (const holder of holders) await holder.end();
    return { reports, control: control.blockedMs };
  } finally {
    for (const each of [...programs, ...holders]) await each.kill('SIGKILL');
  }
}

function deadlineOf({ deadlineMs }: Size): Pick<RaceClient, 'deadlineMs'> {
  return deadlineMs === undefined ? {} : { deadlineMs };
}

async function prepare(
  folder: string,
  name: string,
  tasks: number,
): Promise<{ readonly file: string; readonly script: string; readonly ids: readonly string[] }> {
  const ids = Array.from({ length: tasks }, (_, index) => `T-${index + 1}`);
  const file = await createBacklog(join(folder, name), {
    tasks: ids.map((id) => ({ id })),
    sql: ['CREATE TABLE held (turn)', 'INSERT INTO held VALUES (0)'],
  });
  return { file, script: await bundleWriter(join(folder, name)), ids };
}

async function rowsOf(root: string): Promise<SqlRow[]> {
  await using native = await nativeWriter(root);
  assert.deepEqual(await native.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
  return await native.all('SELECT id, status, assignee, lock_until, version FROM tasks');
}

function parse(line: string): RaceReport {
  return JSON.parse(line) as RaceReport;
}

/** The value below which this part of a sorted list lies. */
function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}
