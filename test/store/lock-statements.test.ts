import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { taskId } from '../../src/core/task.ts';
import {
  claimTask,
  releaseTask,
  releaseAllLocks,
  renewLocks,
  setTaskStatus,
} from '../../src/store/write/lock-statements.ts';
import type { LockContext } from '../../src/store/write/lock-row.ts';
import { SCHEMA } from '../../src/store/write/schema.ts';
import type { FinalStatus } from '../../src/store/write/writer-protocol.ts';

const ME = 'vscode-here-1';
const THEM = 'general-there-9';
/** Half past a second, so that rounding shows. */
const NOW = 1_800_000_000_500;
const NOW_S = 1_800_000_000;
const ID = taskId('T-1');

type Columns = Readonly<Record<string, string | number | bigint | null>>;

function backlog(columns: Columns = {}): LockContext {
  const db = new DatabaseSync(':memory:');
  for (const statement of SCHEMA) db.exec(statement);
  insert(db, { id: 'T-1', ...columns });
  return { db, holder: ME, now: NOW };
}

function insert(db: DatabaseSync, columns: Columns): void {
  const row: Columns = {
    ...{
      content: 'c',
      long_description: 'd',
      status: 'Todo',
      priority: 'high',
      created: '2026-01-05T09:00:00Z',
    },
    ...{
      completed_at: '',
      metadata: '{"a":1}',
      version: 7,
      updated_at: 5,
      host: 'h',
      parent_id: 'T-9',
    },
    ...columns,
  };
  const names = Object.keys(row);
  db.prepare(
    `INSERT INTO tasks (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  ).run(...Object.values(row));
}

function row({ db }: LockContext, id = 'T-1'): Record<string, unknown> {
  return { ...db.prepare('SELECT * FROM tasks WHERE id = ?').get(id) };
}

function everything({ db }: LockContext): unknown[] {
  const statement = db.prepare('SELECT * FROM tasks ORDER BY id');
  statement.setReadBigInts(true);
  return statement.all();
}

const locked = (
  assignee: string,
  lockUntil: number | string | bigint | null,
  more: Columns = {},
): Columns => ({
  ...{ assignee, assigned_at: NOW_S - 60, lock_until: lockUntil, status: 'In Progress' },
  ...more,
});

describe('claiming', () => {
  const granted: readonly [name: string, columns: Columns, expected: string][] = [
    ['a task that nobody has', {}, 'fresh changed'],
    ['an In Progress task that lost its lock', { status: 'In Progress' }, 'fresh'],
    ['another spelling, which is normalised', { status: 'in_progress' }, 'fresh changed'],
    ['a spelling of Todo', { status: ' Pending ' }, 'fresh changed'],
    ['an empty status', { status: '' }, 'fresh changed'],
    ['a lease that ends at this very second', locked(THEM, NOW_S), 'fresh'],
    ['a lease that has ended', locked(THEM, NOW_S - 1), 'fresh'],
    ['an empty holder with an end ahead', locked('', NOW_S + 999), 'fresh'],
    ['an end without a holder', { lock_until: NOW_S + 999 }, 'fresh changed'],
    ['ours, which gets a new end', locked(ME, NOW_S + 5), ''],
    ['ours that has ended', locked(ME, NOW_S - 5), ''],
    ['ours without an end', locked(ME, null), ''],
    [
      'ours on a task that somebody put back to Todo',
      locked(ME, NOW_S + 5, { status: 'Todo' }),
      'changed',
    ],
  ];
  for (const [name, columns, expected] of granted) {
    test(`succeeds on ${name}`, () => {
      const context = backlog(columns);
      const before = row(context);
      const outcome = claimTask(context, { id: ID, leaseMs: 60_000, takeUnleased: false });
      assert.ok(outcome.ok);
      const { claim, changed } = outcome.value;
      assert.equal(
        [claim.fresh ? 'fresh' : '', changed ? 'changed' : ''].filter(Boolean).join(' '),
        expected,
      );
      const since = claim.fresh ? NOW_S : NOW_S - 60;
      assert.deepEqual(claim, {
        id: ID,
        holder: ME,
        since: since * 1000,
        until: (NOW_S + 61) * 1000,
        fresh: claim.fresh,
        version: 8,
        ...(claim.takenFrom === undefined
          ? {}
          : { takenFrom: { holder: THEM, until: claim.takenFrom.until } }),
      });
      assert.equal(
        claim.takenFrom !== undefined,
        before['assignee'] === THEM,
        'it says whose lock was taken over',
      );
      assert.ok(claim.until >= NOW + 60_000, 'the lease is never shorter than asked for');
      assert.deepEqual(row(context), {
        ...before,
        ...{ assignee: ME, assigned_at: since, lock_until: NOW_S + 61, status: 'In Progress' },
        ...{ version: 8, updated_at: NOW_S },
      });
    });
  }

  const refused: readonly [name: string, columns: Columns, expected: object][] = [
    [
      'what somebody else has',
      locked(THEM, NOW_S + 1),
      { kind: 'held', holder: THEM, until: (NOW_S + 1) * 1000 },
    ],
    ['an assignment without an end', locked(THEM, null), { kind: 'unleased', holder: THEM }],
    ['an end that is no time', locked(THEM, 'tomorrow'), { kind: 'unleased', holder: THEM }],
    [
      'an end beyond what a number can hold',
      locked(THEM, 2n ** 62n),
      { kind: 'held', holder: THEM, until: 2 ** 62 * 1000 },
    ],
    [
      'a task in Review',
      { status: 'review' },
      { kind: 'notClaimable', status: 'Review', rawStatus: 'review' },
    ],
    [
      'a Done task of ours',
      locked(ME, NOW_S + 9, { status: 'Done' }),
      { kind: 'notClaimable', status: 'Done', rawStatus: 'Done' },
    ],
    [
      'a word we do not know',
      { status: 'wip' },
      { kind: 'notClaimable', status: 'Unknown', rawStatus: 'wip' },
    ],
    ['a task that is not there', { id: 'T-2' }, { kind: 'noSuchTask' }],
  ];
  for (const [name, columns, expected] of refused) {
    test(`is refused for ${name}, and writes nothing`, () => {
      const context = backlog(columns);
      const before = everything(context);
      const outcome = claimTask(context, { id: ID, leaseMs: 60_000, takeUnleased: false });
      assert.deepEqual(outcome, { ok: false, failure: { id: ID, ...expected } });
      assert.deepEqual(everything(context), before);
    });
  }

  test('takes a lease that ends at this very millisecond', () => {
    const context = { ...backlog(locked(THEM, NOW_S)), now: NOW_S * 1000 };
    assert.equal(claimTask(context, { id: ID, leaseMs: 1, takeUnleased: false }).ok, true);
  });

  test('takes an assignment without an end where a person consented, but never a lease that runs', () => {
    const ask = { id: ID, leaseMs: 1, takeUnleased: true } as const;
    assert.equal(claimTask(backlog(locked(THEM, null)), ask).ok, true);
    assert.equal(claimTask(backlog(locked(THEM, NOW_S + 1)), ask).ok, false);
  });
});

test('renewing gives ours a new end and says who has the others', () => {
  const context = backlog(locked(ME, NOW_S - 5));
  insert(context.db, { id: 'T-2', ...locked(THEM, NOW_S + 5) });
  insert(context.db, { id: 'T-3', ...locked('', null) });
  insert(context.db, { id: `T-'4"`, ...locked(ME, NOW_S + 5) });
  insert(context.db, { id: 'T-5', ...locked(ME, NOW_S + 5) });
  const untouched = ['T-2', 'T-3', 'T-5'].map((id) => row(context, id));
  const ids = ['T-1', 'T-2', 'T-3', `T-'4"`, 'T-404', 'T-2'].map(taskId);
  const renewal = renewLocks(context, { ids, leaseMs: 500 });
  assert.deepEqual([...renewal.renewed].sort(), [`T-'4"`, 'T-1']);
  assert.equal(renewal.until, (NOW_S + 1) * 1000, 'rounded up to the second');
  assert.deepEqual(renewal.lost, [
    { id: 'T-2', holder: THEM },
    { id: 'T-3', holder: undefined },
    { id: 'T-404', holder: undefined },
  ]);
  assert.deepEqual(
    ['T-2', 'T-3', 'T-5'].map((id) => row(context, id)),
    untouched,
  );
  assert.deepEqual([row(context)['lock_until'], row(context)['version']], [NOW_S + 1, 8]);
});

