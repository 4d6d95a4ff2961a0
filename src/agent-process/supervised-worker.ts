import { never, type Disposable } from '../core/events.ts';
import type { Failure } from '../core/failure.ts';
import type {
  Clock,
  Job,
  JobInProgress,
  Processes,
  TaskWorker,
  WorkEnd,
  WorkListener,
} from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import type { MergeAnswer } from '../core/run/attempt/task-work.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import type { TaskId } from '../core/task.ts';
import { replaceFile } from '../disk/replace-file.ts';
import { endOrphan, isZombie } from './process-tree.ts';
import { writeOrder } from './order-file.ts';
import { SupervisorProcess, type NodeCommand } from './supervisor-process.ts';
import { Watched } from './watched-attempt.ts';
import { formatAnswer, readAnswer } from './merge-answer.ts';
import { followFiles, readState, requestStop, type AttemptRef } from './work-files.ts';
import type { WorkFiles, WorkOrder } from './work-order.ts';

/**
 * A supervisor without an order is kept for so long: short tasks need not pay for a new process
 * each.
 */
const KEEP_IDLE_MS = 5000;
/** The first terminal of a window takes up to 5 s, and an order that was just given a moment. */
const BEGIN_WITHIN_MS = { interactive: 60_000, attach: 10_000 } as const;
/** The end of such an agent is unknown, so its clean-up gets little time. */
const ORPHAN_GRACE_MS = 1500;
/** How long an answer of `ps` is reused, since each call is expensive. */
const BEGIN_LOOKS = process.platform === 'linux' ? 1 : 20;

export interface SupervisedWorkerOptions {
  /** The bundled supervisor, absolute. */
  readonly script: string;
  /** A Node that has `node:sqlite`. */
  readonly node: () => Promise<NodeCommand>;
  /** Writes the prompt and says what is to be done; a failure refuses the attempt. */
  readonly prepare: (job: Job) => Promise<Result<WorkOrder, Failure>>;
  /**
   * Makes the terminal whose program is the supervisor; disposing ends it where it has not begun.
   * Without it nothing is interactive.
   */
  readonly openInteractive?: (
    job: Job,
    order: WorkOrder,
    orderFile: string,
  ) => Promise<Result<{ dispose(): void }, Failure>>;
  /** For the orders of terminals: outside of the workspace, as an order says what is started. */
  readonly orderFolder: string;
  readonly stateFileOf: (job: Pick<JobInProgress, 'runId' | 'attemptNo' | 'root'>) => WorkFiles;
  /**
   * Releases the lock that a supervisor left behind which is gone, In Progress to Todo; of no other
   * holder's. Never rejects.
   */
  readonly releaseFor: (holder: string, id: TaskId) => Promise<void>;
  /**
   * Writes what an agent is asked that is to resolve conflicts in these files; false where that
   * cannot be written.
   */
  readonly askToResolve: (attempt: AttemptRef, files: readonly string[]) => Promise<boolean>;
  /** The activity of an attempt's agent changed; one line of text. */
  readonly onActivity: (attempt: AttemptRef, activity: string) => void;
  readonly clock: Clock;
  readonly processes: Processes;
  /** When a process began, as a text; undefined where there is none, or that is not known. */
  readonly processStartTime: (pid: number) => Promise<string | undefined>;
  readonly log: (line: string) => void;
}

/**
 * Runs tasks in supervisors: processes that outlive this window and own the locks. This class only
 * sends orders and listens.
 *
 *     work ──► order by channel ──► states by channel ──► end
 *                  │                    │ channel closed, or a terminal
 *     attach ──────┴─────► states by file ──────────────► end
 *                                       │ process gone without one
 *                                       └─► agent ended, lock released ──► unknown
 */
export class SupervisedWorker implements TaskWorker {
  readonly #options: SupervisedWorkerOptions;
  readonly #idle = new Map<SupervisorProcess, Disposable>();
  readonly #atWork = new Set<SupervisorProcess>();
  readonly #following = new Set<Disposable>();
  #detached = false;

  constructor(options: SupervisedWorkerOptions) {
    this.#options = options;
  }

