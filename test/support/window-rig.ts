import assert from 'node:assert/strict';
import { Emitter } from '../../src/core/events.ts';
import type { Failure } from '../../src/core/failure.ts';
import type {
  Claim,
  Job,
  Renewal,
  TaskWorker,
  WorkEnd,
  WorkListener,
} from '../../src/core/ports.ts';
import { fail, ok, type Result } from '../../src/core/result.ts';
import { ClaimReconciler } from '../../src/core/lease/claim-reconciler.ts';
import { routingWorker } from '../../src/core/run/attempt/routing-worker.ts';
import type { VerifyResult } from '../../src/core/run/evidence.ts';
import { LeaseKeeper } from '../../src/core/lease/lease-keeper.ts';
import type { RunEvent } from '../../src/core/run/run-events.ts';
import { type AgentAssignment, KIND_OF, type RunOptions } from '../../src/core/run/run-options.ts';
import { SubagentHostRegistry } from '../../src/core/run/attempt/subagent-host-registry.ts';
import { WaveRunner } from '../../src/core/run/engine/wave-runner.ts';
import { WindowWorker, type RunLocks } from '../../src/core/run/attempt/window-worker.ts';
import type { StoreState } from '../../src/core/snapshot.ts';
import { parseStatus, taskId, type Status, type Task, type TaskId } from '../../src/core/task.ts';
import { HandClock, settle } from './hand-clock.ts';
import { OPTIONS, RunRig, taskOf } from './run-rig.ts';

const LEASE_MS = 30 * 60_000;

export const HUMAN: AgentAssignment = {
  agent: KIND_OF.human,
  model: undefined,
  agentMode: 'human',
};
export const SUBAGENT: AgentAssignment = {
  agent: KIND_OF.subagent,
  model: undefined,
  agentMode: 'subagent',
};

/** What one holder does with the store of a rig, which is one row each in memory. */
export interface RigLocks extends RunLocks {
  release(id: TaskId, to: 'Todo' | 'Review' | 'Done'): Promise<Result<Status, Failure>>;
  renew(ids: readonly TaskId[], leaseMs: number): Promise<Result<Renewal, Failure>>;
}

/** A window on the store of a rig: its locks, what keeps them, and its worker. */
export interface RigWindow {
  readonly holder: string;
  readonly locks: RigLocks;
  readonly keeper: LeaseKeeper;
  readonly worker: WindowWorker;
  readonly subagentHosts: SubagentHostRegistry;
  /** The window goes away; what a person holds stays, everything else of its is let go. */
  close(): void;
}

/** An attempt at work, as a test sees it. */
export interface Attempt {
  readonly told: string[];
  readonly stop: AbortController;
  end: WorkEnd | undefined;
  readonly ended: Promise<WorkEnd>;
}

/** A backlog in memory with windows on it, whose every step a test makes. */
export class WindowRig {
  readonly clock = new HandClock();
  readonly tasks = new Map<TaskId, Task>();
  readonly comments: string[] = [];
  readonly opened: string[] = [];
  readonly bugs: unknown[] = [];
  readonly gaveBack: string[] = [];
  /** Every two holders that had a task at a time: there must be none. */
  readonly doubles: string[] = [];
  verify: ((signal: AbortSignal) => Promise<VerifyResult>) | undefined;
  follows = false;
  readonly source: {
    readonly root: string;
    readonly state: StoreState;
    refresh(): Promise<void>;
    readonly onDidChange: Emitter<void>['event'];
  };
  readonly #changed = new Emitter<void>();

  constructor(backlog: readonly string[] = ['a']) {
    for (const text of backlog) this.put(taskOf(text));
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getter of the source looks at the rig
    const rig = this;
    this.source = {
      root: '/backlog',
      get state() {
        return rig.state();
      },
      refresh: () => Promise.resolve(),
      onDidChange: this.#changed.event,
    };
  }

  put(task: Task): void {
    this.tasks.set(task.id, task);
  }

  task(id: string): Task {
    const task = this.tasks.get(taskId(id));
    assert(task, `there is a task ${id}`);
    return task;
  }

  /** `a: In Progress vscode-here-1`, of all tasks. */
  get rows(): string {
    return [...this.tasks.values()]
      .map(({ id, status, lock }) => `${id} ${status} ${lock?.holder ?? '-'}`)
      .join(', ');
  }

  state(): StoreState {
    const { tasks, clock } = this;
    const all = [...tasks.values()];
    const snapshot = {
      root: '/backlog',
      file: '/backlog/.todo2/todo2.db',
      source: 'sqlite',
      project: 'backlog',
    } as const;
    return {
      kind: 'ready',
      snapshot: { ...snapshot, tasks: all, byId: new Map(tasks), notices: [], readAt: clock.now() },
    };
  }

