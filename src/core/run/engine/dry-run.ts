import type { Failure } from '../../failure.ts';
import type { BacklogSource, TaskWorker } from '../../ports.ts';
import { LookupMap } from '../../lookup-map.ts';
import { pushTo } from '../../push-to.ts';
import { ok, type Result } from '../../result.ts';
import type { Snapshot, StoreState } from '../../snapshot.ts';
import type { Status, Task, TaskId } from '../../task.ts';
import type { RunEvent, SkipReason, WaitReason } from '../run-events.ts';
import type { RunRequest } from '../run-options.ts';
import type { RunnerWorld } from './run-world.ts';
import { VirtualClock } from './virtual-clock.ts';
import { WaveRunner } from './wave-runner.ts';

/** One task as it would be worked on; times are ms from the start of the run. */
export interface DryStep {
  readonly id: TaskId;
  /** Index into the waves of the run. */
  readonly wave: number;
  readonly startsAt: number;
  readonly endsAt: number;
  /** What it would wait for on the way, in order. */
  readonly waits: readonly WaitReason[];
}

export interface DryRun {
  /** In the order of their starts. */
  readonly order: readonly DryStep[];
  readonly skipped: readonly { readonly id: TaskId; readonly reason: SkipReason }[];
  readonly makespanMs: number;
}

export interface DryRunOptions {
  readonly request: RunRequest;
  readonly state: StoreState;
  readonly root: string;
  readonly readiness: RunnerWorld['readiness'];
  /** How long a task is likely to take, in ms. */
  readonly durationOf: (id: TaskId) => number;
  /** See `RunnerWorld`. */
  readonly touched?: RunnerWorld['touched'];
  readonly caseFoldPaths: boolean;
  /** Where the time begins, in epoch ms. */
  readonly now: number;
  /**
   * Resolves when everything that does not wait for the clock has run: a turn of the event loop.
   */
  readonly settle: () => Promise<void>;
}

/**
 * What a run would do, if every agent ended well: the same engine, over a clock that does not wait
 * and a worker that starts and claims nothing. Fails as `WaveRunner.start`.
 */
export async function dryRun(
  options: DryRunOptions,
  cap: number,
): Promise<Result<DryRun, Failure>> {
  const clock = new VirtualClock(options.now);
  const done = new Map<TaskId, Status>();
  const events: RunEvent[] = [];
  const bugs: unknown[] = [];
  const runner = new WaveRunner(
    {
      source: pretend(options, clock, done),
      worker: pretendWorker(clock, options.durationOf, done),
      clock,
      readiness: options.readiness,
      newRunId: () => 'dry-run',
      flushed: () => Promise.resolve(),
      estimate: options.durationOf,
      ...(options.touched && { touched: options.touched }),
      caseFoldPaths: options.caseFoldPaths,
      reportBug: (error) => void bugs.push(error),
    },
    cap,
  );
  runner.onEvent((event) => {
    events.push(event);
    // No user is there to press Go On.
    if (event.kind === 'runPaused') void runner.steer(event.runId, { ask: 'goOn' });
  });
  // Nothing is used, so that a budget says nothing of it.
  const unlimited = { ...options.request.options, budget: undefined };
  const started = runner.start({ ...options.request, options: unlimited });
  if (!started.ok) return started;
  const isOver = (): boolean => events.at(-1)?.kind === 'runEnded';
  const hasEnded = await clock.runUntil(isOver, options.settle);
  runner.dispose();
  if (bugs.length > 0) throw bugs[0];
  if (!hasEnded) throw new Error('Internal error: a dry run that does not end');
  return ok(reportOf(events));
}

/** How long the run would take in all, for each of these caps. */
export async function estimate(
  options: DryRunOptions,
  caps: readonly number[],
): Promise<Result<readonly { readonly cap: number; readonly makespanMs: number }[], Failure>> {
  const estimates: { readonly cap: number; readonly makespanMs: number }[] = [];
  for (const cap of caps) {
    const run = await dryRun(options, cap);
    if (!run.ok) return run;
    estimates.push({ cap, makespanMs: run.value.makespanMs });
  }
  return ok(estimates);
}