  async work(job: Job, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    if (signal.aborted) return { kind: 'stopped' };
    const prepared = await this.#options.prepare(job);
    if (!prepared.ok) return { kind: 'refused', failure: prepared.failure };
    const order = prepared.value;
    if (this.#isDetached()) return never();
    const watched = this.#watchOf(job, job.task.id, order.files, signal, listener);
    if (order.agentMode === 'interactive') return this.#inTerminal(job, order, watched);
    return this.#underSupervisor(order, watched);
  }

  async attach(job: JobInProgress, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd> {
    const files = this.#options.stateFileOf(job);
    return this.#follow(
      this.#watchOf(job, job.id, files, signal, listener),
      BEGIN_WITHIN_MS.attach,
    );
  }

  /** Disconnects from every supervisor when the window closes: pending calls never resolve then. */
  detach(): void {
    this.#detached = true;
    for (const [supervisor, timer] of this.#idle) {
      timer.dispose();
      supervisor.detach();
    }
    this.#idle.clear();
    for (const supervisor of this.#atWork) supervisor.detach();
    for (const following of this.#following) following.dispose();
    this.#following.clear();
  }

  /**
   * Asked again after every wait, so a function: the compiler would take a second look for the
   * first one.
   */
  #isDetached(): boolean {
    return this.#detached;
  }

  #watchOf(
    { runId, attemptNo }: Pick<Job, 'runId' | 'attemptNo'>,
    id: TaskId,
    files: WorkFiles,
    signal: AbortSignal,
    listener: WorkListener,
  ): Watched {
    const watched = new Watched({ runId, attemptNo, id }, files, signal, {
      onClaimed: listener.onClaimed,
      onStarted: listener.onStarted,
      onActivity: this.#options.onActivity,
      onMerging: (again) => void this.#merge(watched, again, listener),
    });
    return watched;
  }

  /** Has the work of an attempt merged, and tells its supervisor. */
  async #merge(watched: Watched, again: boolean, { onMerging }: WorkListener): Promise<void> {
    const { askToResolve, log } = this.#options;
    const { attempt, files } = watched;
    // Of a window that is gone. Its agent may be at work again by now, or have ended.
    const known = readAnswer(files.answer, again);
    if (known !== undefined && known !== 'merged') return;
    // Found out once it has ended, where it is not for this listener.
    const outcome = await onMerging?.(again);
    if (this.#isDetached() || known !== undefined) return;
    let answer: MergeAnswer = outcome?.kind ?? 'unknown';
    if (outcome?.kind === 'resolve') {
      watched.conflicts = outcome.files.length;
      if (!(await askToResolve(attempt, outcome.files))) answer = 'conflict';
    }
    try {
      await replaceFile(files.answer, formatAnswer(again, answer), 0o600);
    } catch (error) {
      log(`What came of merging ${attempt.id} could not be written: ${String(error)}`);
    }
  }

  async #underSupervisor(order: WorkOrder, watched: Watched): Promise<WorkEnd> {
    for (;;) {
      const reused = this.#takeIdle();
      const supervisor = reused ?? (await this.#start(order));
      if (!(supervisor instanceof SupervisorProcess)) return supervisor;
      if (this.#detached) {
        supervisor.detach();
        return never();
      }
      const end = await this.#give(order, supervisor, watched);
      // It ended on its own just when it was given the order, of which it never took note: nothing
      // was begun.
      if (end === 'notBegun' && reused !== undefined) continue;
      if (end === 'notBegun') {
        const how = await supervisor.ended;
        return refuse(order, `The supervisor ended with ${how} before anything was begun.`);
      }
      return end;
    }
  }

  async #start(order: WorkOrder): Promise<SupervisorProcess | WorkEnd> {
    try {
      return new SupervisorProcess(this.#options.script, await this.#options.node());
    } catch (error) {
      return refuse(order, `The supervisor could not be started: ${String(error)}`);
    }
  }

  #takeIdle(): SupervisorProcess | undefined {
    for (const [supervisor, timer] of this.#idle) {
      timer.dispose();
      this.#idle.delete(supervisor);
      if (supervisor.isReachable) return supervisor;
      supervisor.detach();
    }
    return undefined;
  }

