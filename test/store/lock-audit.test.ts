import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import { clearLock } from '../../src/store/write/lock-audit.ts';
import { claimTask } from '../../src/store/write/lock-statements.ts';
import {
  all,
  type Columns,
  locked,
  lockDb,
  lockOf,
  ME,
  NOW,
  NOW_S,
  THEM,
} from '../support/lock-db.ts';

const ID = taskId('T-1');
const UNTIL = NOW_S + 90;
const meant = { id: ID, holder: THEM, until: UNTIL * 1000, reason: 'its process is gone' };

describe('taking a lock off somebody', () => {
  const cases: readonly [name: string, columns: Columns, expected: string, after: string][] = [
    ['moves In Progress back to Todo', locked(THEM, UNTIL), 'Todo written', 'Todo free'],
    ['in any spelling', locked(THEM, UNTIL, { status: 'working' }), 'Todo written', 'Todo free'],
    ['leaves another status', locked(THEM, UNTIL, { status: 'Review' }), 'Review', 'Review free'],
    [
      'is refused where the lease was renewed',
      locked(THEM, UNTIL + 9),
      'held',
      `In Progress ${THEM} 99`,
    ],
    [
      'is refused where another has the task',
      locked('x-y-3', UNTIL),
      'held',
      'In Progress x-y-3 90',
    ],
    [
      'is refused where the end was taken away',
      locked(THEM, null),
      'unleased',
      `In Progress ${THEM}`,
    ],
    [
      'is refused where the lock is gone',
      { status: 'In Progress' },
      'changedMeanwhile',
      'In Progress free',
    ],
    ['is refused where the task is gone', { id: 'T-2' }, 'noSuchTask', 'gone'],
  ];
  for (const [name, columns, expected, after] of cases) {
    test(name, () => {
      const context = lockDb([{ id: 'T-1', status: 'Todo', ...columns }]);
      const outcome = clearLock(context, meant);
      const said = outcome.ok
        ? `${outcome.value.status}${outcome.value.changed ? ' written' : ''}`
        : outcome.failure.kind;
      assert.equal(said, expected);
      assert.equal(lockOf(context, 'T-1'), after);
      assert.equal(all(context, 'SELECT * FROM task_activities').length, outcome.ok ? 1 : 0);
    });
  }

  test('clears an assignment without an end, and a lease that has ended', () => {
    for (const until of [undefined, NOW_S - 1]) {
      const context = lockDb([{ id: 'T-1', ...locked(THEM, until ?? null) }]);
      assert.ok(
        clearLock(context, { ...meant, until: until === undefined ? undefined : until * 1000 }).ok,
      );
      assert.equal(lockOf(context, 'T-1'), 'Todo free');
    }
  });

  test('leaves a line that says whose it was, until when, who took it and why', () => {
    const context = lockDb([{ id: 'T-1', ...locked(THEM, UNTIL) }]);
    clearLock(context, meant);
    const line = all(context, 'SELECT * FROM task_activities')[0] ?? {};
    assert.match(String(line['id']), new RegExp(`^activity-${NOW}-[0-9a-f]+$`));
    assert.deepEqual(
      [line['activity_type'], line['task_id'], line['task_name']],
      ['lock_released', 'T-1', 'Title of T-1'],
    );
    assert.equal(Date.parse(String(line['timestamp'])), NOW_S * 1000);
    const { until, ...details } = JSON.parse(String(line['details'])) as Record<string, string>;
    assert.deepEqual(details, { holder: THEM, by: ME, reason: 'its process is gone' });
    assert.equal(Date.parse(until ?? ''), UNTIL * 1000);
  });

  const tables: readonly [name: string, sql: string][] = [
    ['there is no such table', 'DROP TABLE task_activities'],
    ['the table lacks a column', 'ALTER TABLE task_activities DROP COLUMN details'],
    [
      'the table wants a column that nobody knows',
      `DROP TABLE task_activities; CREATE TABLE task_activities (id TEXT, activity_type TEXT, task_id TEXT,
        task_name TEXT, timestamp TEXT, details TEXT, colour TEXT NOT NULL)`,
    ],
  ];
  for (const [name, sql] of tables) {
    test(`works where ${name}`, () => {
      const context = lockDb([{ id: 'T-1', ...locked(THEM, UNTIL) }], [sql]);
      assert.ok(clearLock(context, meant).ok);
      assert.equal(lockOf(context, 'T-1'), 'Todo free');
    });
  }
});

test('a claim that takes over what somebody left says from whom, and leaves a line', () => {
  const context = lockDb([{ id: 'T-1', ...locked(THEM, NOW_S - 5) }]);
  const outcome = claimTask(context, { id: ID, leaseMs: 1000, takeUnleased: false });
  assert.deepEqual(outcome.ok && outcome.value.claim.takenFrom, {
    holder: THEM,
    until: (NOW_S - 5) * 1000,
  });
  const lines = all(context, 'SELECT activity_type, details FROM task_activities');
  assert.equal(lines.length, 1);
  assert.equal(lines[0]!['activity_type'], 'lock_taken_over');
  assert.match(String(lines[0]!['details']), new RegExp(`"holder":"${THEM}".*"by":"${ME}"`));
});

test('a claim of a free task, and of one of ours, leaves no line', () => {
  const context = lockDb([{ id: 'T-1', status: 'Todo' }]);
  for (const _ of [1, 2]) {
    assert.ok(claimTask(context, { id: ID, leaseMs: 1000, takeUnleased: false }).ok);
  }
  assert.deepEqual(all(context, 'SELECT * FROM task_activities'), []);
});
