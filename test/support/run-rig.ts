import assert from 'node:assert/strict';
import { Emitter } from '../../src/core/events.ts';
import type { Failure } from '../../src/core/failure.ts';
import type {
  Clock,
  Job,
  JobInProgress,
  LeaderRequest,
  TaskWorker,
  WorkEnd,
  WorkListener,
} from '../../src/core/ports.ts';
import type { NotReady } from '../../src/core/waves/readiness.ts';
import type { RunEvent, RunState, TaskOutcome } from '../../src/core/run/run-events.ts';
import type { AgentAssignment, RunOptions, RunRequest } from '../../src/core/run/run-options.ts';
import { foldJournal } from '../../src/core/run/journal/run-state.ts';
import type { RunnerWorld } from '../../src/core/run/engine/run-world.ts';
import { WaveRunner } from '../../src/core/run/engine/wave-runner.ts';
import type { Snapshot, StoreState } from '../../src/core/snapshot.ts';
import { isSettled, taskId, type Status, type Task, type TaskId } from '../../src/core/task.ts';
import { HandClock, settle } from './hand-clock.ts';

export const LEASE_MS = 30 * 60_000;

export const AGENT: AgentAssignment = {
  agent: 'claude',
  model: undefined,
  agentMode: 'unattended',
};

export const OPTIONS: RunOptions = {
  runMode: 'strict',
  onFailure: 'continue',
  pauseBetweenWaves: false,
  heldTasks: 'skip',
  reviewGate: 'inRun',
  retries: 0,
  retryAfterMs: 30_000,
  maxEqualFailures: 0,
  leaseMs: LEASE_MS,
  statusOnSuccess: 'Review',
  timeLimitMs: 0,
  stuckAfterMs: 0,
  agentCaps: [],
  budget: undefined,
  isolation: undefined,
  resolveConflicts: undefined,
  sameFiles: undefined,
};

/**
 * A task out of `b < a c: src/x.ts`: an id, what it depends on, the files it names; `+a` is done,
 * `?a` is in Review.
 */
