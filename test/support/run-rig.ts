import assert from 'node:assert/strict';
import type { Failure } from '../../src/core/failure.ts';
import type { AgentEnd, Claim, Job, Locks, Renewal, TaskRunner } from '../../src/core/ports.ts';
import type { NotReady, Readiness } from '../../src/core/readiness.ts';
import { fail, ok, type Result } from '../../src/core/result.ts';
import { LeaseKeeper } from '../../src/core/run/lease-keeper.ts';
import type { RunEvent, TaskOutcome } from '../../src/core/run/run-events.ts';
import type { RunPolicy } from '../../src/core/run/task-work.ts';
import { WaveRunner } from '../../src/core/run/wave-runner.ts';
import type { Snapshot, StoreState } from '../../src/core/snapshot.ts';
import { isSettled, taskId, type Status, type Task, type TaskId } from '../../src/core/task.ts';
import { HandClock, settle } from './hand-clock.ts';

export const ME = 'me';
export const LEASE_MS = 30 * 60_000;

/** A task out of `b < a c`: an id, and what it depends on; `+a` is done, `?a` is in Review. */
export function taskOf(text: string): Task {
  const [head = '', dependencies = ''] = text.split('<').map((part) => part.trim());
  const status: Status = head.startsWith('+') ? 'Done' : head.startsWith('?') ? 'Review' : 'Todo';
  const id = taskId(head.replace(/^[+?]/, ''));
  return {
    id,
    title: `Title of ${id}`,
    description: `Description of ${id}`,
    status,
    rawStatus: status,
    priority: 'medium',
    rawPriority: 'medium',
    tags: [],
    dependencies: dependencies.split(' ').filter(Boolean).map(taskId),
    parentId: undefined,
    projectId: undefined,
    lock: undefined,
    metadata: {},
    estimatedHours: undefined,
    createdAt: undefined,
    modifiedAt: undefined,
    completedAt: undefined,
    version: 1,
  };
}

/** A step of the world that waits for a test to let it happen. */
export interface Pending {
  readonly label: string;
  readonly go: () => void;
}

/**
 * A backlog in memory, with locks and agents whose every step a test can hold up.
 *
 * Steps are called `refresh`, `claim a`, `finish a Todo`, `renew a b` and `dying a`; those that `isManual` names wait in
 * `pending`. Agents always wait in `agents`.
 */
export class RunRig implements Pick<Locks, 'claim' | 'renew' | 'finish'>, TaskRunner {
  readonly holder = ME;
  readonly clock = new HandClock();
  readonly tasks = new Map<TaskId, Task>();
  readonly pending: Pending[] = [];
  readonly agents = new Map<string, { readonly job: Job; readonly end: (end: AgentEnd) => void }>();
  /** Every step that happened, in order. */
  readonly steps: string[] = [];
  readonly events: RunEvent[] = [];
  readonly bugs: unknown[] = [];
  /** What a step answers instead of doing its work. */
  readonly failures = new Map<string, Failure | Error>();
  isManual: (label: string) => boolean = () => false;
  onAgent: (job: Job) => void = () => undefined;
  state: StoreState | undefined;
  policy: RunPolicy = { leaseMs: LEASE_MS, successStatus: 'Review', gate: 'inRun' };
  readonly keeper: LeaseKeeper;
  readonly runner: WaveRunner;
  maxAlive = 0;
  #runs = 0;

  constructor(backlog: readonly string[], cap = 4) {
    for (const text of backlog) this.put(taskOf(text));
    const reportBug = (error: unknown): void => void this.bugs.push(error);
    this.keeper = new LeaseKeeper({ locks: this, clock: this.clock, leaseMs: () => LEASE_MS, reportBug });
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- getters of the source below look at the rig
    const rig = this;
    const world = {
      source: {
        root: '/backlog',
        get state(): StoreState {
          return rig.state ?? { kind: 'ready', snapshot: rig.snapshot() };
        },
        refresh: () => this.#step('refresh', () => undefined),
      },
      locks: this,
      keeper: this.keeper,
      runner: this as TaskRunner,
      clock: this.clock,
      readiness: (snapshot: Snapshot, id: TaskId, opened: ReadonlySet<TaskId>) => this.#readiness(snapshot, id, opened),
      policy: () => this.policy,
      newRunId: () => `r${++this.#runs}`,
      reportBug,
    };
    this.runner = new WaveRunner(world, cap);
    this.runner.onEvent((event) => void this.events.push(event));
  }

  put(task: Task): void {
    this.tasks.set(task.id, task);
  }

  change(id: string, change: Partial<Task>): void {
    this.put({ ...this.task(id), ...change });
  }

