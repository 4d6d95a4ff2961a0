import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import type { WriterOptions } from '../../src/store/write/writer-client.ts';
import { createBacklog } from '../support/fixture.ts';
import { findSqliteNode } from '../support/sqlite-node.ts';
import {
  createRig,
  JumpClock,
  startHost,
  systemClock,
  type WriterRig,
} from '../support/writer-rig.ts';
import { until } from '../support/until.ts';

const ME = 'vscode-here-1';
const THEM = 'general-there-9';
const [A, B] = [taskId('T-1'), taskId('T-2')];
const later = Date.now() + 3_600_000;
const node = findSqliteNode();

const small = (): Promise<WriterRig> =>
  createRig({
    tasks: [
      { id: 'T-1', tags: ['x'], metadata: { keep: 'me' } },
      {
        id: 'T-2',
        status: 'In Progress',
        lock: { holder: THEM, since: later - 7_200_000, until: later },
      },
      {
        id: 'T-3',
        deps: ['T-1', 'T-404'],
        row: { host: 'h', project_id: null, long_description: null },
      },
    ],
  });

/** The writer processes that were started, oldest first. */
const pids = (rig: WriterRig): number[] =>
  rig.log.flatMap((line) => /^The writer process (\d+) runs/.exec(line)?.[1] ?? []).map(Number);

/** Counts the pauses that a writer makes because the database is locked. */
function countPauses(): { readonly clock: WriterOptions['clock']; readonly pauses: () => number } {
  let pauses = 0;
  const clock: WriterOptions['clock'] = {
    now: () => systemClock.now(),
    after: (ms, callback) => {
      if (ms < 1000) pauses++;
      return systemClock.after(ms, callback);
    },
  };
  return { clock, pauses: () => pauses };
}

test('a task goes from Todo through a lock to Review, and no other row or table is touched', async () => {
  await using rig = await small();
  const before = [await rig.row('T-2'), await rig.row('T-3')];
  const locks = rig.open();
  assert.equal(await locks.probe(), undefined);
  const claimed = await locks.claim(A, 60_000);
  assert.ok(claimed.ok && claimed.value.fresh);
  assert.equal((await rig.row('T-1'))['lock_until'], claimed.value.until / 1000);
  const again = await locks.claim(A, 90_000);
  assert.ok(again.ok && !again.value.fresh);
  const renewal = await locks.renew([A, B], 120_000);
  assert.ok(renewal.ok);
  assert.deepEqual([renewal.value.renewed, renewal.value.lost], [[A], [{ id: B, holder: THEM }]]);
  assert.deepEqual(await locks.claim(B, 1), {
    ok: false,
    failure: { kind: 'held', id: B, holder: THEM, until: Math.floor(later / 1000) * 1000 },
  });
  assert.deepEqual(await locks.release(A, 'Review'), { ok: true, value: 'Review' });
  assert.deepEqual(await locks.setStatus(A, 'Review', 'Done'), { ok: true, value: 'Done' });
  assert.deepEqual(await locks.setStatus(A, 'Review', 'Done'), {
    ok: false,
    failure: { kind: 'changedMeanwhile', id: A, rawStatus: 'Done' },
  });
  const row = await rig.row('T-1');
  assert.deepEqual([row['version'], row['metadata'], row['assignee']], [6, '{"keep":"me"}', null]);
  assert.deepEqual([await rig.row('T-2'), await rig.row('T-3')], before);
  assert.deepEqual(await rig.other.all('SELECT * FROM task_tags'), [{ task_id: 'T-1', tag: 'x' }]);
  assert.equal((await rig.other.all('SELECT * FROM task_dependencies')).length, 2);
  assert.deepEqual(rig.written, ['T-1 In Progress', 'T-1 Review', 'T-1 Done']);
  assert.equal(pids(rig).length, 1);
});

test('a lock that a process left behind is given back for it, and never becomes ours on the way', async () => {
  await using rig = await small();
  const left = 'claude-here-77';
  const gone = rig.open({ holder: left });
  assert.equal((await gone.claim(A, 60_000)).ok, true);
  await gone.close('keep');
  const locks = rig.open();
  const other = await locks.releaseFor(A, 'claude-here-78');
  assert.deepEqual(other.ok ? other : other.failure.kind, 'lockLost');
  assert.equal((await rig.row('T-1'))['assignee'], left);
  const version = (await rig.row('T-1'))['version'] as number;
  assert.deepEqual(await locks.releaseFor(A, left), { ok: true, value: 'Todo' });
  const row = await rig.row('T-1');
  // One step: whoever looks in between sees the old holder or nobody.
  assert.deepEqual([row['assignee'], row['status'], row['version']], [null, 'Todo', version + 1]);
  assert.deepEqual(rig.written, ['T-1 In Progress', 'T-1 Todo']);
});

