import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Failure } from '../../../src/core/failure.ts';
import { lifeOf } from '../../../src/core/lease/holder-life.ts';
import type { Claim, ReadyRules } from '../../../src/core/ports.ts';
import { fail, ok, type Result } from '../../../src/core/result.ts';
import { taskId, type Task, type TaskId } from '../../../src/core/task.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { fakeBacklog, ME, NOW } from '../../support/fake-backlog.ts';

describe('claiming the next ready task', () => {
  /** What a claim of the next is asked for, as ids, and the rules it is to go by. */
  async function asked(
    backlog: readonly Task[],
    settings: Parameters<typeof fakeBacklog>[0]['settings'] = {},
  ): Promise<readonly [ids: string, rules: ReadyRules | undefined, failure: string | undefined]> {
    let call: readonly [string, ReadyRules] | undefined;
    const claimNext = (
      ids: readonly TaskId[],
      rules: ReadyRules,
    ): Promise<Result<Claim, Failure>> => {
      call = [ids.join(' '), rules];
      return Promise.resolve(fail({ kind: 'nothingReady' }));
    };
    const claimed = await fakeBacklog({
      tasks: backlog,
      settings,
      locks: { claimNext },
    }).claims.claimNext();
    return [call?.[0] ?? '', call?.[1], claimed.ok ? undefined : claimed.failure.kind];
  }

  const cases: readonly [name: string, backlog: readonly Task[], expected: string][] = [
    [
      'offers ready tasks in the order of the waves',
      tasks('T-3 < T-1', 'T-2', '+T-0', 'T-1 < T-0'),
      'T-1 T-2',
    ],
    ['puts what is more urgent first', tasks('T-1:low', 'T-2:critical'), 'T-2 T-1'],
    [
      'puts what somebody left behind what nobody began',
      [task('T-1', { status: 'In Progress', lock: lock('claude-x-1', NOW - 1) }), task('T-2')],
      'T-2 T-1',
    ],
    ['leaves what is In Progress without a lock to whoever is at it', tasks('~T-1', 'T-2'), 'T-2'],
    [
      'passes over what somebody has',
      [task('T-1', { lock: lock('claude-x-1', NOW + 1000) }), task('T-2')],
      'T-2',
    ],
    [
      'passes over what has no end',
      [task('T-1', { lock: lock('claude-x-1', undefined) }), task('T-2')],
      'T-2',
    ],
  ];
  for (const [name, backlog, expected] of cases) {
    test(name, async () => assert.equal((await asked(backlog))[0], expected));
  }

  test('passes on what the settings say of missing dependencies and of Review', async () => {
    const [, usual] = await asked(tasks('T-1'));
    assert.deepEqual(usual, { missing: 'satisfied', reviewOpensGate: false });
    const [, other] = await asked(tasks('T-1'), {
      missingDependencies: 'blocked',
      reviewOpensGate: 'always',
    });
    assert.deepEqual(other, { missing: 'blocked', reviewOpensGate: true });
  });

  test('says that nothing is ready without asking the database', async () => {
    assert.deepEqual(await asked(tasks('?T-1', 'T-2 < T-1')), ['', undefined, 'nothingReady']);
  });
});

test('what is claimed by hand is kept as such, with the version that the claim wrote', async () => {
  const held: unknown[] = [];
  const granted = ['T-1', 'T-2'].map((id, index) => ({
    ...{
      id: taskId(id),
      holder: 'me',
      since: NOW,
      until: NOW + 1,
      fresh: true,
      version: 5 + index,
    },
  }));
  const backlog = fakeBacklog({
    tasks: tasks('T-1', 'T-2'),
    locks: { claimAll: () => Promise.resolve(ok(granted)) },
    keeper: { track: (id, _, work) => void held.push([id, work]) },
  });
  assert.ok((await backlog.claims.claimAll(['T-1', 'T-2'].map(taskId))).ok);
  assert.deepEqual(held, [
    ['T-1', { byHand: true, version: 5 }],
    ['T-2', { byHand: true, version: 6 }],
  ]);
});

test('a lock is taken off somebody as it is shown, and a task without one has none to take', async () => {
  const asked: unknown[] = [];
  const shown = task('T-1', { status: 'In Progress', lock: lock('claude-x-1', NOW + 1000) });
  const backlog = fakeBacklog({
    tasks: [shown],
    locks: {
      forceRelease: (...args) => {
        asked.push(args);
        return Promise.resolve(ok('Todo' as const));
      },
    },
  });
  assert.ok((await backlog.claims.forceRelease(shown, 'why')).ok);
  assert.deepEqual(asked, [['T-1', shown.lock, 'why']]);
  const free = await backlog.claims.forceRelease(task('T-2'), 'why');
  assert.deepEqual([!free.ok && free.failure.kind, asked.length], ['lockLost', 1]);
});

describe('a change of our own to a task that we hold', () => {
  const steps: string[] = [];
  const mine = task('T-1', { status: 'In Progress', lock: lock(ME, NOW + 1000) });
  const make = (failure?: Failure): ReturnType<typeof fakeBacklog> => {
    steps.length = 0;
    const write = <T>(value: T): Promise<Result<T, Failure>> => {
      steps.push('write');
      return Promise.resolve(failure === undefined ? ok(value) : fail(failure));
    };
    return fakeBacklog({
      tasks: [mine],
      locks: { setStatus: () => write('Done' as const), release: () => write('Todo' as const) },
      apply: () => write(undefined),
      keeper: {
        untrack: (id) => {
          steps.push(`drop ${id}`);
          return () => void steps.push('keep');
        },
      },
    });
  };
  const busy: Failure = { kind: 'busy', file: 'x', waitedMs: 1 };
  const changes: readonly [
    name: string,
    change: (backlog: ReturnType<typeof fakeBacklog>) => Promise<unknown>,
  ][] = [
    ['a status that is set', (backlog) => backlog.edits.setStatus(mine, 'Done')],
    ['a release', (backlog) => backlog.claims.release(mine.id)],
    ['a deletion', (backlog) => backlog.edits.apply([{ kind: 'delete', id: mine.id, version: 1 }])],
    [
      'a lock that is cleared',
      (backlog) =>
        backlog.edits.apply([
          { kind: 'clearLock', id: mine.id, holder: ME, until: NOW + 1000, reason: 'asked' },
        ]),
    ],
  ];
  for (const [name, change] of changes) {
    test(`${name} is never taken for one that undoes our claim, and the lock is kept where it could not be written`, async () => {
      await change(make());
      assert.deepEqual(steps, ['drop T-1', 'write']);
      await change(make(busy));
      assert.deepEqual(steps, ['drop T-1', 'write', 'keep']);
    });
  }

  test('that leaves its lock alone is not forgotten', async () => {
    await make().edits.apply([{ kind: 'setTitle', id: mine.id, from: 'a', to: 'b' }]);
    assert.deepEqual(steps, ['write']);
  });
});

describe('whether a holder lives', () => {
  const processes = {
    hostname: 'desk',
    isAlive: (pid: number) => (pid === 1 ? true : pid === 2 ? false : undefined),
  };
  const cases: readonly [holder: string, expected: string][] = [
    ['vscode-desk-1', 'alive'],
    ['vscode-desk-2', 'gone'],
    ['vscode-desk-3', 'unknown'],
    ['vscode-other-2', 'elsewhere'],
    ['somebody', 'unknown'],
  ];
  for (const [holder, expected] of cases) {
    test(`${holder} is ${expected}`, () => assert.equal(lifeOf(holder, processes), expected));
  }
});
