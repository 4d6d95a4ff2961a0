import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import { clearLock } from '../../src/store/write/lock-audit.ts';
import type { LockContext } from '../../src/store/write/lock-row.ts';
import {
  claimTask,
  releaseTask,
  releaseAllLocks,
  renewLocks,
  setTaskStatus,
} from '../../src/store/write/lock-statements.ts';
import {
  all,
  insertRow,
  locked,
  lockDb,
  lockOf,
  ME,
  NOW,
  NOW_S,
  THEM,
} from '../support/lock-db.ts';

const ID = taskId('T-1');
const CLAIM = { id: ID, leaseMs: 60_000, takeUnleased: false } as const;
const TABLE =
  'CREATE TABLE task_agent_locks (task_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, locked_at INTEGER, expires_at INTEGER, note TEXT)';

/** A Todo T-1 and, beside it, a table of agents' locks with these rows. */
function store(
  rows: readonly Record<string, string | number | null>[] = [],
  table = TABLE,
): LockContext {
  const context = lockDb([{ id: 'T-1', status: 'Todo' }], [table]);
  for (const row of rows) insertRow(context.db, row, 'task_agent_locks');
  return context;
}

const agentLocks = (context: LockContext): unknown[] =>
  all(context, 'SELECT * FROM task_agent_locks');
const theirs = (expires_at: number | null) => ({
  task_id: 'T-1',
  agent_id: THEM,
  locked_at: NOW_S - 60,
  expires_at,
});

