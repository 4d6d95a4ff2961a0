import { Emitter, never } from '../../events.ts';
import type { Failure } from '../../failure.ts';
import type {
  BacklogSource,
  Claim,
  Clock,
  Job,
  JobInProgress,
  Locks,
  TaskWorker,
  WorkEnd,
  WorkListener,
} from '../../ports.ts';
import { fail, ok, type Result } from '../../result.ts';
import { taskIn } from '../../snapshot.ts';
import type { Status, Task, TaskId } from '../../task.ts';
import type { VerifyResult } from '../evidence.ts';
import { watchExternalWork } from './external-work.ts';
import { type Completion, waitForCompletion, type WaitingTasks } from './manual-work.ts';
import type { LeaseKeeper } from '../../lease/lease-keeper.ts';
import type { SubagentHostRegistry } from './subagent-host-registry.ts';
import { reportOf, workBySubagent } from './subagent-work.ts';
import { type AgentReport, type Ending, workOnTask } from './task-work.ts';

/** The locks of a window, with the release that records a result. */
export interface RunLocks extends Pick<Locks, 'holder' | 'claim' | 'setStatus' | 'forceRelease'> {
  /**
   * As `WorkWorld.locks.release`. With `acceptsMoved` a task in Review or Done whose lock was
   * cleared elsewhere counts as ended: its status stays, but where the ending overrules it. Fails
   * with `lockLost` where another holder has the task.
   */
  releaseWithResult(
    id: TaskId,
    ending: Ending,
    options: { readonly acceptsMoved: true },
  ): Promise<Result<{ readonly status: Status }, Failure>>;
}

/** What one attempt in a window is made of. */
export interface WindowJob {
  /** For the agent; the user reads the task itself. */
  readonly prompt: string;
  /** The agent's name in the result. */
  readonly label: string;
  /** Undefined where nothing verifies this task. */
  readonly verify: ((signal: AbortSignal) => Promise<VerifyResult>) | undefined;
  readonly touchedFiles: () => Promise<readonly string[]>;
  /** Relative to the root. */
  readonly logFile: string | undefined;
  /** Logs what the agent says. */
  readonly tell: (text: string) => void;
  /** To be called at the end. */
  readonly close: () => void;
}

export interface WindowWorkerOptions {
  readonly locks: RunLocks;
  readonly keeper: Pick<LeaseKeeper, 'track' | 'tracks' | 'untrack' | 'onDidLose' | 'onDidChange'>;
  readonly source: Pick<BacklogSource, 'root' | 'state' | 'refresh' | 'onDidChange'>;
  readonly clock: Clock;
  readonly subagentHosts: SubagentHostRegistry;
  /**
   * True where the host's agents claim tasks themselves, so that their work is followed in the
   * store.
   */
  readonly followsSubagents: () => boolean;
  /** A failure refuses the attempt. */
  readonly prepare: (job: Job) => Promise<Result<WindowJob, Failure>>;
  /** The latest result that was written down for a task. */
  readonly resultOf: (id: TaskId) => Promise<string | undefined>;
  /** Shows a task to the user who is to work on it. */
  readonly openTask: (id: TaskId) => void;
  /**
   * Releases the lock of a closed window, In Progress to Todo; of no other holder. Never rejects.
   */
  readonly releaseFor: (holder: string, id: TaskId) => Promise<void>;
  readonly reportBug: (error: unknown) => void;
}

/**
 * A window adopts the user's locks of the previous one within this time, after a reload or a crash.
 */
const ADOPTED_WITHIN_MS = 35_000;
const LOOK_EVERY_MS = 1_000;
/**
 * Recording the end is retried for this long while the store is busy; the lease is kept meanwhile.
 */
const RECORDED_WITHIN_MS = 10 * 60_000;
const PASSING: ReadonlySet<Failure['kind']> = new Set(['busy', 'writerDied']);

/**
 * Does the work of this window: the user's, and that of the editor's subagents; and follows work of
 * other holders. The locks of the first two belong to this window: the user's survive a reload as
 * every manual lock does, a subagent's ends with the window.
 */