describe('finishing', () => {
  const cases: readonly [
    name: string,
    columns: Columns,
    to: FinalStatus,
    again: boolean,
    expected: string,
  ][] = [
    ['moves In Progress on', locked(ME, NOW_S + 5), 'Review', false, 'Review written, free'],
    [
      'moves another spelling on',
      locked(ME, NOW_S + 5, { status: 'working' }),
      'Done',
      false,
      'Done written, free',
    ],
    ['may come after the lease ended', locked(ME, NOW_S - 5), 'Todo', false, 'Todo written, free'],
    [
      'keeps a status set meanwhile',
      locked(ME, NOW_S + 5, { status: 'Blocked' }),
      'Done',
      false,
      'Blocked, free',
    ],
    ['leaves what somebody else took', locked(THEM, NOW_S + 5), 'Done', false, `lost to ${THEM}`],
    ['leaves what nobody has', { status: 'In Progress' }, 'Done', false, 'lost to nobody'],
    ['an empty holder is nobody', locked('', NOW_S), 'Done', false, 'lost to nobody'],
    [
      'knows its own work when asked again',
      { status: 'Review' },
      'Review',
      true,
      'Review written, free',
    ],
    [
      'knows what is not its own when asked again',
      { status: 'Todo' },
      'Review',
      true,
      'lost to nobody',
    ],
  ];
  for (const [name, columns, to, again, expected] of cases) {
    test(name, () => {
      const context = backlog(columns);
      const before = row(context);
      const outcome = releaseTask(context, { id: ID, to, again });
      const after = row(context);
      if (outcome.ok) {
        const free =
          after['assignee'] === null &&
          after['assigned_at'] === null &&
          after['lock_until'] === null;
        assert.equal(
          `${outcome.value.status}${outcome.value.changed ? ' written' : ''}${free ? ', free' : ''}`,
          expected,
        );
        assert.equal(after['version'], again ? 7 : 8);
        for (const column of ['content', 'long_description', 'status', 'priority', 'completed']) {
          assert.notEqual(
            after[column],
            null,
            `exarp-go lists nothing at all once ${column} is NULL`,
          );
        }
        for (const column of ['metadata', 'host', 'parent_id', 'created', 'project_id']) {
          assert.equal(after[column], before[column], `${column} is not ours`);
        }
      } else {
        assert.ok(outcome.failure.kind === 'lockLost');
        assert.equal(`lost to ${outcome.failure.holder ?? 'nobody'}`, expected);
        assert.deepEqual(after, before);
      }
    });
  }

  test('Done is completed now, or when it first was; anything else is not completed', () => {
    const at = (columns: Columns, to: FinalStatus): unknown[] => {
      const context = backlog(locked(ME, NOW_S + 5, columns));
      releaseTask(context, { id: ID, to, again: false });
      const { completed, completed_at, last_modified } = row(context);
      assert.equal(Date.parse(String(last_modified)), NOW_S * 1000);
      return [completed, completed_at];
    };
    const [completed, completedAt] = at({}, 'Done');
    assert.equal(completed, 1);
    assert.match(String(completedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
    assert.equal(Date.parse(String(completedAt)), NOW_S * 1000);
    assert.deepEqual(at({ completed_at: '2025-01-01T00:00:00Z' }, 'Done'), [
      1,
      '2025-01-01T00:00:00Z',
    ]);
    assert.deepEqual(at({ completed: 1, completed_at: null }, 'Review'), [0, '']);
  });
});

describe('setting a status', () => {
  const cases: readonly [
    name: string,
    columns: Columns,
    from: string,
    to: FinalStatus,
    expected: string,
  ][] = [
    ['writes where nothing changed', { status: 'Review' }, 'Review', 'Done', 'Done'],
    [
      'compares what is stored, letter by letter',
      { status: 'review' },
      'Review',
      'Done',
      'changedMeanwhile',
    ],
    ['clears a lock of ours', locked(ME, NOW_S + 5), 'In Progress', 'Todo', 'Todo free'],
    [
      'does not touch what somebody else has',
      locked(THEM, NOW_S + 5),
      'In Progress',
      'Done',
      'held',
    ],
    [
      'does not touch an assignment without an end',
      locked(THEM, null),
      'In Progress',
      'Done',
      'unleased',
    ],
    ['leaves a lock that has ended', locked(THEM, NOW_S), 'In Progress', 'Done', 'Done locked'],
    ['misses a task that is gone', { id: 'T-2' }, 'Todo', 'Done', 'noSuchTask'],
  ];
  for (const [name, columns, from, to, expected] of cases) {
    test(name, () => {
      const context = backlog(columns);
      const before = row(context);
      const outcome = setTaskStatus(context, { id: ID, from, to, again: false });
      if (!outcome.ok) {
        assert.equal(outcome.failure.kind, expected);
        assert.deepEqual(row(context), before);
        return;
      }
      const { status, assignee, version } = row(context);
      const lock = before['assignee'] === null ? '' : assignee === null ? ' free' : ' locked';
      assert.equal(`${String(status)}${lock}`, expected);
      assert.equal(version, 8);
    });
  }
});

test('letting go of everything moves our In Progress to Todo, and leaves newer locks and other people alone', () => {
  const context = backlog(locked(ME, NOW_S + 5));
  insert(context.db, { id: 'T-2', ...locked(THEM, NOW_S + 5) });
  insert(context.db, {
    id: 'T-3',
    ...locked(ME, NOW_S + 5, { status: 'Review', assigned_at: null }),
  });
  insert(context.db, { id: 'T-4', ...locked(ME, NOW_S + 5, { assigned_at: NOW_S + 1 }) });
  const untouched = ['T-2', 'T-4'].map((id) => row(context, id));
  assert.deepEqual(releaseAllLocks(context, NOW), ['T-1']);
  assert.deepEqual([row(context)['status'], row(context)['assignee']], ['Todo', null]);
  assert.deepEqual(
    [row(context, 'T-3')['status'], row(context, 'T-3')['assignee']],
    ['Review', null],
  );
  assert.deepEqual(
    ['T-2', 'T-4'].map((id) => row(context, id)),
    untouched,
  );
});