export function taskOf(text: string): Task {
  const [relations = '', files = ''] = text.split(':').map((part) => part.trim());
  const [head = '', dependencies = ''] = relations.split('<').map((part) => part.trim());
  const status: Status = head.startsWith('+') ? 'Done' : head.startsWith('?') ? 'Review' : 'Todo';
  const id = taskId(head.replace(/^[+?]/, ''));
  return {
    id,
    title: `Title of ${id}`,
    description: files === '' ? `Description of ${id}` : `Files: ${files}`,
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

/** `a b | c` are two waves. */
export function wavesOf(text: string): readonly (readonly TaskId[])[] {
  return text.split('|').map((wave) => wave.split(' ').filter(Boolean).map(taskId));
}

/** How an agent of the rig ends: with an exit code, by a signal, or as told. */
export type Ending =
  | number
  | { readonly signal: string | undefined }
  | Extract<TaskOutcome, { kind: 'rateLimited' | 'unknown' | 'failed' | 'notStarted' }>;

/** A step of the world that waits for a test to let it happen. */
export interface Pending {
  readonly label: string;
  readonly go: () => void;
  readonly fail: (error: Error) => void;
}

/** An agent at work, with the lock it works under. It outlives the runner that had it started. */
interface AtWork {
  readonly job: Job;
  readonly holder: string;
  readonly end: (how: Ending | 'stopped') => void;
}

/**
 * An attempt, as its supervisor reports it; its state is reported to all listeners, now and later.
 */
interface Supervised {
  readonly stop: AbortController;
  listener: WorkListener;
  claimedBy: string | undefined;
  isStarted: boolean;
  end: Promise<WorkEnd>;
}

/**
 * A backlog in memory and a worker that locks its tasks and runs its agents, whose every step a
 * test can hold up.
 *
 * Steps are called `refresh`, `flush`, `claim a`, `finish a Todo` and `dying a`; those that
 * `isManual` names wait in `pending`. Agents always wait in `agents`, unless `onAgent` ends them.
 */
export class RunRig implements TaskWorker {
  readonly clock: HandClock;
  readonly tasks = new Map<TaskId, Task>();
  readonly pending: Pending[] = [];
  readonly agents = new Map<string, AtWork>();
  /** Every step that happened, in order. */
  readonly steps: string[] = [];
  /** Every event, of all runners. */
  readonly events: RunEvent[] = [];
  readonly bugs: unknown[] = [];
  /** What a step answers instead of doing its work; `agent a` is one too. */
  readonly failures = new Map<string, Failure | Error>();
  isManual: (label: string) => boolean = () => false;
  onAgent: (job: Job) => void = () => undefined;
  agentOf: (id: TaskId) => AgentAssignment = () => AGENT;
  verifyWave: RunnerWorld['verifyWave'];
  state: StoreState | undefined;
  options: RunOptions = OPTIONS;
  runner: WaveRunner;
  maxAlive = 0;
  readonly #supervised = new Map<string, Supervised>();
  readonly #changed = new Emitter<void>();
  readonly #time: Clock;
  #runs = 0;
  #holders = 0;

  /** `time` takes the place of the clock that is turned by hand. */
  constructor(backlog: readonly string[], cap = 4, time?: Clock) {
    this.clock = new HandClock();
    this.#time = time ?? this.clock;
    for (const text of backlog) this.put(taskOf(text));
    this.runner = this.#openRunner(cap);
  }

  put(task: Task): void {
    this.tasks.set(task.id, task);
  }

  change(id: string, change: Partial<Task>): void {
    this.put({ ...this.task(id), ...change });
  }

  /** What the files say is read anew, without anybody having asked for it. */
  async notice(): Promise<void> {
    this.#changed.fire();
    await settle();
  }

  task(id: string): Task {
    const task = this.tasks.get(taskId(id));
    assert(task, `there is a task ${id}`);
    return task;
  }

  /** Everything, or `a b | c`, as a run would be asked for. */
  request(waves: string | readonly (readonly TaskId[])[]): RunRequest {
    const ids = typeof waves === 'string' ? wavesOf(waves) : waves;
    const agents = new Map(ids.flat().map((id) => [id, this.agentOf(id)]));
    return { title: 'all', waves: ids, options: this.options, agents };
  }

  /** `a b | c` are two waves. */
  start(waves: string): string {
    const started = this.runner.start(this.request(waves));
    assert(started.ok);
    return started.value.runId;
  }

  /** Asks this of every run. */
  async steer(request: LeaderRequest): Promise<void> {
    await Promise.all(this.runner.runs.map(({ runId }) => this.runner.steer(runId, request)));
  }

  /**
   * The window goes away and comes back: a new runner goes on with the runs as their journals tell
   * them. An attempt that was written down, and whose worker was never asked, is queued again.
   */
  reopen(cap = this.runner.cap): void {
    const going = this.runner.runs.filter((run) => run.phase !== 'ended').map(({ runId }) => runId);
    this.runner.detachAll();
    this.runner = this.#openRunner(cap);
    for (const runId of going) {
      const state = this.journal(runId);
      const attach = new Set<TaskId>();
      for (const { id, phase, attemptNo } of state.tasks.values()) {
        if (phase === 'queued' || phase === 'ended') continue;
        if (this.#supervised.has(`${runId}/${attemptNo}`)) attach.add(id);
        else this.#requeueLost(runId, id);
      }
      this.runner.restore(this.journal(runId), attach);
    }
  }

  /** The state of a run as its events tell it after they were written down and read back. */
  journal(runId: string): RunState {
    const events = this.events.filter((event) => event.runId === runId);
    const state = foldJournal(JSON.parse(JSON.stringify(events)) as RunEvent[]);
    assert(state);
    return state;
  }

  /** Lets a step that waits happen. */
  async let(label: string): Promise<void> {
    const index = this.pending.findIndex((pending) => pending.label === label);
    assert(index >= 0, `${label} waits; waiting: ${this.pending.map((p) => p.label).join(', ')}`);
    this.pending.splice(index, 1)[0]!.go();
    await settle();
  }

  /** Ends the agent of a task. */
  async end(id: string, how: Ending): Promise<void> {
    const agent = this.agents.get(id);
    assert(agent, `an agent works on ${id}`);
    agent.end(how);
    await settle();
  }

  get alive(): string {
    return [...this.agents.keys()].sort().join(' ');
  }

  outcome(id: string, runId = 'r1'): TaskOutcome | undefined {
    return this.run(runId)?.tasks.get(taskId(id))?.outcome;
  }

  run(runId = 'r1'): RunState | undefined {
    return this.runner.runs.find((run) => run.runId === runId);
  }

  /** `a:succeeded b:skipped/dependencyFailed`, in the order of the run. */
  outcomes(runId = 'r1'): string {
    return [...(this.run(runId)?.tasks.values() ?? [])]
      .map((task) => `${task.id}:${word(task.outcome)}`)
      .join(' ');
  }

  /** Why each task of a run waits that does: `a:held b:retry`. */
  waits(runId = 'r1'): string {
    const waiting = [...(this.run(runId)?.tasks.values() ?? [])].filter(
      ({ waits }) => waits !== undefined,
    );
    return waiting.map(({ id, waits }) => `${id}:${waits!.kind}`).join(' ');
  }

  /** The kinds of what was told of a task, or of its run. */
  story(id?: string): string {
    const mine = this.events.filter((event) =>
      id === undefined ? !('id' in event) : 'id' in event && event.id === id,
    );
    return mine.map(({ kind }) => kind).join(' ');
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
      readAt: this.#time.now(),
    };
  }

  readonly readiness: RunnerWorld['readiness'] = (snapshot, id, opened) => {
    const task = snapshot.byId.get(id)!;
    const now = this.#time.now();
    const reasons: NotReady[] = [];
    for (const dependency of task.dependencies.flatMap((d) => snapshot.byId.get(d) ?? [])) {
      if (isSettled(dependency.status) || opened.has(dependency.id)) continue;
      reasons.push({
        kind: 'waitsFor',
        id: dependency.id,
        status: dependency.status,
        lease: { kind: 'free' },
      });
    }
    const { lock, status, rawStatus } = task;
    if (lock?.until !== undefined && lock.until > now) {
      reasons.push({
        kind: 'held',
        lease: { kind: 'theirs', lock, remainingMs: lock.until - now },
      });
    }
    if (status !== 'Todo' && status !== 'In Progress')
      reasons.push({ kind: 'status', status, rawStatus });
    const [first, ...rest] = reasons;
    return first === undefined
      ? { kind: 'ready' }
      : { kind: 'notReady', reasons: [first, ...rest] };
  };

  work(job: Job, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    const key = `${job.runId}/${job.attemptNo}`;
    assert(!this.#supervised.has(key), `one supervisor for ${key}`);
    const stop = new AbortController();
    const supervised: Supervised = {
      stop,
      listener,
      claimedBy: undefined,
      isStarted: false,
      end: Promise.resolve({ kind: 'stopped' }),
    };
    this.#supervised.set(key, supervised);
    supervised.end = this.#supervise(job, supervised);
    return watchStop(signal, supervised);
  }

  attach(
    { runId, attemptNo }: JobInProgress,
    signal: AbortSignal,
    listener: WorkListener,
  ): Promise<WorkEnd> {
    const supervised = this.#supervised.get(`${runId}/${attemptNo}`);
    assert(supervised, 'there is something to attach to');
    supervised.listener = listener;
    if (supervised.claimedBy !== undefined) listener.onClaimed(supervised.claimedBy);
    if (supervised.isStarted) listener.onStarted();
    return watchStop(signal, supervised);
  }

  async #supervise(job: Job, supervised: Supervised): Promise<WorkEnd> {
    const { id } = job.task;
    const holder = `claude-host-${++this.#holders}`;
    const refused = await this.#step(
      `claim ${id}`,
      () => this.#failing(`claim ${id}`) ?? this.#claim(id, holder),
    );
    if (refused !== undefined) return { kind: 'refused', failure: refused };
    if (supervised.stop.signal.aborted)
      return this.#finish(id, holder, 'Todo', { kind: 'stopped' });
    supervised.claimedBy = holder;
    supervised.listener.onClaimed(holder);
    const failure = this.#failing(`agent ${id}`);
    const ending = failure === undefined ? await this.#agent(job, holder, supervised) : failure;
    if (ending === 'stopped') return this.#finish(id, holder, 'Todo', { kind: 'stopped' });
    if (ending === 0) return this.#finish(id, holder, job.options.statusOnSuccess, undefined);
    if (typeof ending === 'number')
      return this.#finish(id, holder, 'Todo', failedWith(ending, undefined));
    if ('signal' in ending && !('kind' in ending)) return this.#finish(id, holder, 'Todo', failedWith(undefined, ending.signal)); // prettier-ignore
    const outcome = ending as Exclude<typeof ending, { signal: string | undefined }>;
    if (failure !== undefined)
      return this.#finish(id, holder, 'Todo', { kind: 'notStarted', failure });
    return this.#finish(id, holder, 'Todo', outcome as WorkEnd);
  }

  #agent(job: Job, holder: string, supervised: Supervised): Promise<Ending | 'stopped'> {
    const { id } = job.task;
    assert(!this.agents.has(id), `one agent on ${id}`);
    return new Promise((resolve) => {
      const end = (how: Ending | 'stopped'): void => {
        this.agents.delete(id);
        this.steps.push(`end ${id}`);
        resolve(how);
      };
      this.agents.set(id, { job, holder, end });
      this.maxAlive = Math.max(this.maxAlive, this.agents.size);
      this.steps.push(`agent ${id}`);
      supervised.stop.signal.addEventListener('abort', () => {
        void this.#step(`dying ${id}`, () => this.agents.has(id) && end('stopped'));
      });
      supervised.isStarted = true;
      supervised.listener.onStarted();
      this.onAgent(job);
    });
  }

  #claim(id: TaskId, holder: string): Failure | undefined {
    const task = this.tasks.get(id);
    if (task === undefined) return { kind: 'noSuchTask', id };
    const now = this.#time.now();
    const { lock, status, rawStatus, version } = task;
    const until = lock?.until ?? 0;
    if (lock !== undefined && until > now) return { kind: 'held', id, holder: lock.holder, until };
    if (status !== 'Todo' && status !== 'In Progress')
      return { kind: 'notClaimable', id, status, rawStatus };
    this.change(id, {
      status: 'In Progress',
      version: version + 1,
      lock: { holder, since: now, until: Infinity },
    });
    return undefined;
  }

  /** Gives the task back; `outcome` undefined is a success. */
  #finish(
    id: TaskId,
    holder: string,
    to: 'Todo' | 'Review' | 'Done',
    outcome: WorkEnd | undefined,
  ): Promise<WorkEnd> {
    return this.#step(`finish ${id} ${to}`, () => {
      const failure = this.#failing(`finish ${id} ${to}`);
      const task = this.tasks.get(id);
      const exitCode = outcome === undefined ? 0 : undefined;
      if (failure !== undefined) return { kind: 'notRecorded', exitCode, failure };
      if (task?.lock?.holder !== holder) return { kind: 'lockLost', holder: task?.lock?.holder };
      const status = task.status === 'In Progress' ? to : task.status;
      this.change(id, { status, rawStatus: status, lock: undefined });
      return outcome ?? { kind: 'succeeded', status, evidence: undefined };
    });
  }

  #failing(label: string): Failure | undefined {
    const failure = this.failures.get(label);
    if (failure instanceof Error) throw failure;
    return failure;
  }

  async #step<T>(label: string, act: () => T): Promise<T> {
    if (this.isManual(label))
      await new Promise<void>((go, fail) => this.pending.push({ label, go, fail }));
    this.steps.push(label);
    return act();
  }

  #requeueLost(runId: string, id: TaskId): void {
    const [outcome, at]: [TaskOutcome, number] = [{ kind: 'stopped' }, this.#time.now()];
    this.events.push({ kind: 'taskRequeued', runId, id, outcome, notBefore: at, at });
  }

  #openRunner(cap: number): WaveRunner {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- getters of the source below look at the rig
    const rig = this;
    const runner = new WaveRunner(
      {
        source: {
          root: '/backlog',
          get state(): StoreState {
            return rig.state ?? { kind: 'ready', snapshot: rig.snapshot() };
          },
          refresh: () => this.#step('refresh', () => undefined),
          onDidChange: this.#changed.event,
        },
        worker: this,
        clock: this.#time,
        readiness: (...args) => this.readiness(...args),
        newRunId: () => `r${++this.#runs}`,
        flushed: () => this.#step('flush', () => undefined),
        verifyWave: async (...args) => this.verifyWave?.(...args),
        caseFoldPaths: false,
        reportBug: (error) => void this.bugs.push(error),
      },
      cap,
    );
    runner.onEvent((event) => void this.events.push(event));
    return runner;
  }
}