export class WindowWorker implements TaskWorker {
  readonly #options: WindowWorkerOptions;
  /** The user's tasks. */
  readonly #waiting: WaitingTasks = new Map();
  /** Followed tasks; `isBeingFinished` while this window writes their end. */
  readonly #followed = new Map<
    TaskId,
    { isBeingFinished: boolean; readonly finished: Emitter<undefined> }
  >();
  /** The time of the last sign of work on a task, epoch ms. */
  readonly #signs = new Map<TaskId, number>();
  readonly #gone = new AbortController();

  constructor(options: WindowWorkerOptions) {
    this.#options = options;
  }

  async work(job: Job, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    return this.#attempt(job, signal, listener, { isAttached: false });
  }

  /**
   * Continues what an earlier window began: the user's task continues under the lock that this
   * window adopted, work of other holders is followed further. A subagent of the editor ended with
   * its window, so its end is `unknown`.
   */
  async attach(job: JobInProgress, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    const { source, releaseFor, followsSubagents } = this.#options;
    if (job.agent.agentMode === 'subagent' && !followsSubagents()) {
      if (job.holder !== undefined) await releaseFor(job.holder, job.id);
      return { kind: 'unknown', detail: 'its window was closed while the subagent worked' };
    }
    await source.refresh();
    const task = this.#taskOf(job.id);
    if (task === undefined)
      return { kind: 'unknown', detail: 'the task is not in the backlog any more' };
    const again = { ...job, task, tryNo: 1, dependencies: [], sessionId: undefined };
    return this.#attempt(again, signal, listener, { isAttached: true });
  }

  /** True for a task that the user can complete: one of theirs, or one that is followed. */
  awaitsManualCompletion(id: TaskId): boolean {
    return this.#waiting.has(id) || this.#followed.has(id);
  }

  /**
   * Completes a task for the user. For a task of another holder this also force-releases the lock.
   * Fails as `Locks.forceRelease` and `Locks.setStatus` do, and with `noSuchTask`.
   */
  async complete(id: TaskId, as?: 'Review' | 'Done'): Promise<Result<undefined, Failure>> {
    const end = this.#waiting.get(id);
    if (end !== undefined) {
      this.#waiting.delete(id);
      end({ as });
      return ok(undefined);
    }
    const followed = this.#followed.get(id);
    if (followed === undefined) return fail({ kind: 'noSuchTask', id });
    const { source } = this.#options;
    followed.isBeingFinished = true;
    try {
      const finished = await this.#finishForOthers(id, as ?? 'Review');
      return finished.ok ? ok(undefined) : finished;
    } finally {
      await source.refresh();
      followed.isBeingFinished = false;
      followed.finished.fire(undefined);
    }
  }

  /**
   * The time of the last sign of work on a task of this worker, epoch ms; undefined for other
   * tasks.
   */
  lastActivityAt(id: TaskId): number | undefined {
    return this.#signs.get(id);
  }

  /**
   * For a window that closes: the user's locks stay for the next one, subagents are cancelled,
   * `work` never resolves.
   */
  detach(): void {
    this.#gone.abort();
  }