describe('a table of agents’ locks', () => {
  test('keeps a task from being claimed although its lock columns are free', () => {
    const context = store([theirs(NOW_S + 9)]);
    assert.deepEqual(claimTask(context, CLAIM), {
      ok: false,
      failure: { kind: 'held', id: 'T-1', holder: THEM, until: (NOW_S + 9) * 1000 },
    });
    assert.equal(lockOf(context, 'T-1'), 'Todo free');
  });

  test('gets our lock with the columns, and a row that ended becomes ours with what else stands in it', () => {
    const context = store([{ ...theirs(NOW_S), note: 'keep' }]);
    const outcome = claimTask(context, CLAIM);
    assert.deepEqual(outcome.ok && outcome.value.claim.takenFrom, {
      holder: THEM,
      until: NOW_S * 1000,
    });
    const mine = { task_id: 'T-1', agent_id: ME, locked_at: NOW_S, expires_at: NOW_S + 61 };
    assert.deepEqual(agentLocks(context), [{ ...mine, note: 'keep' }]);
    assert.equal(lockOf(context, 'T-1'), `In Progress ${ME} 61`);
  });

  test('without a row gets one, which a renewal moves on and a release removes', () => {
    const context = store();
    assert.ok(claimTask(context, CLAIM).ok);
    assert.deepEqual(renewLocks(context, { ids: [ID], leaseMs: 120_000 }).renewed, [ID]);
    const mine = {
      task_id: 'T-1',
      agent_id: ME,
      locked_at: NOW_S,
      expires_at: NOW_S + 121,
      note: null,
    };
    assert.deepEqual(agentLocks(context), [mine]);
    assert.ok(releaseTask(context, { id: ID, to: 'Review', again: false }).ok);
    assert.deepEqual(agentLocks(context), []);
  });

  test('keeps what others left there, where it has room for more than one row of a task', () => {
    const history =
      'CREATE TABLE task_agent_locks (task_id TEXT, agent_id TEXT, expires_at INTEGER, note TEXT)';
    const old = { task_id: 'T-1', agent_id: THEM, expires_at: NOW_S - 9, note: 'the first try' };
    const context = store([old], history);
    assert.ok(claimTask(context, CLAIM).ok);
    assert.deepEqual(agentLocks(context), [
      old,
      { task_id: 'T-1', agent_id: ME, expires_at: NOW_S + 61, note: null },
    ]);
    assert.ok(releaseTask(context, { id: ID, to: 'Todo', again: false }).ok);
    assert.deepEqual(agentLocks(context), [old]);
  });

  test('whose rules refuse us keeps nobody from claiming: the columns hold the task', () => {
    const context = store(
      [],
      `CREATE TABLE task_agent_locks (task_id TEXT, agent_id TEXT CHECK (agent_id LIKE 'robot-%'))`,
    );
    assert.ok(claimTask(context, CLAIM).ok);
    assert.deepEqual([agentLocks(context), lockOf(context, 'T-1')], [[], `In Progress ${ME} 61`]);
  });

  test('still says that a task is ours when somebody has wiped the columns', () => {
    for (const to of ['Review', 'Todo'] as const) {
      const context = store();
      claimTask(context, CLAIM);
      context.db.exec('UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL');
      assert.ok(releaseTask(context, { id: ID, to, again: false }).ok);
      assert.deepEqual([agentLocks(context), lockOf(context, 'T-1')], [[], `${to} free`]);
    }
  });

  test('says that a lock is lost although the columns still have our name', () => {
    const context = store();
    claimTask(context, CLAIM);
    context.db.exec(`UPDATE task_agent_locks SET agent_id = '${THEM}'`);
    const renewal = renewLocks(context, { ids: [ID], leaseMs: 60_000 });
    assert.deepEqual([renewal.renewed, renewal.lost], [[], [{ id: ID, holder: THEM }]]);
  });

  test('keeps a status from being set, and loses its row with a lock that is cleared', () => {
    const context = store([theirs(NOW_S + 9)]);
    const set = setTaskStatus(context, { id: ID, from: 'Todo', to: 'Done', again: false });
    assert.equal(!set.ok && set.failure.kind, 'held');
    assert.ok(
      clearLock(context, { id: ID, holder: THEM, until: (NOW_S + 9) * 1000, reason: 'asked' }).ok,
    );
    assert.deepEqual(agentLocks(context), []);
  });

  test('keeps a task In Progress whose columns are cleared, while somebody else stands in it', () => {
    const context = lockDb([{ id: 'T-1', ...locked(THEM, NOW_S + 9) }], [TABLE]);
    insertRow(context.db, { ...theirs(NOW_S + 50), agent_id: 'other-x-2' }, 'task_agent_locks');
    assert.ok(
      clearLock(context, { id: ID, holder: THEM, until: (NOW_S + 9) * 1000, reason: 'asked' }).ok,
    );
    assert.equal(lockOf(context, 'T-1'), 'In Progress free');
  });

  test('is cleared of all that the holder has, and of nothing else', () => {
    const context = store([
      theirs(NOW_S + 9),
      { task_id: 'T-9', agent_id: ME, locked_at: null, expires_at: NOW_S + 9 },
    ]);
    releaseAllLocks(context, NOW);
    assert.deepEqual(agentLocks(context), [{ ...theirs(NOW_S + 9), note: null }]);
  });

  const shapes: readonly [
    name: string,
    table: string,
    row: Record<string, string | number> | undefined,
    expected: unknown,
  ][] = [
    [
      'with dates as text gets a date',
      'CREATE TABLE task_agent_locks (task_id TEXT, holder TEXT, lock_until TEXT)',
      { task_id: 'T-9', holder: 'x', lock_until: '2026-01-05T09:00:00Z' },
      { holder: ME, until: (NOW_S + 61) * 1000 },
    ],
    [
      'with milliseconds gets milliseconds',
      'CREATE TABLE task_agent_locks (task_id TEXT, holder TEXT, lock_until INTEGER)',
      { task_id: 'T-9', holder: 'x', lock_until: NOW },
      { holder: ME, until: (NOW_S + 61) * 1000 },
    ],
    [
      'that wants a column which nobody knows gets no row',
      'CREATE TABLE task_agent_locks (task_id TEXT, holder TEXT, lock_until INTEGER, session TEXT NOT NULL)',
      undefined,
      undefined,
    ],
    [
      'that names no holder says nothing',
      'CREATE TABLE task_agent_locks (task_id TEXT, colour TEXT)',
      undefined,
      undefined,
    ],
  ];
  for (const [name, table, row, expected] of shapes) {
    test(name, () => {
      const context = store(row === undefined ? [] : [row], table);
      assert.ok(claimTask(context, CLAIM).ok);
      const mine = all(context, `SELECT * FROM task_agent_locks WHERE task_id = 'T-1'`)[0];
      const until = mine?.['lock_until'];
      assert.deepEqual(
        mine && {
          holder: mine['holder'],
          until:
            typeof until === 'string'
              ? Date.parse(until)
              : Number(until) > 1e11
                ? until
                : Number(until) * 1000,
        },
        expected,
      );
    });
  }

  test('that appears while the database is open is honoured from then on', () => {
    const context = lockDb([{ id: 'T-1', status: 'Todo' }]);
    assert.ok(claimTask(context, CLAIM).ok);
    context.db.exec(TABLE);
    insertRow(context.db, theirs(NOW_S + 9), 'task_agent_locks');
    assert.equal(claimTask(context, CLAIM).ok, false);
  });
});