  task(id: string): Task {
    const task = this.tasks.get(taskId(id));
    assert(task, `there is a task ${id}`);
    return task;
  }

  /** `a b | c` are two waves. */
  start(waves: string): string {
    const ids = waves.split('|').map((wave) => wave.split(' ').filter(Boolean).map(taskId));
    const started = this.runner.start({ title: waves, waves: ids });
    assert(started.ok);
    return started.value.runId;
  }

  /** Lets a step that waits happen. */
  async let(label: string): Promise<void> {
    const index = this.pending.findIndex((pending) => pending.label === label);
    assert(index >= 0, `${label} waits; waiting: ${this.pending.map((p) => p.label).join(', ')}`);
    this.pending.splice(index, 1)[0]!.go();
    await settle();
  }

  /** Ends the agent of a task: with an exit code, or as told. */
  async end(id: string, end: number | AgentEnd): Promise<void> {
    const agent = this.agents.get(id);
    assert(agent, `an agent works on ${id}`);
    agent.end(typeof end === 'number' ? { kind: 'exited', exitCode: end, signal: undefined } : end);
    await settle();
  }

  get alive(): string {
    return [...this.agents.keys()].sort().join(' ');
  }

  outcome(id: string, runId = 'r1'): TaskOutcome | undefined {
    return this.runner.runs.find((run) => run.runId === runId)?.tasks.get(taskId(id))?.outcome;
  }

  /** `a:succeeded b:skipped/dependencyFailed`, in the order of the run. */
  outcomes(runId = 'r1'): string {
    const run = this.runner.runs.find((r) => r.runId === runId);
    return [...(run?.tasks.values() ?? [])].map((task) => `${task.id}:${word(task.outcome)}`).join(' ');
  }

  snapshot(): Snapshot {
    return {
      root: '/backlog',
      file: '/backlog/.todo2/todo2.db',
      source: 'sqlite',
      project: 'backlog',
      tasks: [...this.tasks.values()],
      byId: new Map(this.tasks),
      notices: [],
      readAt: this.clock.now(),
    };
  }

  claim(id: TaskId): Promise<Result<Claim, Failure>> {
    return this.#write(`claim ${id}`, () => {
      const task = this.tasks.get(id);
      if (task === undefined) return fail({ kind: 'noSuchTask', id });
      const now = this.clock.now();
      const { lock, status, rawStatus } = task;
      const until = lock?.until ?? 0;
      if (lock !== undefined && lock.holder !== ME && until > now) {
        return fail({ kind: 'held', id, holder: lock.holder, until });
      }
      if (status !== 'Todo' && status !== 'In Progress') return fail({ kind: 'notClaimable', id, status, rawStatus });
      const fresh = lock?.holder !== ME;
      const version = task.version + 1;
      this.change(id, { status: 'In Progress', version, lock: { holder: ME, since: now, until: now + LEASE_MS } });
      return ok({ id, holder: ME, since: now, until: now + LEASE_MS, fresh, version });
    });
  }

  renew(ids: readonly TaskId[], leaseMs: number): Promise<Result<Renewal, Failure>> {
    return this.#write(`renew ${ids.join(' ')}`, () => {
      const until = this.clock.now() + leaseMs;
      const ours = ids.filter((id) => this.tasks.get(id)?.lock?.holder === ME);
      const lost = ids.filter((id) => !ours.includes(id));
      for (const id of ours) this.change(id, { lock: { holder: ME, since: undefined, until } });
      return ok({
        renewed: ours,
        until,
        lost: lost.map((id) => ({ id, holder: this.tasks.get(id)?.lock?.holder })),
      });
    });
  }

  finish(id: TaskId, to: 'Todo' | 'Review' | 'Done'): Promise<Result<Status, Failure>> {
    return this.#write(`finish ${id} ${to}`, () => {
      const task = this.tasks.get(id);
      if (task === undefined) return fail({ kind: 'noSuchTask', id });
      if (task.lock?.holder !== ME) return fail({ kind: 'lockLost', id, holder: task.lock?.holder });
      const status = task.status === 'In Progress' ? to : task.status;
      this.change(id, { status, rawStatus: status, lock: undefined });
      return ok(status);
    });
  }

  async run(job: Job, signal: AbortSignal, onStarted: () => void): Promise<AgentEnd> {
    const { id } = job.task;
    assert(!this.agents.has(id), `one agent on ${id}`);
    const failure = this.failures.get(`agent ${id}`);
    if (failure instanceof Error) throw failure;
    if (failure !== undefined) return { kind: 'notStarted', failure };
    return new Promise((resolve) => {
      const end = (how: AgentEnd): void => {
        this.agents.delete(id);
        this.steps.push(`end ${id}`);
        resolve(how);
      };
      this.agents.set(id, { job, end });
      this.maxAlive = Math.max(this.maxAlive, this.agents.size);
      this.steps.push(`agent ${id}`);
      signal.addEventListener('abort', () => {
        void this.#step(`dying ${id}`, () => {
          if (this.agents.has(id)) end({ kind: 'stopped' });
        });
      });
      onStarted();
      this.onAgent(job);
    });
  }

  #write<T>(label: string, act: () => Result<T, Failure>): Promise<Result<T, Failure>> {
    return this.#step(label, () => {
      const failure = this.failures.get(label);
      if (failure instanceof Error) throw failure;
      return failure === undefined ? act() : fail(failure);
    });
  }

  async #step<T>(label: string, act: () => T): Promise<T> {
    if (this.isManual(label)) await new Promise<void>((go) => this.pending.push({ label, go }));
    this.steps.push(label);
    return act();
  }

  #readiness(snapshot: Snapshot, id: TaskId, opened: ReadonlySet<TaskId>): Readiness {
    const task = snapshot.byId.get(id)!;
    const now = this.clock.now();
    const reasons: NotReady[] = [];
    for (const dependency of task.dependencies.flatMap((d) => snapshot.byId.get(d) ?? [])) {
      if (isSettled(dependency.status) || opened.has(dependency.id)) continue;
      reasons.push({ kind: 'waitsFor', id: dependency.id, status: dependency.status, lease: { kind: 'free' } });
    }
    const { lock, status, rawStatus } = task;
    if (lock?.until !== undefined && lock.holder !== ME && lock.until > now) {
      reasons.push({ kind: 'held', lease: { kind: 'theirs', lock, remainingMs: lock.until - now } as never });
    }
    if (status !== 'Todo' && status !== 'In Progress') reasons.push({ kind: 'status', status, rawStatus });
    const [first, ...rest] = reasons;
    return first === undefined ? { kind: 'ready' } : { kind: 'notReady', reasons: [first, ...rest] };
  }
}

