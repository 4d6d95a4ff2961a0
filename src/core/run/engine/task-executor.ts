import type { WorkEnd, WorkListener } from '../../ports.ts';
import { filesOf } from '../../named-files.ts';
import { priorityRank, type Task, type TaskId } from '../../task.ts';
import { runAttempt, type AttemptResult } from './attempt.ts';
import { checkStart, type StartCheck, type RunProgress } from './start-check.ts';
import type { Entry } from './run-entry.ts';
import type { RunStep, SkipReason, TaskRun } from '../run-events.ts';
import type { RunContext } from './run-context.ts';
import { isWindowWork, type RunOptions } from '../run-options.ts';
import type { RunnerWorld } from './run-world.ts';
import type { Candidate, Scheduler } from './scheduler.ts';

/** A turn in which no worker started; `back`: the task is queued again. */
export type Unstarted = Exclude<StartCheck, { kind: 'start' }> | { readonly kind: 'back' };

/** The parts of a run that all of its helpers need. */
export interface RunParts {
  readonly options: RunOptions;
  readonly runContext: RunContext;
  readonly scheduler: Scheduler;
  readonly tell: (event: RunStep) => void;
  /** Why a task should not start, checked after every wait. */
  readonly whyNot: (entry: Entry) => Unstarted | undefined;
}

/** The parts of a run that turns need. */
export interface TaskExecutorOptions extends RunParts {
  readonly runId: string;
  readonly soFar: RunProgress;
  /** Its first task begins. */
  readonly openWave: (wave: number) => void;
  /** A number that no attempt of this run had. */
  readonly nextAttemptNo: () => number;
  readonly onSettled: (entry: Entry, result: AttemptResult | Unstarted) => void;
  /** True after a detach from this run, or from all: no further events or starts. */
  readonly isDetached: () => boolean;
}

/**
 * Takes each selected task through its turn: check again, send the event, make it durable, start
 * the worker. A turn always ends with `onSettled`, unless the window detached from the run
 * meanwhile.
 */
export class TaskExecutor {
  readonly #options: TaskExecutorOptions;
  readonly #holders = new Set<string>();

  constructor(options: TaskExecutorOptions) {
    this.#options = options;
  }

  isHolder(holder: string): boolean {
    return this.#holders.has(holder);
  }

  /** Starts a task; the caller provides the slot. */
  take(entry: Entry): Promise<void> {
    return this.#through(entry, () => this.#tryOn(entry));
  }

  /** Continues an attempt that an earlier window began. */
  attach(entry: Entry, { phase, attemptNo }: TaskRun): Promise<void> {
    const { runId, options, runContext } = this.#options;
    const { id, agent, holder } = entry;
    const { worker, source } = runContext.world;
    entry.isAtWork = true;
    if (holder !== undefined) this.#holders.add(holder);
    const job = { runId, id, attemptNo: attemptNo ?? 0, root: source.root, agent, options, holder };
    const before = { claimed: phase !== 'starting', started: phase === 'running' };
    return this.#through(entry, async () => {
      const attach = (signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> =>
        worker.attach(job, signal, listener);
      const attempted = await runAttempt(attach, entry, this.#listenerOf(entry), before);
      // An attempt that was refused in an earlier window never began, and the reason may be gone:
      // it is queued again.
      if (attempted.end.kind === 'refused') entry.isRequeued = true;
      return attempted;
    });
  }