  /** Another process writes to the store, and all windows see it. */
  async change(id: string, change: Partial<Pick<Task, 'status' | 'lock'>>): Promise<void> {
    this.#write(taskId(id), change);
    await settle();
  }

  /** Another process claims a task, as an agent does. */
  claimFor(id: string, holder: string): Promise<void> {
    const now = this.clock.now();
    return this.change(id, {
      status: 'In Progress',
      lock: { holder, since: now, until: now + LEASE_MS },
    });
  }

  locksOf(holder: string): RigLocks {
    const isMine = (id: TaskId): boolean => this.tasks.get(id)?.lock?.holder === holder;
    const lost = (id: TaskId): Failure => ({
      kind: 'lockLost',
      id,
      holder: this.tasks.get(id)?.lock?.holder,
    });
    const end = (id: TaskId, to: Status): Result<Status, Failure> => {
      if (!isMine(id)) return fail(lost(id));
      const status = this.task(id).status === 'In Progress' ? to : this.task(id).status;
      this.#write(id, { status, lock: undefined });
      return ok(status);
    };
    return {
      holder,
      claim: async (id, leaseMs) => this.#claim(id, holder, leaseMs),
      release: async (id, to) => end(id, to),
      releaseWithResult: async (id, { to, overrules, comment }) => {
        const { status, lock } = this.task(id);
        const isFinished = status === 'Review' || status === 'Done';
        const ended = isFinished && lock === undefined ? ok(status) : end(id, to);
        if (!ended.ok) return ended;
        const now = overrules && isFinished ? to : ended.value;
        if (now !== ended.value) this.#write(id, { status: now });
        if (comment !== undefined) this.comments.push(comment(now));
        return ok({ status: now });
      },
      renew: async (ids, leaseMs) => {
        const until = this.clock.now() + leaseMs;
        const renewed = ids.filter(isMine);
        for (const id of renewed) this.#write(id, { lock: { ...this.task(id).lock!, until } });
        const gone = ids.filter((id) => !isMine(id));
        return ok({
          renewed,
          until,
          lost: gone.map((id) => ({ id, holder: this.tasks.get(id)?.lock?.holder })),
        });
      },
      setStatus: async (id, from, to) => {
        const { lock, rawStatus } = this.task(id);
        if (lock !== undefined && !isMine(id))
          return fail({ kind: 'held', id, holder: lock.holder, until: lock.until ?? 0 });
        if (rawStatus !== from) return fail({ kind: 'changedMeanwhile', id, rawStatus });
        this.#write(id, { status: to, lock: undefined });
        return ok(to);
      },
      forceRelease: async (id, lock) => {
        const { lock: now, status, rawStatus } = this.task(id);
        if (now?.holder !== lock.holder || now.until !== lock.until)
          return fail({ kind: 'changedMeanwhile', id, rawStatus });
        this.#write(id, { status: status === 'In Progress' ? 'Todo' : status, lock: undefined });
        return ok(this.task(id).status);
      },
    };
  }

  open(holder = 'vscode-here-1'): RigWindow {
    const { clock, source } = this;
    const reportBug = (error: unknown): void => void this.bugs.push(error);
    const locks = this.locksOf(holder);
    const leaseMs = (): number => LEASE_MS;
    const keeper: LeaseKeeper = new LeaseKeeper({
      locks,
      clock,
      leaseMs,
      reportBug,
      reclaim: (id) => watch.reclaim(id),
    });
    const watch: ClaimReconciler = new ClaimReconciler({
      source,
      locks,
      keeper,
      clock,
      leaseMs,
      reportBug,
    });
    const subagentHosts = new SubagentHostRegistry();
    const worker = new WindowWorker({
      locks,
      keeper,
      source,
      clock,
      subagentHosts,
      reportBug,
      followsSubagents: () => this.follows,
      prepare: async ({ task }) =>
        ok({
          prompt: `Do ${task.id}`,
          label: 'somebody',
          verify: this.verify,
          touchedFiles: async () => ['src/a.ts'],
          logFile: undefined,
          tell: () => undefined,
          close: () => undefined,
        }),
      resultOf: async () => 'What was reported',
      openTask: (id) => void this.opened.push(id),
      releaseFor: async (from, id) => {
        this.gaveBack.push(`${id} ${from}`);
        await this.locksOf(from).release(id, 'Todo');
      },
    });
    const close = (): void => {
      worker.detach();
      const byHand = new Set(keeper.heldByHand);
      watch.dispose();
      keeper.dispose();
      for (const { id, lock } of [...this.tasks.values()]) {
        if (lock?.holder === holder && !byHand.has(id)) void locks.release(id, 'Todo');
      }
    };
    return { holder, locks, keeper, worker, subagentHosts, close };
  }