  async #attempt(
    job: Job,
    signal: AbortSignal,
    listener: WorkListener,
    how: { readonly isAttached: boolean },
  ): Promise<WorkEnd> {
    if (signal.aborted && !how.isAttached) return { kind: 'stopped' };
    const { subagentHosts, followsSubagents, prepare, clock } = this.#options;
    const { id } = job.task;
    const isHuman = job.agent.agentMode === 'human';
    const follows = !isHuman && followsSubagents();
    const closed = isHuman || follows ? undefined : subagentHosts.available();
    if (closed !== undefined) return { kind: 'refused', failure: closed };
    const prepared = await prepare(job);
    if (!prepared.ok) return { kind: 'refused', failure: prepared.failure };
    this.#signs.set(id, clock.now());
    try {
      if (follows) return await this.#follow(job, prepared.value, signal, listener, how);
      const end = await this.#workOn(job, prepared.value, signal, listener, how);
      return how.isAttached && end.kind === 'refused' ? endedMeanwhile(end.failure) : end;
    } finally {
      prepared.value.close();
      this.#signs.delete(id);
    }
  }

  #workOn(
    job: Job,
    parts: WindowJob,
    stop: AbortSignal,
    listener: WorkListener,
    { isAttached }: { readonly isAttached: boolean },
  ): Promise<WorkEnd> {
    const { locks, keeper, source, clock, reportBug } = this.#options;
    const { id } = job.task;
    const isHuman = job.agent.agentMode === 'human';
    let word: Completion = { as: undefined };
    const byPerson = async (signal: AbortSignal, onStarted: () => void): Promise<AgentReport> => {
      onStarted();
      if (!isAttached) this.#options.openTask(id);
      const said = await waitForCompletion(id, signal, source, this.#waiting);
      if (said === 'aborted') return reportOf({ kind: 'stopped' });
      if (said !== 'moved') word = said;
      return reportOf({ kind: 'exited', exitCode: 0, signal: undefined });
    };
    const bySubagent = async (signal: AbortSignal, onStarted: () => void): Promise<AgentReport> => {
      const { prompt, tell } = parts;
      const asked = {
        prompt,
        description: job.task.title,
        timeLimitMs: job.options.timeLimitMs,
        signal,
        onStarted,
        onActivity: () => void this.#signs.set(id, clock.now()),
      };
      const report = await workBySubagent(asked, this.#options.subagentHosts, clock);
      const verdict = report.judge([]);
      const reason = verdict.kind === 'failed' ? verdict.reason : undefined;
      tell(report.lastSaid ?? reason ?? report.end.kind);
      return report;
    };
    return workOnTask(
      {
        id,
        options: job.options,
        label: parts.label,
        stop,
        onPhase: () => undefined,
        onStarted: listener.onStarted,
      },
      {
        locks: {
          claim: async (_, leaseMs) => {
            const claimed = isAttached
              ? await this.#claimAgain(id, leaseMs, stop)
              : await locks.claim(id, leaseMs);
            if (claimed.ok) listener.onClaimed(claimed.value.holder);
            return claimed;
          },
          // The user may set their own work to Done without evidence; an agent may not.
          release: (_, ending) =>
            this.#end(id, ending.to === 'Todo' ? ending : { ...ending, to: word.as ?? ending.to }),
        },
        keeper: {
          onDidLose: keeper.onDidLose,
          track: (held, leaseMs, work) =>
            keeper.track(held, leaseMs, { ...work, ...(isHuman && { byHand: true }) }),
          untrack: (held) => keeper.untrack(held),
        },
        agent: async (signal, onStarted) => {
          const ending = AbortSignal.any([signal, this.#gone.signal]);
          const report = await (isHuman
            ? byPerson(ending, onStarted)
            : bySubagent(ending, onStarted));
          // The lock stays: the next window adopts the user's, a subagent's is released with the
          // other locks of this window.
          return this.#gone.signal.aborted ? never() : report;
        },
        verify: parts.verify,
        touchedFiles: parts.touchedFiles,
        logFile: parts.logFile,
        clock,
        reportBug,
      },
    );
  }

  async #follow(
    { task: { id }, options }: Job,
    parts: WindowJob,
    stop: AbortSignal,
    listener: WorkListener,
    { isAttached }: { readonly isAttached: boolean },
  ): Promise<WorkEnd> {
    const { source, locks, clock, resultOf } = this.#options;
    const state = { isBeingFinished: false, finished: new Emitter<undefined>() };
    this.#followed.set(id, state);
    try {
      const end = await watchExternalWork(
        {
          id,
          options,
          listener,
          isClaimed: isAttached,
          stop: AbortSignal.any([stop, this.#gone.signal]),
          onSign: () => void this.#signs.set(id, clock.now()),
          isBeingFinished: () => state.isBeingFinished,
          onDidFinish: state.finished.event,
        },
        {
          source,
          locks,
          clock,
          result: () => resultOf(id),
          verify: parts.verify,
          touchedFiles: parts.touchedFiles,
          logFile: parts.logFile,
        },
      );
      return this.#gone.signal.aborted ? await never() : end;
    } finally {
      this.#followed.delete(id);
      state.finished.dispose();
    }
  }

  /**
   * Records the end of work; retries for minutes while the store is busy, so that finished work is
   * not lost.
   */
  async #end(id: TaskId, ending: Ending): Promise<Result<Status, Failure>> {
    const { locks, keeper, clock } = this.#options;
    const until = clock.now() + RECORDED_WITHIN_MS;
    for (;;) {
      // Before the write, so that the keeper does not take our own change for a lost claim.
      const keep = keeper.untrack(id);
      const ended = await locks.releaseWithResult(id, ending, { acceptsMoved: true });
      if (ended.ok) return ok(ended.value.status);
      if (!PASSING.has(ended.failure.kind) || clock.now() >= until) return ended;
      keep();
      await this.#somethingNew(this.#gone.signal);
      if (this.#gone.signal.aborted) return never();
    }
  }

  /**
   * Claims the user's task for this window. The previous window may still hold it: the claim waits
   * until this window has adopted that lock, or the lock is gone.
   */
  async #claimAgain(
    id: TaskId,
    leaseMs: number,
    stop: AbortSignal,
  ): Promise<Result<Claim, Failure>> {
    const { locks, keeper, source, clock } = this.#options;
    const until = clock.now() + ADOPTED_WITHIN_MS;
    while (
      !keeper.tracks(id) &&
      !stop.aborted &&
      !this.#gone.signal.aborted &&
      clock.now() < until
    ) {
      await source.refresh();
      const lock = this.#taskOf(id)?.lock;
      if (lock === undefined || (lock.until ?? 0) <= clock.now()) break;
      await this.#somethingNew(stop);
    }
    if (this.#gone.signal.aborted) return never();
    return locks.claim(id, leaseMs);
  }

  #somethingNew(stop: AbortSignal): Promise<void> {
    const { keeper, source, clock } = this.#options;
    const signal = AbortSignal.any([stop, this.#gone.signal]);
    return new Promise((resolve) => {
      const go = (): void => {
        for (const each of subscriptions) each.dispose();
        signal.removeEventListener('abort', go);
        resolve();
      };
      const subscriptions = [
        keeper.onDidChange(go),
        source.onDidChange(go),
        clock.after(LOOK_EVERY_MS, go),
      ];
      signal.addEventListener('abort', go, { once: true });
    });
  }

  async #finishForOthers(id: TaskId, as: 'Review' | 'Done'): Promise<Result<Status, Failure>> {
    const { locks, source } = this.#options;
    await source.refresh();
    const { lock } = this.#taskOf(id) ?? {};
    if (lock !== undefined) {
      const released = await locks.forceRelease(id, lock, 'The user marked the task as finished.');
      if (!released.ok) return released;
      await source.refresh();
    }
    const task = this.#taskOf(id);
    return task === undefined
      ? fail({ kind: 'noSuchTask', id })
      : locks.setStatus(id, task.rawStatus, as);
  }

  #taskOf(id: TaskId): Task | undefined {
    return taskIn(this.#options.source.state, id);
  }
}

/** The end of a user's task that could not be claimed again. */
function endedMeanwhile(failure: Failure): WorkEnd {
  switch (failure.kind) {
    case 'held':
    case 'unleased':
      return { kind: 'lockLost', holder: failure.holder };
    case 'notClaimable': {
      const { status } = failure;
      if (status === 'Review' || status === 'Done')
        return { kind: 'succeeded', status, evidence: undefined };
      return {
        kind: 'failed',
        cause: { kind: 'said', detail: `the task was set to ${status} meanwhile` },
        exitCode: undefined,
        signal: undefined,
        evidence: undefined,
      };
    }
    case 'noSuchTask':
      return { kind: 'unknown', detail: 'the task is not in the backlog any more' };
    default:
      return { kind: 'notRecorded', exitCode: undefined, failure };
  }
}
