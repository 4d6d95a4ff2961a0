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

/** A run that goes on; `ended` resolves when all its tasks have ended and that was told, and never where the window lets go of it. */
export interface RunHandle {
  readonly runId: string;
  readonly ended: Promise<RunState>;
}

/**
 * Runs the tasks of one backlog, one agent per task, never more than the cap at a time over all runs.
 *
 * In strict waves a wave starts when every task of the one before it has ended, in flow a task starts when what it depends on
 * has ended well. A task that fails holds back what depends on it and nothing else, unless the run is told to stop then.
 * Each task ends exactly once, whatever happens, and what its worker held is given back by then.
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

  /** Each event once, in order; also those that a listener causes while it is told of another. */
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

  /** The runs that go on, and those that ended and were not cleared, in the order they were started. */
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

  /** True for the name under which an agent of one of these runs holds its task now. */
  isHolder(holder: string): boolean {
    return [...this.#runs.values()].some((run) => run.isHolder(holder));
  }

  /** Counts at once for what has not started yet; agents at work go on. */
  setCap(cap: number): void {
    if (asCap(cap) === this.cap) return;
    this.#limit.concurrency = asCap(cap);
    for (const run of this.#runs.values()) run.setCap(this.cap);
  }

  /**
   * Starts a run of what no other run has at work or in its queue: a second press of Run must not run a task twice. Fails
   * with `nothingToRun`, or with `alreadyRunning` where other runs have all of it.
   */
  start(request: RunRequest): Result<RunHandle, Failure> {
    const wanted = withoutRepeats(request.waves);
    if (wanted.length === 0 || this.#isDisposed || this.#isDetached) return fail({ kind: 'nothingToRun' });
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
    const { title, options, resumes } = request;
    const started: RunEvent = {
      kind: 'runStarted',
      runId,
      title,
      waves,
      options,
      agents,
      resumes,
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
   * Goes on with a run that another window began, as its journal tells it. Attempts in `attach` are watched; every other one
   * must have been settled by events before. Several runs are to be restored in one go, so that all that is at work has its
   * slot before anything further starts.
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

  /** Does what the user asks of a run, see `LiveRun.steer`; does nothing for a run that is not here. */
  async steer(runId: string, request: LeaderRequest): Promise<void> {
    await this.#runs.get(runId)?.steer(request);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.steer({ ask: 'stopRun' })));
  }

  /** Forgets a run that has ended; does nothing to one that goes on. */
  clear(runId: string): void {
    if (this.#runs.get(runId)?.phase !== 'ended') return;
    this.#runs.delete(runId);
    this.#events.changed();
  }

  /** Another window leads this run now: forgets it and leaves everything at work to it. */
  detach(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    run.detach();
    this.#runs.delete(runId);
    this.#events.changed();
  }

  /** The window closes: nobody is told anything any more, nothing further starts, and what is at work goes on without us. */
  detachAll(): void {
    this.#isDetached = true;
    for (const run of this.#runs.values()) run.detach();
    for (const timer of this.#coolDowns.values()) timer.dispose();
    this.#events.dispose();
  }

  /** Stops everything and tells nobody any more; `stopAll` first, where the end is to be waited for. */
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