function word(outcome: TaskOutcome | undefined): string {
  if (outcome?.kind === 'skipped') return `skipped/${outcome.reason.kind}`;
  return outcome?.kind ?? 'open';
}

/** Holds the grammar of a run's story: each thing once, in its order, nothing after the end. */
export function assertWellFormed(events: readonly RunEvent[]): void {
  for (const runId of new Set(events.map((event) => event.runId))) {
    const story = events.filter((event) => event.runId === runId);
    const first = story[0]!;
    assert(first.kind === 'runStarted', `${runId} begins with its start`);
    assert.equal(story.filter((e) => e.kind === 'runStarted').length, 1);
    assert.equal(story.at(-1)?.kind, 'runEnded', `${runId} ends`);
    assert.equal(story.filter((e) => e.kind === 'runEnded').length, 1);
    assert(story.filter((e) => e.kind === 'runStopping').length <= 1);
    const at = (kind: RunEvent['kind'], matches: (e: RunEvent) => boolean): number =>
      story.findIndex((e) => e.kind === kind && matches(e));
    for (const [wave, ids] of first.waves.entries()) {
      const opened = at('waveStarted', (e) => 'wave' in e && e.wave === wave);
      const closed = at('waveEnded', (e) => 'wave' in e && e.wave === wave);
      assert.equal(opened < 0, closed < 0, 'a wave that starts ends');
      if (wave > 0 && opened >= 0) {
        assert(at('waveEnded', (e) => 'wave' in e && e.wave === wave - 1) < opened, 'waves do not overlap');
      }
      for (const id of ids) {
        const mine = story.filter((e) => 'id' in e && e.id === id).map((e) => e.kind);
        assert.equal(mine.filter((kind) => kind === 'taskEnded').length, 1, `${id} ends exactly once`);
        const order = ['taskClaimed', 'taskStarted', 'taskEnded'];
        const sorted = [...mine].sort((a, b) => order.indexOf(a) - order.indexOf(b));
        assert.deepEqual(mine, sorted, `${id} is claimed, started, ended`);
        assert.equal(new Set(mine).size, mine.length);
        if (mine.includes('taskStarted')) assert(mine.includes('taskClaimed'));
        const claimed = at('taskClaimed', (e) => 'id' in e && e.id === id);
        const ended = at('taskEnded', (e) => 'id' in e && e.id === id);
        if (claimed >= 0) assert(opened >= 0 && opened < claimed, `${id} is claimed in its wave`);
        if (closed >= 0) assert(ended < closed, `${id} ends before its wave`);
      }
    }
  }
}
