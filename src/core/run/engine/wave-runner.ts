import pLimit, { type LimitFunction } from 'p-limit';
import type { Disposable, Event } from '../../events.ts';
import type { Failure } from '../../failure.ts';
import type { LeaderRequest } from '../../ports.ts';
import { fail, ok, type Result } from '../../result.ts';
import type { TaskId } from '../../task.ts';
import { AgentLimiter } from './agent-limiter.ts';
import { EventQueue } from './event-queue.ts';
import { FilesInUse } from './files-in-use.ts';
import { LiveRun } from './live-run.ts';
import type { RunEvent, RunState } from '../run-events.ts';
import type { RunContext } from './run-context.ts';
import type { RunRequest } from '../run-options.ts';
import { applyRunEvent } from '../journal/run-state.ts';
import type { RunnerWorld } from './run-world.ts';

/** A started run; `ended` resolves after the last event of the run, and never after a detach. */
export interface RunHandle {
  readonly runId: string;
  readonly ended: Promise<RunState>;
}

/**
 * Runs the tasks of one backlog, one agent per task, never more than the cap at a time over all
 * runs.
 *
 * In strict waves a wave starts when every task of the one before it has ended, in flow a task
 * starts when its dependencies have succeeded. A failed task holds back its dependants only, unless
 * the run's options say to stop. Each task ends exactly once, and its lock is released by then.
 */
export class WaveRunner implements Disposable {
  readonly #world: RunnerWorld;
  readonly #limit: LimitFunction;
  readonly #runs = new Map<string, LiveRun>();
  readonly #events: EventQueue;
  readonly #runContext: RunContext;
  readonly #coolDowns = new Map<string, Disposable>();
  #isDetached = false;
  #isDisposed = false;

  /** Each event once, in order; also events that a listener causes. */
  readonly onEvent: Event<RunEvent>;
  /** After `runs` changed. */
  readonly onDidChange: Event<void>;