test('a listener that fails does not make a claim look failed', async () => {
  await using rig = await small();
  const locks = rig.open({
    onStatusWritten: () => {
      throw new Error('mirror');
    },
  });
  assert.equal((await locks.claim(A, 60_000)).ok, true);
  assert.match(rig.log.join('\n'), /mirror/);
});

describe('a store that cannot be written', () => {
  const damage: readonly [
    name: string,
    harm: (rig: WriterRig) => Promise<unknown>,
    expected: string,
  ][] = [
    ['is not there: it is not created', (rig) => rm(rig.file), 'unreadable io'],
    [
      'is only JSON',
      async (rig) => {
        await rm(rig.file);
        await writeFile(join(dirname(rig.file), 'state.todo2.json'), '{"todos":[]}');
      },
      'readOnly jsonOnly',
    ],
    ['has no bytes', (rig) => writeFile(rig.file, ''), 'unreadable empty'],
    ['is no database', (rig) => writeFile(rig.file, 'x'.repeat(5000)), 'unreadable notADatabase'],
    ['is a folder', (rig) => rm(rig.file).then(() => mkdir(rig.file)), 'unreadable permission'],
  ];
  for (const [name, harm, expected] of damage) {
    test(name, async () => {
      await using rig = await small();
      await rig.other.close();
      await harm(rig);
      const before = await readdir(dirname(rig.file));
      const failure = await rig.open().probe();
      const cause =
        failure?.kind === 'unreadable'
          ? failure.cause
          : failure?.kind === 'readOnly' && failure.cause.kind;
      assert.equal(`${failure?.kind ?? 'no failure'} ${String(cause)}`, expected);
      if (failure?.kind === 'unreadable') assert.equal(failure.file, rig.file);
      assert.deepEqual(await readdir(dirname(rig.file)), before);
    });
  }

  test('has no table of tasks', async () => {
    await using rig = await createRig({
      tasks: [],
      schema: ['CREATE TABLE schema_migrations (version)'],
    });
    const failure = await rig.open().probe();
    assert.ok(failure?.kind === 'unreadable');
    assert.equal(failure.cause, 'noTasksTable');
  });

  test('comes from an exarp-go without locks, and is not migrated', async () => {
    await using rig = await small();
    await rig.other.exec(
      'DROP INDEX idx_tasks_lock_until; ALTER TABLE tasks DROP COLUMN lock_until',
    );
    const before = await rig.other.all('SELECT * FROM sqlite_schema');
    const claimed = await rig.open().claim(A, 60_000);
    assert.ok(!claimed.ok && claimed.failure.kind === 'writeFailed');
    assert.match(claimed.failure.detail, /lock_until/);
    assert.deepEqual(await rig.other.all('SELECT * FROM sqlite_schema'), before);
  });
});

test('without a Node that has SQLite everything is read-only, and says what was tried, until there is one', async () => {
  await using rig = await small();
  const clock = new JumpClock();
  const nodes = [
    { command: join(rig.dir, 'no-such-node'), args: [] },
    { command: 'bad\0path', args: [] },
    { command: node, args: ['--no-experimental-sqlite'] },
    { command: node, args: ['--no-such-option'] },
  ];
  const locks = rig.open({ nodes: () => nodes, clock });
  const failure = await locks.probe();
  assert.ok(failure?.kind === 'readOnly' && failure.cause.kind === 'noSqlite');
  const { tried } = failure.cause;
  for (const [index, pattern] of [
    /ENOENT/,
    /null bytes/,
    /v\d+.*no node:sqlite/,
    /bad option/,
  ].entries()) {
    assert.match(tried[index] ?? '', pattern);
  }
  assert.deepEqual(await locks.claim(A, 1), { ok: false, failure });
  clock.jump(30_000);
  assert.deepEqual(await locks.probe(), failure, 'it is looked for again, and not found');
  nodes.push({ command: node, args: [] });
  assert.equal(
    await locks.probe(),
    undefined,
    'another list, as settings may bring it, is looked through at once',
  );
});

