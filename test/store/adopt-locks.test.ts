import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import { adoptLocks } from '../../src/store/write/adopt-locks.ts';
import type { LockContext } from '../../src/store/write/lock-row.ts';
import { releaseAllLocks } from '../../src/store/write/lock-statements.ts';
import {
  all,
  type Columns,
  insertRow,
  locked,
  lockDb,
  lockOf,
  ME,
  NOW,
  NOW_S,
  THEM,
} from '../support/lock-db.ts';

const OLD = 'vscode-here-7';
const ID = taskId('T-1');

function adopt(
  context: LockContext,
  options: { from?: string; again?: boolean } = {},
): ReturnType<typeof adoptLocks> {
  const { from = OLD, again = false } = options;
  return adoptLocks(context, { ids: [ID], from, leaseMs: 60_000, again });
}

describe('adopting the locks of a window that is gone', () => {
  const cases: readonly [name: string, columns: Columns, adopted: boolean, after: string][] = [
    ['makes them ours, with a new end', locked(OLD, NOW_S + 9), true, `In Progress ${ME} 61`],
    [
      'leaves the status as it is',
      locked(OLD, NOW_S + 9, { status: 'todo' }),
      true,
      `todo ${ME} 61`,
    ],
    [
      'does not touch what somebody else has',
      locked(THEM, NOW_S + 9),
      false,
      `In Progress ${THEM} 9`,
    ],
    ['takes nothing that is free', { status: 'In Progress' }, false, 'In Progress free'],
    ['lets go of a lease that has ended', locked(OLD, NOW_S), false, 'Todo free'],
    ['lets go of what is done', locked(OLD, NOW_S + 9, { status: 'Done' }), false, 'Done free'],
    ['misses what is gone', { id: 'T-2' }, false, 'gone'],
  ];
  for (const [name, columns, adopted, after] of cases) {
    test(name, () => {
      const context = lockDb([{ id: 'T-1', status: 'Todo', ...columns }]);
      const { claims, moved } = adopt(context);
      assert.equal(claims.length, adopted ? 1 : 0);
      assert.deepEqual(moved, after === 'Todo free' ? [ID] : []);
      assert.equal(lockOf(context, 'T-1'), after);
    });
  }

  test('answers since when they are held, and the version that says so', () => {
    const context = lockDb([{ id: 'T-1', version: 4, ...locked(OLD, NOW_S + 9) }]);
    const since = (NOW_S - 60) * 1000;
    assert.deepEqual(adopt(context).claims, [
      { id: ID, holder: ME, since, until: (NOW_S + 61) * 1000, fresh: false, version: 5 },
    ]);
  });

  test('of two windows one gets each lock', () => {
    const context = lockDb([{ id: 'T-1', ...locked(OLD, NOW_S + 9) }]);
    assert.equal(adopt({ ...context, holder: 'vscode-here-8' }).claims.length, 1);
    assert.equal(adopt(context).claims.length, 0);
    assert.equal(lockOf(context, 'T-1'), 'In Progress vscode-here-8 61');
  });

  test('asked again because its answer was lost, it answers what is ours by now', () => {
    const context = lockDb([{ id: 'T-1', ...locked(OLD, NOW_S + 9) }]);
    adopt(context);
    assert.equal(adopt(context).claims.length, 0);
    assert.equal(adopt(context, { again: true }).claims.length, 1);
  });

  test('by a window with the same name keeps them from the old one’s writer, which would let go of them', () => {
    const context = lockDb([{ id: 'T-1', ...locked(ME, NOW_S + 9) }]);
    assert.equal(adopt(context, { from: ME }).claims.length, 1);
    releaseAllLocks(context, NOW);
    assert.equal(lockOf(context, 'T-1'), `In Progress ${ME} 61`);
  });

  test('moves a row in a table of agents’ locks as well', () => {
    const table =
      'CREATE TABLE task_agent_locks (task_id TEXT PRIMARY KEY, agent_id TEXT, lock_until INTEGER)';
    const context = lockDb([{ id: 'T-1', ...locked(OLD, NOW_S + 9) }], [table]);
    insertRow(
      context.db,
      { task_id: 'T-1', agent_id: OLD, lock_until: NOW_S + 9 },
      'task_agent_locks',
    );
    adopt(context);
    const mine = { task_id: 'T-1', agent_id: ME, lock_until: NOW_S + 61 };
    assert.deepEqual(all(context, 'SELECT * FROM task_agent_locks'), [mine]);
  });
});

test('letting go of everything leaves what lingers', () => {
  const context = lockDb(['T-1', 'T-2'].map((id) => ({ id, ...locked(ME, NOW_S + 9) })));
  assert.deepEqual(releaseAllLocks(context, NOW, new Set([taskId('T-2')])), ['T-1']);
  assert.deepEqual(
    [lockOf(context, 'T-1'), lockOf(context, 'T-2')],
    ['Todo free', `In Progress ${ME} 9`],
  );
});