function failedWith(exitCode: number | undefined, signal: string | undefined): WorkEnd {
  return { kind: 'failed', cause: { kind: 'exit' }, exitCode, signal, evidence: undefined };
}

function watchStop(signal: AbortSignal, { stop, end }: Supervised): Promise<WorkEnd> {
  if (signal.aborted) stop.abort();
  signal.addEventListener('abort', () => stop.abort());
  return end;
}

function word(outcome: TaskOutcome | undefined): string {
  if (outcome?.kind === 'skipped') return `skipped/${outcome.reason.kind}`;
  return outcome?.kind ?? 'open';
}

/** Lets every agent end well as soon as it works, except those that `endings` names. */
export function autopilot(rig: RunRig, endings: Readonly<Record<string, Ending>> = {}): void {
  rig.onAgent = ({ task }) => {
    setImmediate(() => rig.agents.get(task.id)?.end(endings[task.id] ?? 0));
  };
}

const ATTEMPT = ['taskStarting', 'taskClaimed', 'taskStarted'];

/** Holds the grammar of a run's story: each thing once, in its order, nothing after the end. */
export function assertWellFormed(events: readonly RunEvent[]): void {
  for (const runId of new Set(events.map((event) => event.runId))) {
    const story = events.filter((event) => event.runId === runId);
    const first = story[0]!;
    assert(first.kind === 'runStarted', `${runId} begins with its attemptNo`);
    assert.equal(story.at(-1)?.kind, 'runEnded', `${runId} ends`);
    for (const once of ['runStarted', 'runEnded'])
      assert.equal(story.filter((e) => e.kind === once).length, 1, once);
    assert(story.filter((e) => e.kind === 'runStopping').length <= 1);
    const at = (kind: RunEvent['kind'], matches: (e: RunEvent) => boolean): number =>
      story.findIndex((e) => e.kind === kind && matches(e));
    for (const [wave, ids] of first.waves.entries()) {
      const opened = at('waveStarted', (e) => 'wave' in e && e.wave === wave);
      const closed = at('waveEnded', (e) => 'wave' in e && e.wave === wave);
      assert.equal(opened < 0, closed < 0, 'a wave that starts ends');
      if (first.options.runMode === 'strict' && wave > 0 && opened >= 0) {
        assert(
          at('waveEnded', (e) => 'wave' in e && e.wave === wave - 1) < opened,
          'waves do not overlap',
        );
      }
      for (const id of ids) {
        assertTaskStory(id, story.filter((e) => 'id' in e && e.id === id)); // prettier-ignore
        const begun = at('taskStarting', (e) => 'id' in e && e.id === id);
        if (begun >= 0) assert(opened >= 0 && opened < begun, `${id} is begun in its wave`);
        const ended = story.findLastIndex((e) => e.kind === 'taskEnded' && e.id === id);
        if (closed >= 0) assert(ended < closed, `${id} ends before its wave`);
      }
    }
    const starts = story.flatMap((e) => (e.kind === 'taskStarting' ? e.attemptNo : []));
    assert.equal(new Set(starts).size, starts.length, 'no two attempts share a number');
  }
}

function assertTaskStory(id: TaskId, story: readonly RunEvent[]): void {
  assert.equal(
    story.filter(({ kind }) => kind === 'taskEnded').length,
    1,
    `${id} ends exactly once`,
  );
  assert.equal(story.at(-1)?.kind, 'taskEnded', `nothing is told of ${id} after its end`);
  let step = 0;
  let waits: unknown = undefined;
  for (const event of story) {
    if (event.kind === 'taskWaits') {
      assert.equal(step, 0, `${id} waits only in the queue`);
      assert.notDeepEqual(event.reason, waits, `${id} tells a wait once`);
      waits = event.reason;
    } else if (event.kind === 'taskRequeued' || event.kind === 'taskEnded') {
      if (event.kind === 'taskRequeued') assert(step > 0, `${id} is requeued after an attempt`);
      [step, waits] = [0, undefined];
    } else {
      assert.equal(
        event.kind,
        ATTEMPT[step],
        `${id} is begun, claimed, started: ${story.map((e) => e.kind).join(' ')}`,
      );
      step++;
      waits = undefined;
    }
  }
}
