import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ReadyRules } from '../../src/core/ports.ts';
import { taskId, type TaskId } from '../../src/core/task.ts';
import type { Writer } from '../../src/store/write/writer-client.ts';
import { createRig, startHost, systemClock, type WriterRig } from '../support/writer-rig.ts';
import { until } from '../support/until.ts';

const ME = 'vscode-here-1';
const NEXT = 'vscode-here-2';
const THEM = 'general-there-9';
const RULES: ReadyRules = { missing: 'satisfied', reviewOpensGate: false };
const [A, B, C] = [taskId('T-1'), taskId('T-2'), taskId('T-3')];
const later = Date.now() + 3_600_000;

const store = (): Promise<WriterRig> =>
  createRig({
    tasks: [
      { id: 'T-1' },
      {
        id: 'T-2',
        status: 'In Progress',
        lock: { holder: THEM, since: later - 7_200_000, until: later },
      },
      { id: 'T-3' },
      { id: 'T-4', deps: ['T-1'] },
    ],
  });

/** A task as `status holder`. */
const lockOf = async (rig: WriterRig, id: string): Promise<string> => {
  const [row] = await rig.other.all(
    "SELECT status || ' ' || COALESCE(assignee, 'free') AS lock FROM tasks WHERE id = ?",
    id,
  );
  return row?.['lock'] as string;
};

const pids = (rig: WriterRig): number[] =>
  rig.log.flatMap((line) => /^The writer process (\d+) runs/.exec(line)?.[1] ?? []).map(Number);

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('claiming several tasks', () => {
  test('takes all of them or writes nothing, and names the first that is in the way', async () => {
    await using rig = await store();
    const locks = rig.open();
    const before = await rig.rows();
    const refused = await locks.claimAll([A, C, B], 60_000);
    assert.ok(!refused.ok && refused.failure.kind === 'held');
    assert.deepEqual([refused.failure.id, refused.failure.holder], [B, THEM]);
    assert.deepEqual(await rig.rows(), before, 'not even for a moment that anybody could see');
    const granted = await locks.claimAll([A, C], 60_000);
    assert.ok(granted.ok);
    assert.deepEqual(
      [await lockOf(rig, 'T-1'), await lockOf(rig, 'T-3')],
      [`In Progress ${ME}`, `In Progress ${ME}`],
    );
    assert.deepEqual(rig.written, ['T-1 In Progress', 'T-3 In Progress']);
    assert.ok((await locks.claimAll([C, A], 60_000)).ok, 'again is no trouble');
  });

  test('by four windows at once gives each wave to one of them, whole', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => taskId(`T-${index + 1}`));
    await using rig = await createRig({ tasks: ids.map((id) => ({ id })) });
    const windows = [1, 2, 3, 4].map((n) =>
      rig.open({ holder: `vscode-here-${n}`, deadlineMs: 60_000 }),
    );
    const waves = [0, 10, 20, 30].map((at) => ids.slice(at, at + 10));
    // Each begins elsewhere, and in another order.
    const tried = await Promise.all(
      windows.flatMap((window, n) =>
        waves.map((_, index) => {
          const wave = [...waves[(index + n) % 4]!];
          return window.claimAll(n % 2 === 0 ? wave : wave.reverse(), 60_000);
        }),
      ),
    );
    assert.equal(tried.filter((outcome) => outcome.ok).length, 4);
    for (const outcome of tried) assert.ok(outcome.ok || outcome.failure.kind === 'held');
    for (const wave of waves) {
      const owners = new Set(await Promise.all(wave.map((id) => lockOf(rig, id))));
      assert.equal(owners.size, 1, 'nobody has a part of a wave');
    }
  });
});