/** Ends every attempt well after the time that it is likely to take. */
function pretendWorker(
  clock: VirtualClock,
  durationOf: (id: TaskId) => number,
  done: Map<TaskId, Status>,
): TaskWorker {
  return {
    work: ({ task, options }, _signal, listener) => {
      listener.onClaimed('dry-run');
      listener.onStarted();
      const status = options.statusOnSuccess;
      return new Promise((resolve) => {
        clock.after(durationOf(task.id), () => {
          done.set(task.id, status);
          resolve({ kind: 'succeeded', status, evidence: undefined });
        });
      });
    },
    attach: () => {
      throw new Error('Internal error: a dry run has nothing to attach to');
    },
  };
}

/**
 * The backlog as it would become: one snapshot all along, so that what others know of it stays
 * known.
 */
function pretend(
  { state, root }: DryRunOptions,
  clock: VirtualClock,
  done: ReadonlyMap<TaskId, Status>,
): Pick<BacklogSource, 'root' | 'state' | 'refresh' | 'onDidChange'> {
  const source = {
    root,
    refresh: () => Promise.resolve(),
    onDidChange: () => ({ dispose: () => undefined }),
  };
  if (state.kind !== 'ready') return { ...source, state };
  const now = (): number => clock.now();
  const snapshot: Snapshot = {
    ...state.snapshot,
    byId: new BecomingTasks(state.snapshot.byId, done, now),
  };
  return { ...source, state: { kind: 'ready', snapshot } };
}

/**
 * Tasks as they would be by now: those that were worked on have their new status, and leases end.
 */
class BecomingTasks extends LookupMap<TaskId, Task> {
  readonly #tasks: ReadonlyMap<TaskId, Task>;
  readonly #done: ReadonlyMap<TaskId, Status>;
  readonly #now: () => number;

  constructor(
    tasks: ReadonlyMap<TaskId, Task>,
    done: ReadonlyMap<TaskId, Status>,
    now: () => number,
  ) {
    super();
    this.#tasks = tasks;
    this.#done = done;
    this.#now = now;
  }

  get size(): number {
    return this.#tasks.size;
  }

  get(id: TaskId): Task | undefined {
    const task = this.#tasks.get(id);
    const status = this.#done.get(id);
    if (task === undefined) return undefined;
    if (status !== undefined) return { ...task, status, rawStatus: status, lock: undefined };
    return (task.lock?.until ?? Infinity) <= this.#now() ? { ...task, lock: undefined } : task;
  }

  *entries(): MapIterator<[TaskId, Task]> {
    for (const id of this.#tasks.keys()) yield [id, this.get(id) as Task];
  }
}

function reportOf(events: readonly RunEvent[]): DryRun {
  const waveOf = new Map<TaskId, number>();
  const waits = new Map<TaskId, WaitReason[]>();
  const starts = new Map<TaskId, number>();
  const ends = new Map<TaskId, number>();
  const skipped: { readonly id: TaskId; readonly reason: SkipReason }[] = [];
  let [begunAt, lastAt] = [0, 0];
  for (const event of events) {
    lastAt = event.at;
    if (event.kind === 'runStarted') {
      begunAt = event.at;
      for (const [wave, ids] of event.waves.entries()) for (const id of ids) waveOf.set(id, wave);
    } else if (event.kind === 'taskWaits' && event.reason !== undefined) {
      pushTo(waits, event.id, event.reason);
    } else if (event.kind === 'taskStarting') {
      starts.set(event.id, event.at - begunAt);
    } else if (event.kind === 'taskEnded') {
      ends.set(event.id, event.at - begunAt);
      if (event.outcome.kind === 'skipped')
        skipped.push({ id: event.id, reason: event.outcome.reason });
    }
  }
  const order = [...starts].map(([id, startsAt]) => ({
    id,
    wave: waveOf.get(id) ?? 0,
    startsAt,
    endsAt: ends.get(id) ?? startsAt,
    waits: waits.get(id) ?? [],
  }));
  return { order, skipped, makespanMs: lastAt - begunAt };
}