describe('a database that another process has locked', () => {
  test('is claimed from as soon as it is free, and the editor goes on meanwhile', async () => {
    await using rig = await small();
    const { clock, pauses } = countPauses();
    const locks = rig.open({ clock });
    await locks.probe();
    await rig.other.exec('BEGIN IMMEDIATE');
    const claims = Promise.all([A, taskId('T-3')].map((id) => locks.claim(id, 60_000)));
    // The lock ends only because this process, whose claim waits, is free to end it: four turns of
    // at least 300 ms.
    await until('a write waits for its next try', () => pauses() >= 8);
    await rig.other.exec('COMMIT');
    for (const claimed of await claims) assert.ok(claimed.ok && claimed.value.fresh);
    assert.equal((await rig.row('T-1'))['version'], 2);
  });

  test('is given up at the deadline; nothing was written, and the next call works', async () => {
    await using rig = await small();
    const locks = rig.open({ deadlineMs: 700 });
    await rig.other.exec('BEGIN IMMEDIATE');
    const claimed = await locks.claim(A, 60_000);
    await rig.other.exec('COMMIT');
    assert.ok(!claimed.ok && claimed.failure.kind === 'busy');
    assert.equal(claimed.failure.file, rig.file);
    assert.ok(claimed.failure.waitedMs > 0);
    assert.equal((await rig.row('T-1'))['version'], 1);
    assert.equal((await locks.claim(A, 60_000)).ok, true);
  });
});

describe('a writer process that dies', () => {
  test('in the middle of a claim costs nothing: the claim comes through, once', async () => {
    await using rig = await small();
    const { clock, pauses } = countPauses();
    const locks = rig.open({ clock });
    await locks.probe();
    await rig.other.exec('BEGIN IMMEDIATE');
    const claim = locks.claim(A, 60_000);
    await until('a write waits for its next try', () => pauses() > 0);
    process.kill(pids(rig)[0]!, 'SIGKILL');
    await until('another writer is started', () => pids(rig).length === 2);
    await rig.other.exec('COMMIT');
    const claimed = await claim;
    assert.ok(claimed.ok);
    assert.equal((await rig.row('T-1'))['version'], 2);
    assert.deepEqual(await locks.release(A, 'Done'), { ok: true, value: 'Done' });
  });

  test('is replaced before the next call while locks are held, so that somebody can let go of them', async () => {
    await using rig = await small();
    const locks = rig.open();
    await locks.claim(A, 60_000);
    process.kill(pids(rig)[0]!, 'SIGKILL');
    await until('another writer is started', () => pids(rig).length === 2);
    assert.equal((await rig.row('T-1'))['assignee'], ME);
    assert.equal((await locks.release(A, 'Todo')).ok, true);
  });

  test('by a polite signal keeps the locks, and a Ctrl+C in the terminal does not end it', async () => {
    await using rig = await small();
    const locks = rig.open();
    await locks.claim(A, 60_000);
    process.kill(pids(rig)[0]!, 'SIGINT');
    assert.equal((await locks.renew([A], 60_000)).ok, true);
    assert.equal(pids(rig).length, 1);
    process.kill(pids(rig)[0]!, 'SIGTERM');
    await until('another writer is started', () => pids(rig).length === 2);
    assert.equal((await rig.row('T-1'))['assignee'], ME);
  });

  test('or hangs is ended and replaced', async () => {
    await using rig = await small();
    const clock = new JumpClock();
    const locks = rig.open({ clock });
    await locks.probe();
    process.kill(pids(rig)[0]!, 'SIGSTOP');
    const claim = locks.claim(A, 60_000);
    await until('it waits for four seconds', () => clock.waitsFor(4_000));
    clock.jump(5_000);
    assert.equal((await claim).ok, true);
    assert.equal(pids(rig).length, 2);
  });

  test('whenever it is started is said so after three tries', async () => {
    await using rig = await small();
    await writeFile(
      rig.script,
      `process.send({ kind: 'hello', node: 'v0' }); process.on('message', () => { throw new Error('boom'); });`,
    );
    const claimed = await rig.open().claim(A, 1);
    assert.ok(!claimed.ok && claimed.failure.kind === 'writerDied');
    assert.match(claimed.failure.detail, /boom/);
    assert.equal(pids(rig).length, 3);
  });
});

