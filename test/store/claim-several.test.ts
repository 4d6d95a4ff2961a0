import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReadyRules } from '../../src/core/ports.ts';
import { taskId } from '../../src/core/task.ts';
import { claimAllTasks, claimNextTask } from '../../src/store/write/claim-several.ts';
import type { LockContext } from '../../src/store/write/lock-row.ts';
import { type Columns, locked, lockDb, lockOf, ME, NOW_S, THEM } from '../support/lock-db.ts';

const ids = (text: string) => text.split(' ').map(taskId);

describe('claiming several', () => {
  const store = (second: Columns): LockContext =>
    lockDb([
      { id: 'T-1', status: 'Todo' },
      { id: 'T-2', status: 'Todo', ...second },
      { id: 'T-3', status: 'Done' },
    ]);
  const ask = { ids: ids('T-1 T-2 T-1'), leaseMs: 60_000 } as const;

  test('takes each of them once, and says which became In Progress', () => {
    const context = store(locked(ME, NOW_S + 9));
    const outcome = claimAllTasks(context, ask);
    assert.ok(outcome.ok);
    assert.deepEqual(
      outcome.value.claims.map((claim) => `${claim.id} ${claim.fresh ? 'fresh' : 'again'}`),
      ['T-1 fresh', 'T-2 again'],
    );
    assert.deepEqual(outcome.value.changed, ['T-1']);
    assert.equal(lockOf(context, 'T-2'), `In Progress ${ME} 61`);
  });

  const refusals: readonly [name: string, second: Columns, kind: string][] = [
    ['somebody has', locked(THEM, NOW_S + 9), 'held'],
    ['somebody is assigned to', locked(THEM, null), 'unleased'],
    ['is done', { status: 'Done' }, 'notClaimable'],
    ['is not there', { id: 'T-4' }, 'noSuchTask'],
  ];
  for (const [name, second, kind] of refusals) {
    test(`names the first that ${name}`, () => {
      const outcome = claimAllTasks(store(second), { ...ask, ids: ids('T-1 T-2 T-3') });
      assert.ok(!outcome.ok);
      assert.deepEqual(
        [outcome.failure.kind, 'id' in outcome.failure && outcome.failure.id],
        [kind, 'T-2'],
      );
    });
  }
});

describe('claiming the next', () => {
  const RULES: ReadyRules = { missing: 'satisfied', reviewOpensGate: false };
  const next = (context: LockContext, candidates: string, rules = RULES, again = false): string => {
    const outcome = claimNextTask(context, {
      ...{ candidates: ids(candidates), rules, leaseMs: 60_000, again },
    });
    return outcome.ok ? outcome.value.claim.id : outcome.failure.kind;
  };
  const waiting = (...rows: Columns[]): LockContext => {
    const context = lockDb([{ id: 'T-1', status: 'Todo' }, { id: 'T-2', status: 'Todo' }, ...rows]);
    context.db.exec(
      `PRAGMA foreign_keys = OFF; INSERT INTO task_dependencies VALUES ('T-1', 'T-0')`,
    );
    return context;
  };

  const readiness: readonly [
    name: string,
    dependency: Columns | undefined,
    rules: Partial<ReadyRules>,
    expected: string,
  ][] = [
    ['an open dependency is waited for', { status: 'Todo' }, {}, 'T-2'],
    ['one that somebody works on is, too', { status: 'In Progress' }, {}, 'T-2'],
    ['a finished one opens the way', { status: 'completed' }, {}, 'T-1'],
    ['a cancelled one does as well', { status: 'Cancelled' }, {}, 'T-1'],
    ['one in Review does not', { status: 'Review' }, {}, 'T-2'],
    ['unless Review opens the gate', { status: 'Review' }, { reviewOpensGate: true }, 'T-1'],
    ['one that is missing does not hinder', undefined, {}, 'T-1'],
    ['unless it is to', undefined, { missing: 'blocked' }, 'T-2'],
  ];
  for (const [name, dependency, rules, expected] of readiness) {
    test(name, () => {
      const context = waiting(...(dependency === undefined ? [] : [{ id: 'T-0', ...dependency }]));
      assert.equal(next(context, 'T-1 T-2', { ...RULES, ...rules }), expected);
    });
  }

  const frees: readonly [name: string, columns: Columns, expected: string][] = [
    ['what somebody has by now is passed over', locked(THEM, NOW_S + 9), 'T-2'],
    ['so is what has no end', locked(THEM, null), 'T-2'],
    ['what somebody left is taken', locked(THEM, NOW_S - 9), 'T-1'],
    [
      'what is In Progress without a lock is left to whoever is at it',
      { status: 'In Progress' },
      'T-2',
    ],
    ['what is in Review by now is passed over', { status: 'Review' }, 'T-2'],
    ['so is what we have', locked(ME, NOW_S + 9), 'T-2'],
    ['and what is gone', { id: 'T-3' }, 'T-2'],
  ];
  for (const [name, columns, expected] of frees) {
    test(name, () => {
      const context = lockDb([
        { id: 'T-1', status: 'Todo', ...columns },
        { id: 'T-2', status: 'Todo' },
      ]);
      assert.equal(next(context, 'T-1 T-2'), expected);
    });
  }

  test('the order of the candidates counts, not that of the store', () => {
    assert.equal(
      next(
        lockDb([
          { id: 'T-1', status: 'Todo' },
          { id: 'T-2', status: 'Todo' },
        ]),
        'T-2 T-1',
      ),
      'T-2',
    );
  });

  test('where nothing is ready nothing is written', () => {
    const context = lockDb([{ id: 'T-1', ...locked(THEM, NOW_S + 9) }]);
    assert.equal(next(context, 'T-1'), 'nothingReady');
    assert.equal(lockOf(context, 'T-1'), `In Progress ${THEM} 9`);
  });

  test('asked again because its answer was lost, it answers what it took and takes nothing else', () => {
    const context = lockDb([
      { id: 'T-1', status: 'Todo' },
      { id: 'T-2', status: 'Todo' },
    ]);
    assert.equal(next(context, 'T-1 T-2'), 'T-1');
    assert.equal(next(context, 'T-1 T-2', RULES, true), 'T-1');
    assert.equal(lockOf(context, 'T-2'), 'Todo free');
  });

  test('a store without a table of dependencies has none', () => {
    const context = lockDb([{ id: 'T-1', status: 'Todo' }], ['DROP TABLE task_dependencies']);
    assert.equal(next(context, 'T-1'), 'T-1');
  });
});