describe('claiming the next ready task', () => {
  test('by four windows that see the same backlog gives each another one, and none that has to wait', async () => {
    const ids = ['T-1', 'T-2', 'T-3', 'T-4', 'T-5'].map(taskId);
    await using rig = await createRig({
      tasks: ids.map((id) => ({ id, ...(id === 'T-2' ? { deps: ['T-1'] } : {}) })),
    });
    const windows = [1, 2, 3, 4].map((n) =>
      rig.open({ holder: `vscode-here-${n}`, deadlineMs: 60_000 }),
    );
    const claims = await Promise.all(windows.map((window) => window.claimNext(ids, RULES, 60_000)));
    const got = claims.map((claim) => (claim.ok ? claim.value.id : claim.failure.kind));
    assert.deepEqual(got.sort(), ['T-1', 'T-3', 'T-4', 'T-5']);
    const last = await windows[0]!.claimNext(ids, RULES, 60_000);
    assert.equal(!last.ok && last.failure.kind, 'nothingReady');
  });

  test('goes through the death of the process in its middle, and takes one task', async () => {
    await using rig = await store();
    let pauses = 0;
    const clock: typeof systemClock = {
      now: () => systemClock.now(),
      after: (ms, callback) => {
        if (ms < 1000) pauses++;
        return systemClock.after(ms, callback);
      },
    };
    const locks = rig.open({ clock });
    await locks.probe();
    await rig.other.exec('BEGIN IMMEDIATE');
    const claim = locks.claimNext([A, C], RULES, 60_000);
    await until('a write waits for its next try', () => pauses > 0);
    process.kill(pids(rig)[0]!, 'SIGKILL');
    await until('another writer is started', () => pids(rig).length === 2);
    await rig.other.exec('COMMIT');
    const claimed = await claim;
    assert.equal(claimed.ok && claimed.value.id, A);
    assert.equal(await lockOf(rig, 'T-3'), 'Todo free');
  });
});

test('a lock is taken off somebody with a line in the history, and the status is told', async () => {
  await using rig = await store();
  const locks = rig.open();
  const until = Math.floor(later / 1000) * 1000;
  const stale = await locks.forceRelease(B, { holder: THEM, until: until + 5000 }, 'asked');
  assert.equal(!stale.ok && stale.failure.kind, 'held', 'it was renewed since it was shown');
  assert.deepEqual(await locks.forceRelease(B, { holder: THEM, until }, 'asked'), {
    ok: true,
    value: 'Todo',
  });
  assert.equal(await lockOf(rig, 'T-2'), 'Todo free');
  assert.deepEqual(rig.written, ['T-2 Todo']);
  const [line] = await rig.other.all('SELECT * FROM task_activities');
  assert.equal(line?.['activity_type'], 'lock_released');
});

test('taking over what somebody left is said in the log', async () => {
  await using rig = await store();
  await rig.other.run('UPDATE tasks SET lock_until = 1000 WHERE id = ?', 'T-2');
  assert.ok((await rig.open().claim(B, 60_000)).ok);
  assert.match(
    rig.log.join('\n'),
    new RegExp(`T-2 was taken over from ${THEM}, whose lease ended`),
  );
});

test('whatever fails, however often, leaves no lock and no transaction, and nobody hears “database is locked”', async () => {
  await using rig = await store();
  const before = await rig.rows();
  const locks = rig.open({ deadlineMs: 100 });
  const missing = taskId('T-404');
  const tries = (): Promise<unknown>[] => [
    ...[
      locks.claim(B, 1),
      locks.claim(missing, 1),
      locks.claimAll([A, B], 1),
      locks.claimNext([B], RULES, 1),
    ],
    ...[
      locks.release(A, 'Done'),
      locks.setStatus(A, 'Review', 'Done'),
      locks.adopt([A, B], ME, 1),
      locks.probe(),
    ],
    ...[locks.forceRelease(A, { holder: 'x', until: undefined }, ''), locks.renew([A, B], 1)],
  ];
  for (let round = 0; round < 5; round++) await Promise.all(tries());
  await rig.other.exec('BEGIN IMMEDIATE');
  const answers = JSON.stringify(await Promise.all(tries()));
  await rig.other.exec('COMMIT');
  assert.doesNotMatch(answers, /database is locked/);
  assert.match(answers, /"kind":"busy"/);
  assert.deepEqual(await rig.rows(), before);
});

test('a claim that failed although it was written is given back as soon as a process answers again', async () => {
  await using rig = await store();
  // As a process that is killed after the commit and before its answer, whenever there is a file
  // called "deaf".
  await rename(rig.script, join(rig.dir, 'real.cjs'));
  await writeFile(
    rig.script,
    `const { existsSync } = require('node:fs');
    const send = process.send.bind(process);
    process.send = (message, ...more) =>
      message.kind === 'done' && existsSync(__dirname + '/deaf') ? process.exit(1) : send(message, ...more);
    require('./real.cjs');`,
  );
  const locks = rig.open();
  await writeFile(join(rig.dir, 'deaf'), '');
  const claimed = await locks.claimNext([A, C], RULES, 60_000);
  assert.equal(!claimed.ok && claimed.failure.kind, 'writerDied');
  assert.equal(await lockOf(rig, 'T-1'), `In Progress ${ME}`, 'it was written, and nobody knows');
  assert.equal(await lockOf(rig, 'T-3'), 'Todo free', 'three tries took one task');
  await rm(join(rig.dir, 'deaf'));
  assert.equal(await locks.probe(), undefined);
  await until('T-1 is free', async () => (await lockOf(rig, 'T-1')) === 'Todo free');
});