test('a store that was replaced on disk is the one that is written to', async () => {
  await using rig = await small();
  const locks = rig.open();
  await locks.claim(A, 60_000);
  await rename(join(rig.dir, '.todo2'), join(rig.dir, 'old'));
  assert.equal((await locks.claim(A, 60_000)).ok, false);
  assert.equal(existsSync(join(rig.dir, '.todo2')), false);
  await createBacklog(rig.dir, { tasks: [{ id: 'T-2' }] });
  const claimed = await locks.claim(B, 60_000);
  assert.ok(claimed.ok && claimed.value.fresh);
  // And back, without a call in between that finds nothing.
  await rename(join(rig.dir, '.todo2'), join(rig.dir, 'new'));
  await rename(join(rig.dir, 'old'), join(rig.dir, '.todo2'));
  const back = await locks.claim(A, 60_000);
  assert.ok(back.ok && !back.value.fresh);
});

describe('closing', () => {
  test('keeps the locks unless asked', async () => {
    await using rig = await small();
    const locks = rig.open({ graceMs: 0 });
    await locks.claim(A, 60_000);
    const before = await rig.row('T-1');
    await locks.close();
    assert.throws(() => process.kill(pids(rig)[0]!, 0), /ESRCH/);
    assert.deepEqual(await rig.row('T-1'), before);
    const refused = await locks.claim(A, 1);
    assert.ok(!refused.ok && refused.failure.kind === 'writerDied');
    assert.equal(pids(rig).length, 1);
  });

  test('lets go of everything where asked, and tells', async () => {
    await using rig = await small();
    const locks = rig.open();
    await locks.claim(A, 60_000);
    await locks.close('release');
    const row = await rig.row('T-1');
    assert.deepEqual([row['status'], row['assignee']], ['Todo', null]);
    assert.equal((await rig.row('T-2'))['assignee'], THEM);
    assert.deepEqual(rig.written, ['T-1 In Progress', 'T-1 Todo']);
  });

  test('does not wait for a locked database: the process stays behind until it has let go', async () => {
    await using rig = await small();
    const clock = new JumpClock();
    const locks = rig.open({ clock, graceMs: 0 });
    await locks.claim(A, 60_000);
    await rig.other.exec('BEGIN IMMEDIATE');
    const closed = locks.close('release');
    clock.jump(2_000);
    await closed;
    await rig.other.exec('COMMIT');
    await until('the lock is gone', async () => (await rig.row('T-1'))['assignee'] === null);
    assert.equal((await rig.row('T-1'))['status'], 'Todo');
  });

  test('before the first call starts nothing', async () => {
    await using rig = await small();
    await rig.open().close('release');
    assert.deepEqual(rig.log, []);
  });
});

test('when a window is killed its tasks are free and back at Todo, and what others hold is as it was', async () => {
  await using rig = await small();
  const host = await startHost(rig, ME);
  assert.deepEqual((await host.claim(['T-1', 'T-2', 'T-3'])).won, ['T-1', 'T-3']);
  await rig.other.run(`UPDATE tasks SET status = 'Review' WHERE id = 'T-3'`);
  const before = await rig.row('T-2');
  await rig.other.exec('BEGIN IMMEDIATE');
  await host.kill();
  await rig.other.exec('COMMIT');
  await until('the lock is gone', async () => (await rig.row('T-1'))['assignee'] === null);
  assert.equal((await rig.row('T-1'))['status'], 'Todo');
  const kept = await rig.row('T-3');
  assert.deepEqual([kept['status'], kept['assignee'], kept['lock_until']], ['Review', null, null]);
  assert.deepEqual(await rig.row('T-2'), before);
});

test('when a window is killed the JSON file beside the database says Todo again as well', async () => {
  await using rig = await small();
  const json = join(rig.dir, '.todo2', 'state.todo2.json');
  writeFileSync(
    json,
    JSON.stringify({
      todos: [
        { id: 'T-1', status: 'In Progress', mine: 1 },
        { id: 'T-2', status: 'Done' },
      ],
    }),
  );
  const host = await startHost(rig, ME);
  assert.deepEqual((await host.claim(['T-1'])).won, ['T-1']);
  await host.kill();
  await until('the JSON entry is Todo', () =>
    Promise.resolve(/"status":"Todo"/.test(readFileSync(json, 'utf8'))),
  );
  const { todos } = JSON.parse(readFileSync(json, 'utf8')) as { todos: Record<string, unknown>[] };
  assert.deepEqual(
    [todos[0]?.['status'], todos[0]?.['mine'], todos[1]?.['status']],
    ['Todo', 1, 'Done'],
  );
});