  /** `cap` is how many agents may work at a time; less than 1 counts as 1. */
  constructor(world: RunnerWorld, cap: number) {
    this.#world = world;
    this.#limit = pLimit(asCap(cap));
    this.#events = new EventQueue(world.reportBug);
    this.onEvent = this.#events.onEvent;
    this.onDidChange = this.#events.onDidChange;
    this.#runContext = {
      world,
      limit: this.#limit,
      limiter: new AgentLimiter(world.clock),
      files: new FilesInUse(),
      active: new Map(),
      isDetached: () => this.#isDetached,
      tell: (event) => this.#events.tell(event),
      letOthersGoOn: (freed) => {
        for (const run of this.#runs.values()) {
          run.freed(freed);
          run.pump();
        }
      },
      coolDown: (agent, until) => this.#coolDown(agent, until),
    };
  }

  /** Active runs, and ended runs that were not cleared, in the order of their starts. */
  get runs(): readonly RunState[] {
    return [...this.#runs.values()].map((run) => run.state);
  }

  get cap(): number {
    return this.#limit.concurrency;
  }

  /** The run that works on this task now, if any. */
  runOf(id: TaskId): string | undefined {
    return this.#runContext.active.get(id);
  }

  /** True for the holder name of an agent of one of these runs. */
  isHolder(holder: string): boolean {
    return [...this.#runs.values()].some((run) => run.isHolder(holder));
  }

  /** Applies at once to tasks that have not started; agents at work continue. */
  setCap(cap: number): void {
    if (asCap(cap) === this.cap) return;
    this.#limit.concurrency = asCap(cap);
    for (const run of this.#runs.values()) run.setCap(this.cap);
  }

  /**
   * Starts a run of the tasks that no other run has at work or queued: a second press of Run must
   * not run a task twice. Fails with `nothingToRun`, or with `alreadyRunning` where other runs have
   * all of it.
   */
  start(request: RunRequest): Result<RunHandle, Failure> {
    const wanted = withoutRepeats(request.waves);
    if (wanted.length === 0 || this.#isDisposed || this.#isDetached)
      return fail({ kind: 'nothingToRun' });
    const going = [...this.#runs.values()].filter((run) => run.phase !== 'ended');
    const isTaken = (id: TaskId): boolean =>
      going.some(({ entries }) => (entries.get(id)?.phase ?? 'ended') !== 'ended');
    const waves = withoutRepeats(wanted.map((ids) => ids.filter((id) => !isTaken(id))));
    if (waves.length === 0) return fail({ kind: 'alreadyRunning' });
    const { newRunId, clock } = this.#world;
    const runId = newRunId();
    if (this.#runs.has(runId)) throw new Error(`Internal error: a second run called ${runId}`);
    const ids = new Set(waves.flat());
    const agents = [...request.agents].filter(([id]) => ids.has(id));
    const followUps = [...(request.followUps ?? [])].filter(([id]) => ids.has(id));
    const { title, options, resumes } = request;
    const started: RunEvent = {
      kind: 'runStarted',
      runId,
      title,
      waves,
      options,
      agents,
      resumes,
      ...(followUps.length > 0 && { followUps }),
      at: clock.now(),
    };
    const run = new LiveRun(applyRunEvent(undefined, started), this.#runContext);
    this.#runs.set(runId, run);
    this.#events.tell(started);
    run.setCap(this.cap);
    run.begin();
    return ok({ runId, ended: run.ended });
  }

  /**
   * Continues a run of another window from the state of its journal. Attempts in `attach` are
   * watched; every other attempt must have an end already. Several runs are restored synchronously,
   * so that their attempts at work get slots before anything further starts.
   */
  restore(state: RunState, attach: ReadonlySet<TaskId>): RunHandle {
    const { runId } = state;
    if (this.#runs.has(runId)) throw new Error(`Internal error: a second run called ${runId}`);
    const run = new LiveRun(state, this.#runContext);
    this.#runs.set(runId, run);
    run.takeOver(attach);
    if (state.cap !== this.cap) run.setCap(this.cap);
    return { runId, ended: run.ended };
  }

  /** Executes a request of the user, see `LiveRun.steer`; does nothing for an unknown run. */
  async steer(runId: string, request: LeaderRequest): Promise<void> {
    await this.#runs.get(runId)?.steer(request);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.steer({ ask: 'stopRun' })));
  }

  /** Removes a run that has ended; does nothing for an active one. */
  clear(runId: string): void {
    if (this.#runs.get(runId)?.phase !== 'ended') return;
    this.#runs.delete(runId);
    this.#events.changed();
  }

  /** Takes on what was written about a run that has ended; does nothing for any other. */
  renew(state: RunState): void {
    const run = this.#runs.get(state.runId);
    if (run?.phase !== 'ended') return;
    run.renew(state);
    this.#events.changed();
  }

  /** Removes a run that another window leads now; attempts at work continue. */
  detach(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    run.detach();
    this.#runs.delete(runId);
    this.#events.changed();
  }

  /** For a window that closes: no further events, no further starts; attempts at work continue. */
  detachAll(): void {
    this.#isDetached = true;
    for (const run of this.#runs.values()) run.detach();
    for (const timer of this.#coolDowns.values()) timer.dispose();
    this.#events.dispose();
  }

  /** Stops everything without further events; to wait for the end, call `stopAll` first. */
  dispose(): void {
    this.#isDisposed = true;
    this.#events.dispose();
    if (!this.#isDetached) void this.stopAll();
    for (const timer of this.#coolDowns.values()) timer.dispose();
  }

  #coolDown(agent: string, until: number): void {
    this.#coolDowns.get(agent)?.dispose();
    const { clock } = this.#world;
    const timer = clock.after(Math.max(0, until - clock.now()), () => {
      this.#coolDowns.delete(agent);
      this.#runContext.limiter.cooledDown(agent);
      for (const run of this.#runs.values()) run.cooledDown(agent);
    });
    this.#coolDowns.set(agent, timer);
  }
}

function asCap(cap: number): number {
  return Number.isNaN(cap) ? 1 : Math.max(1, Math.floor(cap));
}

/** Each task once, where it stands first, and no empty wave. */
function withoutRepeats(waves: readonly (readonly TaskId[])[]): readonly (readonly TaskId[])[] {
  const seen = new Set<TaskId>();
  const first = (id: TaskId): boolean => !seen.has(id) && seen.add(id).has(id);
  return waves.map((ids) => ids.filter(first)).filter((ids) => ids.length > 0);
}