describe('what a person holds when the window goes', () => {
  const open = async (rig: WriterRig, lingerMs: number): Promise<Writer> => {
    const locks = rig.open({ graceMs: 0, lingerMs });
    assert.ok((await locks.claimAll([A, C], 60_000)).ok);
    locks.linger([A]);
    return locks;
  };

  test('stays ours while the window comes back, and is the next window’s from then on', async () => {
    await using rig = await store();
    const locks = await open(rig, 2_000);
    await locks.close('linger');
    const [old] = pids(rig);
    assert.equal(await lockOf(rig, 'T-3'), 'Todo free', 'what a run held is given back at once');
    assert.equal(await lockOf(rig, 'T-1'), `In Progress ${ME}`);
    assert.ok(isAlive(old!), 'a process lives for it');
    const next = rig.open({ holder: NEXT });
    const adopted = await next.adopt([A, C], ME, 60_000);
    assert.deepEqual(adopted.ok && adopted.value.map(({ id }) => id), [A]);
    await until('the process is gone', () => !isAlive(old!));
    assert.equal(
      await lockOf(rig, 'T-1'),
      `In Progress ${NEXT}`,
      'the old window’s process has left it alone',
    );
    assert.ok((await next.renew([A], 60_000)).ok);
    assert.deepEqual(await next.release(A, 'Review'), { ok: true, value: 'Review' });
  });

  test('is let go of when nobody comes back, and then the process ends', async () => {
    await using rig = await store();
    const locks = await open(rig, 300);
    await locks.close('linger');
    const [old] = pids(rig);
    await until('the process is gone', () => !isAlive(old!));
    assert.equal(await lockOf(rig, 'T-1'), 'Todo free');
  });

  test('is let go of at once where the window is not to come back', async () => {
    await using rig = await store();
    const locks = await open(rig, 60_000);
    await locks.close('release');
    assert.equal(await lockOf(rig, 'T-1'), 'Todo free');
    assert.ok(!isAlive(pids(rig)[0]!));
  });

  test('is known to a process that had to be started again', async () => {
    await using rig = await store();
    const locks = await open(rig, 60_000);
    process.kill(pids(rig)[0]!, 'SIGKILL');
    await until('another writer is started', () => pids(rig).length === 2);
    await locks.close('linger');
    assert.equal(await lockOf(rig, 'T-1'), `In Progress ${ME}`);
    process.kill(pids(rig)[1]!, 'SIGTERM');
    await until('T-1 is free', async () => (await lockOf(rig, 'T-1')) === 'Todo free');
  });

  test('outlives a window that is killed, for the window after it', async () => {
    await using rig = await store();
    const host = await startHost(rig, ME, 60_000);
    // The later call says what lingers: the first task is as one that an agent works on.
    for (const id of ['T-3', 'T-1']) assert.deepEqual((await host.claim([id])).won, [id]);
    await host.kill();
    await until('T-3 is free', async () => (await lockOf(rig, 'T-3')) === 'Todo free');
    assert.equal(await lockOf(rig, 'T-1'), `In Progress ${ME}`);
    const adopted = await rig.open({ holder: NEXT }).adopt([A], ME, 60_000);
    assert.ok(adopted.ok && adopted.value.length === 1);
  });

  test('where everything was killed is still adopted while its lease runs, by exactly one of two windows', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `T-${index + 1}`);
    await using rig = await createRig({ tasks: ids.map((id) => ({ id })) });
    const locks = rig.open();
    assert.ok((await locks.claimAll(ids.map(taskId), 60_000)).ok);
    await locks.close('keep'); // as if killed: nobody lets go of anything
    const windows = [NEXT, 'vscode-here-3'].map((holder) =>
      rig.open({ holder, deadlineMs: 60_000 }),
    );
    const won = await Promise.all(
      windows.map(async (window) => {
        const claims = await Promise.all(ids.map((id) => window.adopt([taskId(id)], ME, 60_000)));
        return claims.flatMap((claim): readonly TaskId[] =>
          claim.ok ? claim.value.map(({ id }) => id) : assert.fail(),
        );
      }),
    );
    assert.equal(won.flat().length, ids.length);
    for (const row of await rig.rows()) {
      const owner = won[0]!.includes(row['id'] as TaskId) ? NEXT : 'vscode-here-3';
      assert.deepEqual([row['assignee'], row['version'], row['status']], [owner, 3, 'In Progress']);
    }
  });
});
