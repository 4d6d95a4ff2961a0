import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { processStartTime } from '../../src/disk/processes.ts';
import type { RacerAnswer, RacerOrder } from '../proof/lead-racer-program.ts';

const PROGRAM = fileURLToPath(new URL('../proof/lead-racer-program.ts', import.meta.url));
const RACERS = 4;

/** Several real processes that want to lead the runs of one folder. */
async function racers(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'todo2-lead-'));
  const runs = join(root, '.todo2', 'waves', 'runs');
  mkdirSync(runs, { recursive: true });
  const children: ChildProcess[] = [];
  t.after(async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
    rmSync(root, { recursive: true, force: true });
  });
  for (let n = 0; n < RACERS; n++)
    children.push(fork(PROGRAM, [root], { execArgv: ['--import', 'tsx'] }));
  const answers = (): Promise<RacerAnswer[]> =>
    Promise.all(
      children.map(async (child) => {
        const [answer] = (await once(child, 'message')) as [RacerAnswer];
        return answer;
      }),
    );
  await answers();
  const tell = (order: RacerOrder): Promise<RacerAnswer[]> => {
    const all = answers();
    for (const child of children) child.send(order);
    return all;
  };
  return { runs, tell, root };
}

test('of several windows that want to lead a run at the same moment, exactly one does, 200 times', async (t) => {
  const { runs, tell } = await racers(t);
  const dead = { pid: 4_000_000, begin: 'long ago', host: hostname(), key: 'x', left: false };
  const aliveButLeft = {
    pid: process.pid,
    begin: (await processStartTime(process.pid)) ?? null,
    host: hostname(),
    key: 'y',
    left: true,
  };
  // What they find: nothing, the flag of a window that was killed, of one that left, several, and
  // one that is damaged.
  const found: readonly (readonly object[])[] = [
    [],
    [dead],
    [aliveButLeft],
    [dead, { ...dead, key: 'z' }],
    [{}],
  ];
  for (let round = 0; round < 200; round++) {
    const runId = `run-${round}`;
    mkdirSync(join(runs, runId));
    for (const [index, flag] of (found[round % found.length] ?? []).entries()) {
      const file = join(runs, runId, `lead.${index + 1}.json`);
      writeFileSync(file, JSON.stringify(flag));
    }
    // A flag that cannot be read may be half written: it counts for a while.
    const expected = round % found.length === 4 ? 0 : 1;
    const led = (await tell({ kind: 'try', runId })).reduce((sum, answer) => sum + answer.led, 0);
    assert.equal(led, expected, `round ${round}`);
    if (expected === 1)
      assert.equal(
        readdirSync(join(runs, runId)).length,
        1,
        'the flags of those that are gone are gone',
      );
  }
});

test('never do two windows lead at the same time, however often the lead changes hands', async (t) => {
  const { runs, tell, root } = await racers(t);
  mkdirSync(join(runs, 'run-1'));
  const answers = await tell({
    kind: 'strive',
    runId: 'run-1',
    times: 60,
    witness: join(root, 'witness'),
  });
  assert.deepEqual(
    answers,
    Array.from({ length: RACERS }, () => ({ led: 60, clashes: 0 })),
  );
});