  /** What a window does for a person's locks after another one: they are its own from then on. */
  async adopt(from: RigWindow, to: RigWindow): Promise<void> {
    for (const { id, lock } of [...this.tasks.values()]) {
      if (lock?.holder !== from.holder) continue;
      this.#write(id, { lock: { ...lock, holder: to.holder } });
      to.keeper.track(id, LEASE_MS, { byHand: true, version: this.task(id).version });
    }
    await settle();
  }

  job(id: string, agent: AgentAssignment, options: Partial<RunOptions> = {}): Job {
    return {
      runId: 'r1',
      attemptNo: 1,
      tryNo: 1,
      root: '/backlog',
      task: this.task(id),
      dependencies: [],
      agent,
      options: { ...OPTIONS, ...options },
      sessionId: undefined,
    };
  }

  /** Begins an attempt of a window and lets what can happen happen. */
  async work(
    window: RigWindow,
    id: string,
    agent: AgentAssignment,
    options: Partial<RunOptions> = {},
  ): Promise<Attempt> {
    return this.#begin((signal, listener) =>
      window.worker.work(this.job(id, agent, options), signal, listener),
    );
  }

  /** Goes on with one of an earlier window. */
  async attach(
    window: RigWindow,
    id: string,
    agent: AgentAssignment,
    holder?: string,
  ): Promise<Attempt> {
    const { runId, attemptNo, root, options } = this.job(id, agent);
    const job = { runId, attemptNo, root, options, agent, id: taskId(id), holder };
    return this.#begin((signal, listener) => window.worker.attach(job, signal, listener));
  }

  async #begin(
    work: (signal: AbortSignal, listener: WorkListener) => Promise<WorkEnd>,
  ): Promise<Attempt> {
    const told: string[] = [];
    const stop = new AbortController();
    const listener = {
      onClaimed: (by: string) => void told.push(`claimed ${by}`),
      onStarted: () => void told.push('started'),
    };
    const ended = work(stop.signal, listener);
    const attempt: Attempt = { told, stop, end: undefined, ended };
    void ended.then((end) => (attempt.end = end));
    await settle();
    return attempt;
  }

  /**
   * A runner over this store, whose processes are those of a run rig: they end as `processes` lets
   * them.
   */
  runner(
    window: RigWindow,
    processes: TaskWorker,
    cap: number,
  ): { runner: WaveRunner; events: RunEvent[] } {
    const readiness = new RunRig([]).readiness;
    const isOurs = (holder: string): boolean => holder === window.holder;
    const runner = new WaveRunner(
      {
        source: this.source,
        clock: this.clock,
        caseFoldPaths: false,
        worker: routingWorker(processes, window.worker),
        isFollowed: ({ agentMode }) => agentMode === 'subagent' && this.follows,
        readiness: (snapshot, id, opened) => {
          const task = snapshot.byId.get(id)!;
          const mine =
            task.lock !== undefined && isOurs(task.lock.holder)
              ? { ...task, lock: undefined }
              : task;
          return readiness(
            { ...snapshot, byId: new Map([...snapshot.byId, [id, mine]]) },
            id,
            opened,
          );
        },
        newRunId: () => 'r1',
        flushed: () => Promise.resolve(),
        reportBug: (error) => void this.bugs.push(error),
      },
      cap,
    );
    const events: RunEvent[] = [];
    runner.onEvent((event) => void events.push(event));
    return { runner, events };
  }

  #claim(id: TaskId, holder: string, leaseMs: number): Result<Claim, Failure> {
    const task = this.tasks.get(id);
    if (task === undefined) return fail({ kind: 'noSuchTask', id });
    const { lock, status, rawStatus, version } = task;
    const now = this.clock.now();
    const isLive = lock !== undefined && (lock.until ?? Infinity) > now;
    if (isLive && lock.holder !== holder)
      return fail({ kind: 'held', id, holder: lock.holder, until: lock.until ?? 0 });
    if (status !== 'Todo' && status !== 'In Progress')
      return fail({ kind: 'notClaimable', id, status, rawStatus });
    const until = now + leaseMs;
    this.#write(id, { status: 'In Progress', lock: { holder, since: now, until } });
    return ok({ id, holder, since: now, until, fresh: !isLive, version: version + 1 });
  }

  #write(id: TaskId, change: Partial<Pick<Task, 'status' | 'lock'>>): void {
    const task = this.task(id);
    const [before, after] = [task.lock, 'lock' in change ? change.lock : task.lock];
    const wasLive = before !== undefined && (before.until ?? Infinity) > this.clock.now();
    const isAdopted =
      before?.holder.startsWith('vscode-') === true && after?.holder.startsWith('vscode-') === true;
    if (wasLive && after !== undefined && before.holder !== after.holder && !isAdopted) {
      this.doubles.push(`${id}: ${before.holder}, ${after.holder}`);
    }
    const status = change.status ?? task.status;
    this.put({
      ...task,
      ...change,
      rawStatus: status,
      status: parseStatus(status),
      version: task.version + 1,
    });
    this.#changed.fire();
  }
}