  /** Gives an order and listens until its end. */
  async #give(
    order: WorkOrder,
    supervisor: SupervisorProcess,
    watched: Watched,
  ): Promise<WorkEnd | 'notBegun'> {
    this.#atWork.add(supervisor);
    const stop = (): void => {
      supervisor.stop();
      this.#requestStop(watched);
    };
    try {
      const told = new Promise<WorkEnd>((resolve) => {
        supervisor.work(order, (state) => {
          const end = watched.note(state);
          if (end !== undefined) resolve(end);
        });
      });
      watched.signal.addEventListener('abort', stop, { once: true });
      if (watched.signal.aborted) stop();
      const end = await Promise.race([told, supervisor.silent]);
      if (end !== undefined) {
        this.#rest(supervisor);
        return end;
      }
      if (this.#detached) return await never();
      // Without a channel there is still the file, for as long as the process lives.
      const gone = supervisor.ended.then((how) => {
        this.#options.log(
          `The supervisor ${supervisor.pid ?? ''} of attempt ${order.attemptNo} ended with ${how}`,
        );
      });
      if (watched.last === undefined && readState(watched.files, watched.attempt) === undefined) {
        await gone;
        if (readState(watched.files, watched.attempt) === undefined) return 'notBegun';
      }
      return await this.#follow(watched, 0);
    } finally {
      watched.signal.removeEventListener('abort', stop);
      this.#atWork.delete(supervisor);
    }
  }

  /** Keeps a supervisor for the next order, for a while. */
  #rest(supervisor: SupervisorProcess): void {
    if (this.#detached || !supervisor.isReachable) {
      supervisor.detach();
      return;
    }
    supervisor.rest();
    const timer = this.#options.clock.after(KEEP_IDLE_MS, () => {
      this.#idle.delete(supervisor);
      supervisor.detach();
    });
    this.#idle.set(supervisor, timer);
  }

  async #inTerminal(job: Job, order: WorkOrder, watched: Watched): Promise<WorkEnd> {
    const { openInteractive, orderFolder } = this.#options;
    if (openInteractive === undefined) return refuse(order, 'There are no terminals here.');
    let file: Awaited<ReturnType<typeof writeOrder>>;
    try {
      file = await writeOrder(orderFolder, order);
    } catch (error) {
      return {
        kind: 'refused',
        failure: { kind: 'writeFailed', file: orderFolder, detail: String(error) },
      };
    }
    try {
      const opened = await openInteractive(job, order, file.path);
      if (!opened.ok) return { kind: 'refused', failure: opened.failure };
      const end = await this.#follow(watched, BEGIN_WITHIN_MS.interactive);
      if (end.kind === 'unknown' && watched.last === undefined) {
        opened.value.dispose();
        return refuse(order, 'Its terminal did not begin with it.');
      }
      return end;
    } finally {
      // The supervisor takes it away as soon as it has read it.
      if (!this.#detached) await file.remove();
    }
  }

  /**
   * Follows the state file to the end of the attempt; for one that is never begun, `unknown` after
   * `beginWithinMs`.
   */
  #follow(watched: Watched, beginWithinMs: number): Promise<WorkEnd> {
    const { clock } = this.#options;
    const until = clock.now() + beginWithinMs;
    return new Promise((resolve) => {
      let looking = false;
      let looks = 0;
      const finish = (end: Promise<WorkEnd> | WorkEnd): void => {
        following.dispose();
        this.#following.delete(following);
        watched.signal.removeEventListener('abort', stop);
        if (!this.#detached) resolve(end);
      };
      const look = async (): Promise<void> => {
        // The file may have been removed: then the last known state still identifies the work.
        const state = readState(watched.files, watched.attempt) ?? watched.last;
        const end = state && watched.note(state);
        if (end !== undefined) finish(end);
        else if (state !== undefined && (await this.#isGone(state, looks++ % BEGIN_LOOKS === 0))) {
          // What it wrote between the look at its file and its end counts.
          const last = readState(watched.files, watched.attempt) ?? state;
          finish(watched.note(last) ?? this.#settle(last, watched.signal));
        } else if (state === undefined && clock.now() >= until) {
          // Should it begin after all, it finds this and ends.
          this.#requestStop(watched);
          finish({ kind: 'unknown', detail: 'Nothing shows that it was ever begun.' });
        }
      };
      const following = followFiles(watched.files, clock, () => {
        if (looking) return;
        looking = true;
        void look().finally(() => (looking = false));
      });
      this.#following.add(following);
      const stop = (): void => this.#requestStop(watched);
      watched.signal.addEventListener('abort', stop, { once: true });
      if (watched.signal.aborted) stop();
    });
  }

  /** True for a supervisor of this machine whose process has ended, even if its id was reused. */
  async #isGone(state: WorkState, asksBegin: boolean): Promise<boolean> {
    const { processes, processStartTime } = this.#options;
    if (state.host !== processes.hostname) return false;
    if (processes.isAlive(state.pid) === false || isZombie(state.pid)) return true;
    if (state.begin === null || !asksBegin) return false;
    const begin = await processStartTime(state.pid);
    // A system that cannot tell just now says nothing; the process itself was seen a moment ago.
    return begin !== undefined && begin !== state.begin;
  }

  /**
   * A supervisor that was killed: its agent must not continue without a lock, and the lock must not
   * stay without an agent.
   */
  async #settle(state: WorkState, signal: AbortSignal): Promise<WorkEnd> {
    const { processStartTime, releaseFor, log } = this.#options;
    log(
      `The supervisor ${state.pid} of attempt ${state.attemptNo} is gone in the phase ${state.phase}`,
    );
    try {
      await endOrphan(state, processStartTime, ORPHAN_GRACE_MS);
    } catch (error) {
      log(`What it left behind could not be ended: ${String(error)}`);
    }
    await releaseFor(state.holder, state.taskId);
    if (signal.aborted) return { kind: 'stopped' };
    return {
      kind: 'unknown',
      detail: `Its supervisor was ended from outside in the phase ${state.phase}.`,
    };
  }

  #requestStop({ files }: Watched): void {
    try {
      requestStop(files);
    } catch (error) {
      this.#options.log(`A request to stop could not be written: ${String(error)}`);
    }
  }
}

function refuse({ agent }: WorkOrder, detail: string): WorkEnd {
  return {
    kind: 'refused',
    failure: { kind: 'agentNotStarted', command: agent.command, detail },
  };
}
