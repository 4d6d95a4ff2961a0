import pLimit, { type LimitFunction } from 'p-limit';
import { Emitter, type Disposable, type Event } from '../events.ts';
import type { Failure } from '../failure.ts';
import { fail, ok, type Result } from '../result.ts';
import type { TaskId } from '../task.ts';
import { createEntry, entryOf, stateOf, withoutRepeats, type Entry, type Run } from './live-run.ts';
import type { RunEvent, RunState, TaskOutcome } from './run-events.ts';
import { applyRunEvents } from './run-state.ts';
import { workOn, type RunWorld } from './task-work.ts';

/** What to run: waves in order, each a set of tasks that may run side by side. */
export interface RunRequest {
  readonly title: string;
  readonly waves: readonly (readonly TaskId[])[];
}

/** A run that was started; `ended` resolves when all its tasks have ended and that is written down. */
export interface RunHandle {
  readonly runId: string;
  readonly ended: Promise<RunState>;
}

/**
 * Runs tasks wave by wave, one agent per task, never more than the cap at a time over all runs of one backlog.
 *
 *     waiting ──turn──▶ begun: look again ▶ claim ▶ agent ▶ record ──▶ ended
 *        └──────stop──────────────────────────────────────────────▶ ended
 *
 * A wave starts when every task of the one before it has ended. A task that fails holds back what depends on it and
 * nothing else. Each task ends exactly once, whatever happens, and holds no claim of its run after that.
 */
export class WaveRunner implements Disposable {
  readonly #world: RunWorld;
  readonly #limit: LimitFunction;
  readonly #runs = new Map<string, Run>();
  /** The run that works on a task right now: never two agents on one task. */
  readonly #active = new Map<TaskId, string>();
  readonly #events = new Emitter<RunEvent>();
  readonly #changes = new Emitter<void>();
  readonly #undelivered: RunEvent[] = [];
  #delivering = false;
  #disposed = false;

  /** Each event once, in order; also those that a listener causes while it is told of another. */
  readonly onEvent: Event<RunEvent> = this.#events.event;
  /** After `runs` changed. */
  readonly onDidChange: Event<void> = this.#changes.event;

  /** `cap` is how many agents may work at a time; less than 1 counts as 1. */
  constructor(world: RunWorld, cap: number) {
    this.#world = world;
    this.#limit = pLimit(asCap(cap));
  }

