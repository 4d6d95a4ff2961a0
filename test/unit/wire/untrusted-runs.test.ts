import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { trustRuns } from '../../../src/wire/untrusted-runs.ts';
import { formatEntry } from '../../../src/core/run/journal/journal-entry.ts';
import type { RunEvent } from '../../../src/core/run/run-events.ts';
import { storedWorkState, type WorkState } from '../../../src/core/run/journal/work-state.ts';
import { taskId } from '../../../src/core/task.ts';
import { MARK } from '../../../src/agent-process/process-tree.ts';
import { RunTakeover } from '../../../src/wire/run-takeover.ts';
import { processStartTime, isBeginSecret, systemProcesses } from '../../../src/disk/processes.ts';
import { RunJournals } from '../../../src/store/runs/run-journals.ts';
import { systemClock } from '../../../src/store/files/system-clock.ts';
import { startOf } from '../../support/run-stories.ts';
import { isAlive } from '../../support/work-rig.ts';
import { until } from '../../support/until.ts';

const posix = { skip: process.platform === 'win32' };
const linux = { skip: process.platform !== 'linux' };
const RUN = '20261125T023000-a1b2c3';
const HOST = hostname();
const id = taskId('T-1');

/** A process of this machine, in a group of its own, until the test is over. */
function someProcess(
  t: TestContext,
  env: Record<string, string> = {},
): ChildProcess & { readonly pid: number } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    ...{ detached: true, stdio: 'ignore', env: { ...process.env, ...env } },
  });
  t.after(() => child.kill('SIGKILL'));
  return child as ChildProcess & { readonly pid: number };
}

function stateOf(pid: number, more: Partial<WorkState> = {}): WorkState {
  return {
    ...{
      runId: RUN,
      attemptNo: 1,
      taskId: id,
      phase: 'working',
      pid,
      begin: null,
      host: HOST,
      mark: '0'.repeat(32),
    },
    ...{
      holder: `claude-${HOST}-${pid}`,
      agentPid: pid,
      agentBegin: null,
      label: 'x',
      output: 'text',
      startedAt: 1,
    },
    ...{ lastOutputAt: undefined, activity: undefined, end: undefined },
    ...{ sessionId: undefined, sessionUsage: undefined, refusal: undefined },
    ...more,
  };
}

function partsOf(isBegun: boolean, secret = isBeginSecret) {
  const given: string[] = [];
  const found = trustRuns({
    ...{
      pid: process.pid,
      processes: systemProcesses,
      processStartTime,
      isBeginSecret: secret,
      graceMs: 50,
    },
    begun: { has: () => isBegun },
    releaseFor: (holder) => Promise.resolve(void given.push(holder)),
    log: () => undefined,
  });
  return { ...found, given };
}

/** The id of a process that has ended. */
async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid ?? assert.fail('it started');
}

test('of a run from elsewhere, a process that lives is no supervisor unless its beginning shows it', async (t) => {
  const { pid } = someProcess(t);
  const begin = (await processStartTime(pid)) ?? null;
  for (const forged of [null, '', 'boot 1', `${begin} `]) {
    assert.equal(
      await partsOf(false).isAlive(stateOf(pid, { begin: forged })),
      false,
      String(forged),
    );
  }
  assert.equal(await partsOf(false).isAlive(stateOf(1)), false);
  assert.equal(await partsOf(false).isAlive(stateOf(process.pid)), false);
  assert.equal(await partsOf(false).isAlive(stateOf(pid, { begin })), isBeginSecret);
  assert.equal(
    await partsOf(false, false).isAlive(stateOf(pid, { begin })),
    false,
    'a time can be guessed',
  );
  assert.equal(await partsOf(true).isAlive(stateOf(pid)), true, 'Windows tells of no beginning');
  assert.equal(await partsOf(true).isAlive(stateOf(pid, { host: 'another', begin })), false);
});

test(
  'of a run from elsewhere, no process is ended by its id, whatever its beginning',
  posix,
  async (t) => {
    const { pid } = someProcess(t);
    const agentBegin = (await processStartTime(pid)) ?? null;
    await partsOf(false).endOrphan(stateOf(pid, { agentBegin }));
    await partsOf(true).endOrphan(stateOf(pid, { agentBegin, host: 'another' }));
    assert(isAlive(pid));
    await partsOf(true).endOrphan(stateOf(pid, { agentBegin }));
    await until('our own orphan is gone', () => !isAlive(pid));
  },
);

