import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Emitter } from '../../../../src/core/events.ts';
import type { Failure } from '../../../../src/core/failure.ts';
import type { Claim } from '../../../../src/core/ports.ts';
import { fail, ok, type Result } from '../../../../src/core/result.ts';
import { ClaimReconciler } from '../../../../src/core/lease/claim-reconciler.ts';
import { LeaseKeeper } from '../../../../src/core/lease/lease-keeper.ts';
import type { StoreState } from '../../../../src/core/snapshot.ts';
import { taskId, type Status, type Task } from '../../../../src/core/task.ts';
import { byId, lock, task, type TaskFields } from '../../../support/backlog.ts';
import { HandClock, settle } from '../../../support/hand-clock.ts';

const ME = 'vscode-desk-100';
const LEASE_MS = 30 * 60_000;
const ID = taskId('T-1');

/** A window that holds T-1, whose row a test rewrites as other programs do. */
class Rig {
  readonly clock = new HandClock();
  readonly steps: string[] = [];
  readonly bugs: unknown[] = [];
  /** What a claim answers in place of doing its work. */
  failure: Failure | undefined;
  /** Claims wait here while they are held up. */
  hold: Promise<void> | undefined;
  #row: Task | undefined;
  readonly #changed = new Emitter<void>();
  #state: StoreState = { kind: 'loading' };
  readonly keeper: LeaseKeeper;
  readonly watch: ClaimReconciler;