  /** The runs that go on, and those that ended and were not cleared, in the order they were started. */
  get runs(): readonly RunState[] {
    return [...this.#runs.values()].map(stateOf);
  }

  /** The run that works on this task now, if any. */
  runOf(id: TaskId): string | undefined {
    return this.#active.get(id);
  }

  #isTaken(id: TaskId): boolean {
    return [...this.#runs.values()].some((run) => run.entries.has(id) && run.entries.get(id)?.phase !== 'ended');
  }

  /** Counts at once for what has not started yet; agents at work go on. */
  setCap(cap: number): void {
    this.#limit.concurrency = asCap(cap);
  }

  /**
   * Starts a run of what no other run has at work or in its queue: a second press of Run must not run a task twice. Fails
   * with `nothingToRun`, or with `alreadyRunning` where other runs have all of it.
   */
  start(request: RunRequest): Result<RunHandle, Failure> {
    const wanted = withoutRepeats(request.waves);
    if (wanted.length === 0 || this.#disposed) return fail({ kind: 'nothingToRun' });
    const waves = withoutRepeats(wanted.map((ids) => ids.filter((id) => !this.#isTaken(id))));
    const ids = waves.flat();
    if (ids.length === 0) return fail({ kind: 'alreadyRunning' });
    const { newRunId, policy, clock } = this.#world;
    const runId = newRunId();
    if (this.#runs.has(runId)) throw new Error(`Internal error: a second run called ${runId}`);
    const started: RunEvent = { kind: 'runStarted', runId, title: request.title, waves, at: clock.now() };
    const state = applyRunEvents(undefined, [started]);
    const entries = new Map(ids.map((id) => [id, createEntry(id)]));
    const run: Run = { runId, policy: policy(), entries, state, unapplied: [], ended: Promise.resolve(state) };
    this.#runs.set(runId, run);
    this.#deliver(started);
    run.ended = this.#drive(run);
    return ok({ runId, ended: run.ended });
  }

  /** Ends the work on a task in every run that has it; resolves when it has ended and is written down. */
  async stopTask(id: TaskId): Promise<void> {
    const entries = [...this.#runs.values()].flatMap((run) => {
      const entry = run.entries.get(id);
      if (entry !== undefined) this.#stop(run, entry);
      return entry ?? [];
    });
    await Promise.all(entries.map((entry) => entry.ended));
  }

  /** Ends a run: what waits is skipped, agents at work are ended. Resolves when all of it is written down. */
  async stopRun(runId: string): Promise<void> {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    if (stateOf(run).phase === 'running') {
      this.#emit(run, { kind: 'runStopping', runId, at: this.#now() });
      for (const entry of run.entries.values()) this.#stop(run, entry);
    }
    await run.ended;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#runs.keys()].map((runId) => this.stopRun(runId)));
  }

  /** Forgets a run that has ended; does nothing to one that goes on. */
  clear(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined || stateOf(run).phase !== 'ended') return;
    this.#runs.delete(runId);
    this.#tellChange();
  }

  /** Stops everything and tells nobody any more; `stopAll` first, where the end is to be waited for. */
  dispose(): void {
    this.#disposed = true;
    this.#events.dispose();
    this.#changes.dispose();
    void this.stopAll();
  }

  async #drive(run: Run): Promise<RunState> {
    const { runId } = run;
    for (const [wave, ids] of run.state.waves.entries()) {
      if (stateOf(run).phase !== 'running') break;
      this.#emit(run, { kind: 'waveStarted', runId, wave, at: this.#now() });
      const entries = ids.map((id) => entryOf(run, id));
      for (const entry of entries) {
        void this.#limit(() => this.#work(run, entry)).catch(this.#world.reportBug);
      }
      await Promise.all(entries.map((entry) => entry.ended));
      this.#emit(run, { kind: 'waveEnded', runId, wave, at: this.#now() });
    }
    this.#emit(run, { kind: 'runEnded', runId, at: this.#now() });
    return stateOf(run);
  }

  async #work(run: Run, entry: Entry): Promise<void> {
    if (entry.phase !== 'waiting') return;
    entry.phase = 'begun';
    const { id } = entry;
    const { runId } = run;
    if (this.#active.has(id)) {
      const failure: Failure = { kind: 'alreadyRunning' };
      this.#end(run, entry, { kind: 'skipped', reason: { kind: 'claimFailed', failure } });
      return;
    }
    this.#active.set(id, runId);
    let [claimed, started] = [false, false];
    const outcome = await workOn(
      {
        id,
        policy: run.policy,
        stop: entry.stop.signal,
        run: () => stateOf(run),
        onClaimed: () => {
          claimed = true;
          this.#emit(run, { kind: 'taskClaimed', runId, id, at: this.#now() });
        },
        onStarted: () => {
          // A runner may be late or repeat itself; the story is told once and in order.
          if (!claimed || started || entry.phase !== 'begun') return;
          started = true;
          this.#emit(run, { kind: 'taskStarted', runId, id, at: this.#now() });
        },
      },
      this.#world,
    );
    this.#active.delete(id);
    this.#end(run, entry, outcome);
  }

  #stop(run: Run, entry: Entry): void {
    entry.stop.abort();
    // What waits for a slot ends at once, and its turn finds it ended.
    if (entry.phase === 'waiting') this.#end(run, entry, { kind: 'skipped', reason: { kind: 'stopped' } });
  }

  #end(run: Run, entry: Entry, outcome: TaskOutcome): void {
    entry.phase = 'ended';
    this.#emit(run, { kind: 'taskEnded', runId: run.runId, id: entry.id, outcome, at: this.#now() });
    entry.resolve();
  }

  #emit(run: Run, event: RunEvent): void {
    run.unapplied.push(event);
    this.#deliver(event);
  }

  /** In order, although a listener may cause further events: it hears of those after everybody has heard of this one. */
  #deliver(event: RunEvent): void {
    this.#undelivered.push(event);
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = this.#undelivered.shift(); next !== undefined; next = this.#undelivered.shift()) {
      try {
        this.#events.fire(next);
      } catch (error) {
        // A view that cannot bear an event must not hold up the work.
        this.#world.reportBug(error);
      }
      this.#tellChange();
    }
    this.#delivering = false;
  }

  #tellChange(): void {
    try {
      this.#changes.fire();
    } catch (error) {
      this.#world.reportBug(error);
    }
  }

  #now(): number {
    return this.#world.clock.now();
  }
}

function asCap(cap: number): number {
  return Number.isNaN(cap) ? 1 : Math.max(1, Math.floor(cap));
}