test('an agent is found by its mark, whoever began its run', linux, async (t) => {
  const mark = randomBytes(16).toString('hex');
  const { pid } = someProcess(t, { [MARK]: mark });
  await partsOf(false).endOrphan(stateOf(pid, { mark }));
  await until('it is gone', () => !isAlive(pid));
});

test('this process is never taken for an agent', posix, async () => {
  const agentBegin = (await processStartTime(process.pid)) ?? null;
  await partsOf(true).endOrphan(stateOf(process.pid, { agentBegin }));
});

test('a lock is let go of only where its holder has surely ended', async (t) => {
  const dead = await endedPid();
  const { pid } = someProcess(t);
  const { releaseFor, isAlive: lives, given } = partsOf(true);
  for (const holder of [
    `claude-${HOST}-${pid}`,
    `claude-elsewhere-${dead}`,
    `vscode-${HOST}-${process.pid}`,
    'a person',
    `claude-${HOST}-0`,
  ]) {
    await releaseFor(holder, id);
  }
  assert.deepEqual(given, []);
  await releaseFor(`claude-${HOST}-${dead}`, id);
  assert.deepEqual(given, [`claude-${HOST}-${dead}`]);
  // Its id was given to another process meanwhile, which the beginning shows.
  assert.equal(await lives(stateOf(pid, { begin: 'long ago' })), process.platform === 'win32');
  await releaseFor(`claude-${HOST}-${pid}`, id);
  assert.deepEqual(given.slice(1), process.platform === 'win32' ? [] : [`claude-${HOST}-${pid}`]);
});

test('a state that was made up does not make the lock of a living process one that was left behind', async (t) => {
  const { pid } = someProcess(t);
  const { releaseFor, isAlive: lives, given } = partsOf(false);
  assert.equal(await lives(stateOf(pid, { begin: 'long ago' })), false);
  await releaseFor(`claude-${HOST}-${pid}`, id);
  assert.deepEqual(given, []);
});

test('a folder that was downloaded with runs in it starts nothing, ends nothing and takes no lock', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'todo2-found-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const victim = someProcess(t);
  const begin = (await processStartTime(victim.pid)) ?? null;
  const runs = join(root, '.todo2', 'waves', 'runs');
  const forged: readonly [runId: string, state: Partial<WorkState> | undefined][] = [
    ['20260101T000000-aaaaaa', stateOf(1)],
    ['20260101T000000-bbbbbb', stateOf(victim.pid)],
    ['20260101T000000-cccccc', stateOf(victim.pid, { begin: 'long ago', agentBegin: begin })],
    ['20260101T000000-dddddd', undefined],
  ];
  for (const [runId, state] of forged) {
    const about = { runId, id };
    const events: RunEvent[] = [
      startOf(runId, [['T-1', 'T-2']], { at: Date.now() }),
      { kind: 'taskStarting', ...about, attemptNo: 1, tryNo: 1, at: 1 },
      { kind: 'taskClaimed', ...about, holder: `claude-${HOST}-${victim.pid}`, at: 1 },
      { kind: 'taskStarted', ...about, at: 1 },
    ];
    mkdirSync(join(runs, runId), { recursive: true });
    writeFileSync(
      join(runs, `${runId}.jsonl`),
      events.map((event) => `${formatEntry(event)}\n`).join(''),
    );
    if (state !== undefined) {
      writeFileSync(
        join(runs, runId, '1.state.json'),
        JSON.stringify(storedWorkState({ ...(state as WorkState), runId })),
      );
    }
  }
  const { given, ...found } = partsOf(false);
  const nothing = (): never => assert.fail('files are no reason to do anything');
  const history = new RunTakeover({
    journals: new RunJournals({
      ...{
        root,
        pid: process.pid,
        processes: systemProcesses,
        processStartTime,
        clock: systemClock,
        log: () => undefined,
      },
    }),
    runner: {
      onEvent: () => ({ dispose: () => undefined }),
      runs: [],
      restore: nothing,
      setCap: nothing,
      steer: nothing,
      detach: nothing,
      renew: () => undefined,
    },
    ...{ ...found, endVerification: () => Promise.resolve(), bringIn: nothing },
    begun: { has: () => false, add: nothing },
    ready: () => Promise.resolve(),
    ...{ onAttached: nothing, onFailed: nothing, clock: systemClock, log: () => undefined },
    reportBug: (error) => {
      throw error;
    },
  });
  await history.open();
  assert.equal(history.past.length, forged.length);
  assert(
    history.past.every(({ phase, stop }) => phase === 'ended' && stop?.kind !== 'interrupted'),
  );
  assert.deepEqual(given, []);
  assert(isAlive(victim.pid));
  await history.close();
});
