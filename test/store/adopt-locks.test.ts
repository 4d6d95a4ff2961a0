import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import { adoptLocks } from '../../src/store/write/adopt-locks.ts';
import type { Speaker } from '../../src/store/write/lock-row.ts';
import { releaseAllLocks } from '../../src/store/write/lock-statements.ts';
import { all, type Columns, insertRow, locked, lockDb, lockOf, ME, NOW, NOW_S, THEM } from '../support/lock-db.ts';

const OLD = 'vscode-here-7';
const ID = taskId('T-1');

function adopt(speaker: Speaker, options: { from?: string; again?: boolean } = {}): ReturnType<typeof adoptLocks> {
  const { from = OLD, again = false } = options;
  return adoptLocks(speaker, { op: 'adopt', ids: [ID], from, leaseMs: 60_000, again });
}

describe('adopting the locks of a window that is gone', () => {
  const cases: readonly [name: string, columns: Columns, adopted: boolean, after: string][] = [
    ['makes them ours, with a new end', locked(OLD, NOW_S + 9), true, `In Progress ${ME} 61`],
    ['leaves the status as it is', locked(OLD, NOW_S + 9, { status: 'todo' }), true, `todo ${ME} 61`],
    ['does not touch what somebody else has', locked(THEM, NOW_S + 9), false, `In Progress ${THEM} 9`],
    ['takes nothing that is free', { status: 'In Progress' }, false, 'In Progress free'],
    ['lets go of a lease that has ended', locked(OLD, NOW_S), false, 'Todo free'],
    ['lets go of what is done', locked(OLD, NOW_S + 9, { status: 'Done' }), false, 'Done free'],
    ['misses what is gone', { id: 'T-2' }, false, 'gone'],
  ];
  for (const [name, columns, adopted, after] of cases) {
    test(name, () => {
      const speaker = lockDb([{ id: 'T-1', status: 'Todo', ...columns }]);
      const { claims, moved } = adopt(speaker);
      assert.equal(claims.length, adopted ? 1 : 0);
      assert.deepEqual(moved, after === 'Todo free' ? [ID] : []);
      assert.equal(lockOf(speaker, 'T-1'), after);
    });
  }

  test('answers since when they are held, and the version that says so', () => {
    const speaker = lockDb([{ id: 'T-1', version: 4, ...locked(OLD, NOW_S + 9) }]);
    const since = (NOW_S - 60) * 1000;
    assert.deepEqual(adopt(speaker).claims, [
      { id: ID, holder: ME, since, until: (NOW_S + 61) * 1000, fresh: false, version: 5 },
    ]);
  });

  test('of two windows one gets each lock', () => {
    const speaker = lockDb([{ id: 'T-1', ...locked(OLD, NOW_S + 9) }]);
    assert.equal(adopt({ ...speaker, holder: 'vscode-here-8' }).claims.length, 1);
    assert.equal(adopt(speaker).claims.length, 0);
    assert.equal(lockOf(speaker, 'T-1'), 'In Progress vscode-here-8 61');
  });

  test('asked again because its answer was lost, it answers what is ours by now', () => {
    const speaker = lockDb([{ id: 'T-1', ...locked(OLD, NOW_S + 9) }]);
    adopt(speaker);
    assert.equal(adopt(speaker).claims.length, 0);
    assert.equal(adopt(speaker, { again: true }).claims.length, 1);
  });

  test('by a window with the same name keeps them from the old one’s writer, which would let go of them', () => {
    const speaker = lockDb([{ id: 'T-1', ...locked(ME, NOW_S + 9) }]);
    assert.equal(adopt(speaker, { from: ME }).claims.length, 1);
    releaseAllLocks(speaker, NOW);
    assert.equal(lockOf(speaker, 'T-1'), `In Progress ${ME} 61`);
  });

  test('moves a row in a table of agents’ locks as well', () => {
    const table = 'CREATE TABLE task_agent_locks (task_id TEXT PRIMARY KEY, agent_id TEXT, lock_until INTEGER)';
    const speaker = lockDb([{ id: 'T-1', ...locked(OLD, NOW_S + 9) }], [table]);
    insertRow(speaker.db, { task_id: 'T-1', agent_id: OLD, lock_until: NOW_S + 9 }, 'task_agent_locks');
    adopt(speaker);
    const mine = { task_id: 'T-1', agent_id: ME, lock_until: NOW_S + 61 };
    assert.deepEqual(all(speaker, 'SELECT * FROM task_agent_locks'), [mine]);
  });
});

test('letting go of everything leaves what lingers', () => {
  const speaker = lockDb(['T-1', 'T-2'].map((id) => ({ id, ...locked(ME, NOW_S + 9) })));
  assert.deepEqual(releaseAllLocks(speaker, NOW, new Set([taskId('T-2')])), ['T-1']);
  assert.deepEqual([lockOf(speaker, 'T-1'), lockOf(speaker, 'T-2')], ['Todo free', `In Progress ${ME} 9`]);
});