  constructor(byHand = true) {
    this.#row = task('T-1', {
      status: 'In Progress',
      version: 7,
      lock: lock(ME, this.clock.now() + LEASE_MS),
    });
    const [clock, leaseMs] = [this.clock, () => LEASE_MS];
    const reportBug = (error: unknown): void => void this.bugs.push(error);
    const renew = (): never => assert.fail('it is not time to renew');
    this.keeper = new LeaseKeeper({ locks: { renew }, clock, leaseMs, reportBug });
    this.keeper.track(ID, LEASE_MS, { byHand, version: 7 });
    this.keeper.onDidLose(({ holder }) => void this.steps.push(`lost to ${holder ?? 'nobody'}`));
    const source = {
      state: this.#state,
      onDidChange: this.#changed.event,
      refresh: () => this.#refresh(),
    };
    Object.defineProperty(source, 'state', { get: () => this.#state });
    const locks = { holder: ME, claim: () => this.#claim(), release: () => this.#release() };
    this.watch = new ClaimReconciler({
      source,
      locks,
      keeper: this.keeper,
      clock,
      leaseMs,
      reportBug,
    });
    this.watch.onEvent(
      (event) =>
        void this.steps.push([event.kind, 'undone' in event ? event.undone : ''].join(' ').trim()),
    );
  }

  /** Somebody writes the row, which counts it up, and the window reads it; undefined deletes it. */
  async write(fields: TaskFields | undefined): Promise<void> {
    const { row } = this;
    this.#row =
      fields === undefined ? undefined : ({ ...row, ...fields, version: row.version + 1 } as Task);
    await this.read();
  }

  /** As the window does: what is there now is read, and told of where it is new. */
  async #refresh(): Promise<void> {
    const shown = this.#state.kind === 'ready' ? this.#state.snapshot.tasks[0] : undefined;
    if (shown !== this.#row) await this.read();
  }

  /** Another file takes the place of the one that we wrote to, with numbers of its own. */
  async replace(fields: TaskFields): Promise<void> {
    this.#row = { ...this.row, ...fields } as Task;
    await this.read();
  }

  /** The window reads what is there, or what was there at an earlier moment. */
  async read(row = this.#row, source: 'sqlite' | 'json' = 'sqlite'): Promise<void> {
    const tasks = row === undefined ? [] : [row];
    const snapshot = {
      root: '/r',
      file: '/r/x',
      project: 'r',
      notices: [],
      readAt: this.clock.now(),
    };
    this.#state = { kind: 'ready', snapshot: { ...snapshot, source, tasks, byId: byId(tasks) } };
    this.#changed.fire();
    await settle();
  }

  get row(): Task {
    assert(this.#row);
    return this.#row;
  }

  get state(): string {
    return `${this.#row?.status ?? 'gone'} ${this.#row?.lock?.holder ?? 'free'}`;
  }

  async #claim(): Promise<Result<Claim, Failure>> {
    await this.hold;
    this.steps.push('claim');
    if (this.failure !== undefined) return fail(this.failure);
    const [since, until] = [this.clock.now(), this.clock.now() + LEASE_MS];
    const fresh = this.row.lock === undefined;
    const version = this.row.version + 1;
    this.#row = { ...this.row, status: 'In Progress', lock: { holder: ME, since, until }, version };
    return ok({ id: ID, holder: ME, since, until, fresh, version });
  }

  #release(): Promise<Result<Status, Failure>> {
    this.steps.push('release');
    const { status } = this.row;
    this.#row = {
      ...this.row,
      lock: undefined,
      status: status === 'In Progress' ? 'Todo' : status,
    };
    return Promise.resolve(ok(this.#row.status));
  }
}

const theirs = lock('claude-x-1', 9e12);

describe('a claim that another program undoes', () => {
  const cases: readonly [
    name: string,
    fields: TaskFields | undefined,
    steps: string,
    state: string,
  ][] = [
    [
      'put back to Todo under our lock is made again',
      { status: 'Todo' },
      'claim, claimedAgain status',
      `In Progress ${ME}`,
    ],
    [
      'wiped from the row is made again',
      { lock: undefined },
      'claim, claimedAgain lock',
      `In Progress ${ME}`,
    ],
    [
      'wiped and put back is made again',
      { status: 'Todo', lock: undefined },
      'claim, claimedAgain lock',
      `In Progress ${ME}`,
    ],
    [
      'taken by somebody is given up at once',
      { lock: theirs },
      'lost to claude-x-1',
      'In Progress claude-x-1',
    ],
    [
      'taken by somebody whose lease has ended, too',
      { lock: lock('claude-x-1', 1) },
      'lost to claude-x-1',
      'In Progress claude-x-1',
    ],
    ['deleted with its task is lost', undefined, 'lost to nobody', 'gone free'],
    ['left as it is does nothing', { title: 'New title' }, '', `In Progress ${ME}`],
    ['on a task that somebody blocked is kept', { status: 'Blocked' }, '', `Blocked ${ME}`],
    [
      'on a task that somebody finished is respected and given back',
      { status: 'Done' },
      'release, movedOn',
      'Done free',
    ],
    [
      'on a task that somebody put in review, too',
      { status: 'Review' },
      'release, movedOn',
      'Review free',
    ],
  ];
  for (const [name, fields, steps, state] of cases) {
    test(name, async () => {
      const rig = new Rig();
      await rig.write(fields);
      assert.equal(rig.steps.join(', '), steps);
      assert.equal(rig.state, state);
      assert.equal(rig.keeper.tracks(ID), state.endsWith(ME));
      assert.deepEqual(rig.bugs, []);
      await rig.read();
      assert.equal(rig.steps.join(', '), steps, 'once');
    });
  }

  test('by an agent that finishes its own task is left to the run', async () => {
    const rig = new Rig(false);
    await rig.write({ status: 'Done' });
    assert.deepEqual([rig.steps, rig.keeper.tracks(ID)], [[], true]);
  });
});

describe('what the watch does not mistake for undoing', () => {
  test('whose row was put in anew by somebody is given up at once, though its version says that it is older', async () => {
    const rig = new Rig();
    await rig.replace({ version: 2, lock: theirs });
    assert.deepEqual(rig.steps, ['lost to claude-x-1']);
  });

  test('a snapshot that is older than our last write', async () => {
    const rig = new Rig();
    const before = task('T-1', { status: 'Todo', version: 6 });
    await rig.read(before);
    await rig.read({ ...before, lock: theirs });
    assert.deepEqual(rig.steps, []);
    await rig.write({ status: 'Todo' });
    assert.deepEqual(rig.steps, ['claim', 'claimedAgain status']);
    await rig.read({ ...before, version: 8 });
    assert.equal(rig.steps.length, 2, 'also after a claim that was made again');
  });

  test('but a store put in its place counts, whatever its versions say', async () => {
    const rig = new Rig();
    await rig.clock.turn(6_000);
    await rig.read(task('T-1', { status: 'In Progress', lock: theirs, version: 2 }));
    assert.deepEqual(rig.steps, ['lost to claude-x-1']);
  });

  test('the JSON file that stands in for a database, which has no locks', async () => {
    const rig = new Rig();
    await rig.read(task('T-1', { version: 99 }), 'json');
    assert.deepEqual(rig.steps, []);
  });
});

test('two programs do not undo each other for ever: after three times it is left, said once, and tried anew later', async () => {
  const rig = new Rig();
  for (let i = 0; i < 6; i++) await rig.write({ status: 'Todo' });
  const thrice = [
    'claim',
    'claimedAgain status',
    'claim',
    'claimedAgain status',
    'claim',
    'claimedAgain status',
  ];
  assert.deepEqual(rig.steps, [...thrice, 'gaveUp status']);
  assert.ok(rig.keeper.tracks(ID), 'the lock is ours all the same');
  rig.clock.jump(11 * 60_000);
  rig.keeper.track(ID, LEASE_MS, { byHand: true, version: rig.row.version });
  await rig.write({ status: 'Todo' });
  assert.deepEqual(rig.steps.slice(-2), ['claim', 'claimedAgain status']);
});

test('a lock that is wiped again and again is lost in the end', async () => {
  const rig = new Rig();
  for (let i = 0; i < 4; i++) await rig.write({ lock: undefined });
  assert.deepEqual(rig.steps.slice(-2), ['gaveUp lock', 'lost to nobody']);
});

const refusals: readonly [name: string, failure: Failure, last: string, holds: boolean][] = [
  [
    'that somebody was faster',
    { kind: 'held', id: ID, holder: 'codex-y-2', until: 9e12 },
    'lost to codex-y-2',
    false,
  ],
  ['that the task is gone', { kind: 'noSuchTask', id: ID }, 'lost to nobody', false],
  ['that the database is busy', { kind: 'busy', file: 'x', waitedMs: 1 }, 'failed', true],
];
for (const [name, failure, last, holds] of refusals) {
  test(`a claim made again may find ${name}`, async () => {
    const rig = new Rig();
    rig.failure = failure;
    await rig.write({ lock: undefined });
    assert.deepEqual([rig.steps.at(-1), rig.keeper.tracks(ID)], [last, holds]);
  });
}

test('a lock that is given back while it is being claimed again does not stay', async () => {
  const rig = new Rig();
  let go = (): void => undefined;
  rig.hold = new Promise((resolve) => (go = resolve));
  await rig.write({ lock: undefined, status: 'Todo' });
  rig.keeper.untrack(ID);
  go();
  await settle();
  assert.deepEqual(rig.steps, ['claim', 'release']);
  assert.equal(rig.state, 'Todo free');
});