  async #through(entry: Entry, attempt: () => Promise<AttemptResult | Unstarted>): Promise<void> {
    const { runId, runContext, scheduler, onSettled, isDetached } = this.#options;
    const { active, limiter, files, world } = runContext;
    const { id, agent } = entry;
    const isOurs = !active.has(id);
    const taken: SkipReason = { kind: 'claimFailed', failure: { kind: 'alreadyRunning' } };
    let result: AttemptResult | Unstarted = { kind: 'skip', reason: taken };
    entry.phase = 'begun';
    limiter.begin(agent.agent);
    if (isOurs) {
      active.set(id, runId);
      try {
        result = await attempt();
      } catch (error) {
        world.reportBug(error);
        const failure = { kind: 'internal', detail: String(error) } as const;
        result = { end: { kind: 'notRecorded', exitCode: undefined, failure }, wasClaimed: true };
      }
      if (runContext.isDetached()) return;
      active.delete(id);
    }
    const freed = isOurs ? files.release(id, scheduler.filesOf(id)) : [];
    if (entry.holder !== undefined) this.#holders.delete(entry.holder);
    [entry.holder, entry.control, entry.isAtWork] = [undefined, undefined, false];
    // Before the agent count falls: a rate limit halves the count at that time.
    if (!isDetached()) onSettled(entry, result);
    limiter.end(agent.agent);
    runContext.letOthersGoOn(freed);
  }

  async #tryOn(entry: Entry): Promise<AttemptResult | Unstarted> {
    const {
      runId,
      options,
      runContext,
      soFar,
      scheduler,
      tell,
      whyNot,
      openWave,
      nextAttemptNo,
      isDetached,
    } = this.#options;
    const { world } = runContext;
    const { id, agent, followUp } = entry;
    await world.source.refresh();
    const early = whyNot(entry);
    if (early !== undefined) return early;
    const mayWaitFor = (on: TaskId): boolean => scheduler.mayWaitFor(id, on);
    const seen = checkStart(id, world.source.state, soFar, world.readiness, mayWaitFor);
    const look = seen.kind === 'held' && world.isFollowed?.(agent) === true ? seen.start : seen;
    if (look.kind !== 'start') return look;
    if (!this.#takeFiles(id, look.task)) return { kind: 'back' };

    openWave(entry.wave);
    const attemptNo = nextAttemptNo();
    const tryNo = entry.tryNo + 1;
    [entry.attemptNo, entry.tryNo, entry.waits] = [attemptNo, tryNo, undefined];
    entry.isAtWork = true;
    entry.control = new AbortController();
    tell({ kind: 'taskStarting', id, attemptNo, tryNo });
    await world.flushed();
    const late = whyNot(entry);
    // A pause does not stop an attempt that has begun.
    if (late !== undefined && late.kind !== 'back') return late;
    if (entry.isRequeued || isDetached()) return { end: { kind: 'stopped' }, wasClaimed: false };
    const session = world.sessionOf?.(runId, id);
    const { task, dependencies } = look;
    const job = {
      runId,
      attemptNo,
      tryNo,
      root: world.source.root,
      task,
      dependencies,
      agent,
      options,
      sessionId: session?.sessionId,
      sessionUsage: session?.sessionUsage,
      followUp,
    };
    return runAttempt(
      (signal, listener) => world.worker.work(job, signal, listener),
      entry,
      this.#listenerOf(entry),
    );
  }

  /** Updates the files from the current description; false where one of them is in use. */
  #takeFiles(id: TaskId, task: Task): boolean {
    const { runContext, scheduler } = this.#options;
    const [before, now] = [scheduler.filesOf(id), filesNamed(task, runContext.world)];
    if (before.length === now.length && before.every((file, i) => file === now[i])) return true;
    const freed = runContext.files.release(id, before);
    scheduler.setFiles(id, now);
    runContext.letOthersGoOn(freed);
    const isInUse = now.some((file) => runContext.files.userOf(file, id) !== undefined);
    if (isInUse && !scheduler.isApart(id)) return false;
    runContext.files.take(id, now, scheduler.likelyOf(id));
    return true;
  }

  #listenerOf(entry: Entry): {
    readonly claimed: (holder: string) => void;
    readonly started: () => void;
  } {
    const { tell } = this.#options;
    const { id } = entry;
    return {
      claimed: (holder) => {
        entry.holder = holder;
        this.#holders.add(holder);
        tell({ kind: 'taskClaimed', id, holder });
      },
      started: () => tell({ kind: 'taskStarted', id }),
    };
  }
}

/**
 * A task of a run as the scheduler sees it; `task` is undefined where the backlog does not have it
 * now.
 */
export function candidateOf(
  { id, wave, agent }: Pick<Entry, 'id' | 'wave' | 'agent'>,
  task: Task | undefined,
  world: Pick<RunnerWorld, 'estimate' | 'touched' | 'caseFoldPaths'>,
  { isolation, sameFiles }: Pick<RunOptions, 'isolation' | 'sameFiles'>,
): Candidate {
  const isApart = isolation !== undefined && sameFiles === 'advise' && !isWindowWork(agent);
  return {
    isApart,
    id,
    wave,
    agent: agent.agent,
    dependencies: task?.dependencies ?? [],
    weight: Math.max(1, world.estimate?.(id) ?? 1),
    rank: priorityRank(task?.priority ?? 'other'),
    files: task === undefined ? [] : filesNamed(task, world),
    likely: world.touched?.(id) ?? [],
  };
}

function filesNamed(
  { description }: Task,
  world: Pick<RunnerWorld, 'caseFoldPaths'>,
): readonly string[] {
  return filesOf(description, { foldCase: world.caseFoldPaths });
}
