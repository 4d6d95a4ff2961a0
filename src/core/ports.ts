import type { ProjectConfig } from './config.ts';
import type { Change } from './edit/change.ts';
import type { Disposable, Event } from './events.ts';
import type { Failure } from './failure.ts';
import type { WaveSourceState } from './plan/wave-override.ts';
import type { Result } from './result.ts';
import type { FollowUp } from './run/follow-up.ts';
import type { MergeOutcome, WorkFolder } from './run/isolation.ts';
import type { RunState, TaskOutcome } from './run/run-events.ts';
import type { AgentAssignment, RunOptions } from './run/run-options.ts';
import type { Usage } from './run/usage.ts';
import type { WorkDecision } from './run/work-decision.ts';
import type { StoreState } from './snapshot.ts';
import type { Status, Task, TaskId } from './task.ts';

/** The time, in epoch ms, and something that comes back after a while. */
export interface Clock {
  now(): number;
  /** Calls once after `ms`; disposing first prevents it. */
  after(ms: number, callback: () => void): Disposable;
}

/** One backlog on disk, read and watched. Never writes, never opens the database through SQLite. */
export interface BacklogSource extends Disposable {
  /** The folder that holds `.todo2` or `.exarp`, absolute. */
  readonly root: string;
  readonly state: StoreState;
  readonly config: ProjectConfig;
  /** Since when (epoch ms) an unusually long read is in progress; `state` is older then. */
  readonly slowSince?: number | undefined;
  /** After `state` or `config` was replaced. */
  readonly onDidChange: Event<void>;
  /**
   * Reads what is there now, at once; resolves when `state` shows everything committed before the
   * call.
   */
  refresh(): Promise<void>;
}

/** A lock that was granted; times are epoch ms. */
export interface Claim {
  readonly id: TaskId;
  readonly holder: string;
  readonly since: number;
  readonly until: number;
  /** False where the lock was ours already and only got a new end. */
  readonly fresh: boolean;
  /** Of the row after this claim: a snapshot with a lower one does not know of it. */
  readonly version: number;
  /** Whose lock was taken over: one that had ended, or that had no end. */
  readonly takenFrom?: { readonly holder: string; readonly until: number | undefined };
}

/** The result of renewing several locks at once. */
export interface Renewal {
  readonly renewed: readonly TaskId[];
  readonly until: number;
  /** Locks that are not ours any more; `holder` is undefined where the task has no lock. */
  readonly lost: readonly { readonly id: TaskId; readonly holder: string | undefined }[];
}

/** When a task is ready, for who must decide it anew under the write lock. */
export interface ReadyRules {
  /** What a dependency on a task that is not there means. */
  readonly missing: 'satisfied' | 'blocked';
  /** True where a dependency in Review lets a task start. */
  readonly reviewOpensGate: boolean;
}

/**
 * Claims, renews and releases locks, each in one short transaction, all for one holder.
 *
 * Every call may fail with `readOnly`, `busy`, `writerDied`, `writeFailed` or `unreadable`; what
 * else it may fail with is said at it.
 */
export interface Locks {
  /** The id that stands in the lock columns for everything that this window claims. */
  readonly holder: string;
  /**
   * Undefined while claims are possible, else why they are not. Known after the first call or
   * `probe`.
   */
  probe(): Promise<Failure | undefined>;
  /**
   * Locks a Todo or In Progress task and makes it In Progress; ours already: renews it.
   * Fails with `held`, `unleased` (unless consented), `notClaimable`, `noSuchTask`.
   */
  claim(id: TaskId, leaseMs: number, consent?: 'takeUnleased'): Promise<Result<Claim, Failure>>;
  /**
   * Locks all of these or none, in one transaction; fails as `claim` does, with the first task that
   * is in the way.
   */
  claimAll(ids: readonly TaskId[], leaseMs: number): Promise<Result<readonly Claim[], Failure>>;
  /**
   * Locks the first of these, best first, that is ready and free when it is locked: that is decided
   * and written in one transaction. None of them may be held by us. Fails with `nothingReady`.
   */
  claimNext(
    candidates: readonly TaskId[],
    rules: ReadyRules,
    leaseMs: number,
  ): Promise<Result<Claim, Failure>>;
  /**
   * Takes over the live locks of a window that is gone on these tasks and releases its expired
   * ones. Statuses stay. Answers what is ours now.
   */
  adopt(
    ids: readonly TaskId[],
    from: string,
    leaseMs: number,
  ): Promise<Result<readonly Claim[], Failure>>;
  /**
   * Clears another holder's lock while it is still that lock (`until` in epoch ms), and adds a line
   * to the store's history. In Progress becomes Todo. Answers the status the task has now. Fails
   * with `held`, `unleased`, `changedMeanwhile`, `noSuchTask`.
   */
  forceRelease(
    id: TaskId,
    lock: { readonly holder: string; readonly until: number | undefined },
    reason: string,
  ): Promise<Result<Status, Failure>>;
  /** Gives each of these locks a new end, in one statement, where it is still ours. */
  renew(ids: readonly TaskId[], leaseMs: number): Promise<Result<Renewal, Failure>>;
  /**
   * Ends our work on a task: clears the lock and moves In Progress to `to`, in one statement. A
   * status that another program set meanwhile stays. Answers the status the task has now. Fails
   * with `lockLost`, `noSuchTask`.
   */
  release(
    id: TaskId,
    to: 'Todo' | 'Review' | 'Done',
    /**
     * `onlyMoved`: releases nothing where the status is In Progress, or was set back with older data
     * by a program that rewrote all tasks; the answer is In Progress then.
     */
    options?: { readonly onlyMoved?: boolean },
  ): Promise<Result<Status, Failure>>;
  /**
   * Sets the status of a task whose stored status is still `from` and that no other holder has;
   * clears a lock of ours. Fails with `held`, `changedMeanwhile`, `noSuchTask`.
   */
  setStatus(
    id: TaskId,
    from: string,
    to: 'Todo' | 'Review' | 'Done',
  ): Promise<Result<Status, Failure>>;
}

/**
 * Changes tasks. Fails as `Locks` does, and with `held`, `changedMeanwhile`, `noSuchTask`,
 * `wouldCycle`.
 */
export interface Edits {
  /**
   * Makes all of these changes in one transaction, or none. Answers the version of the store's
   * tasks it touched.
   */
  apply(changes: readonly Change[]): Promise<Result<undefined, Failure>>;
}

/** Where the waves of a backlog come from. */
export interface WaveSource extends Disposable {
  /** The same object until it changes. */
  readonly state: WaveSourceState;
  readonly onDidChange: Event<undefined>;
  /** To be called when another file may have been chosen. */
  choiceChanged(): void;
}

/** The processes of this machine. */
export interface Processes {
  /** As it stands in the holders of this machine. */
  readonly hostname: string;
  /** Undefined where the system does not tell; a process of another user counts as alive. */
  isAlive(pid: number): boolean | undefined;
}

/** A window on the same store whose process is gone, and the locks that the user held in it. */
export interface LostWindow {
  readonly holder: string;
  readonly ids: readonly TaskId[];
  /** To be called after its locks were handled. */
  readonly discard: () => Promise<void>;
}

/**
 * Records of the locks that the user holds in the windows of this machine; they outlive the
 * windows.
 */
export interface WindowRecords {
  /**
   * Notes what is held by hand in this window, in place of what was noted before. Rejects with what
   * the file system throws.
   */
  write(ids: readonly TaskId[]): Promise<void>;
  /**
   * The windows that are gone; `othersLive` says whether another one on this store has not ended.
   */
  lost(): Promise<{ readonly windows: readonly LostWindow[]; readonly othersLive: boolean }>;
}

/** One attempt at one task. */
export interface Job {
  readonly runId: string;
  /** Counts the attempts of a run from 1, and names the files of this one. */
  readonly attemptNo: number;
  /** Counts the attempts at this task from 1. */
  readonly tryNo: number;
  readonly root: string;
  /** Where the agent works, if not in the root. */
  readonly folder?: WorkFolder | undefined;
  readonly task: Task;
  /** The tasks it depends on, as far as they exist. */
  readonly dependencies: readonly Task[];
  readonly agent: AgentAssignment;
  readonly options: RunOptions;
  /** The agent's own session that an earlier attempt left behind, to go on with. */
  readonly sessionId: string | undefined;
  /** What that session used so far, where that is known. */
  readonly sessionUsage?: Usage | undefined;
  /** What it is asked when it goes on with that; undefined: the task itself. */
  readonly followUp?: FollowUp | undefined;
}

/**
 * How an agent ended. `exitCode` is undefined after a signal or where it is unknown: never a
 * success.
 */
export type AgentEnd =
  | {
      readonly kind: 'exited';
      readonly exitCode: number | undefined;
      readonly signal: string | undefined;
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'notStarted'; readonly failure: Failure };

/** How an attempt ended: `refused` before the task was claimed, or as the task's outcome. */
export type WorkEnd =
  | Exclude<TaskOutcome, { readonly kind: 'skipped' }>
  | { readonly kind: 'refused'; readonly failure: Failure };

/** Hears of an attempt, each thing once and in this order. */
export interface WorkListener {
  readonly onClaimed: (holder: string) => void;
  readonly onStarted: () => void;
  /**
   * Its work is done and is to be merged; `again`: its agent was asked to resolve a conflict. Never
   * rejects.
   */
  readonly onMerging?: (again: boolean) => Promise<MergeOutcome>;
}

/** An attempt that an earlier window began. */
export type JobInProgress = Pick<Job, 'runId' | 'attemptNo' | 'root' | 'agent' | 'options'> & {
  readonly id: TaskId;
  /** Who held its lock, as far as the run was told. */
  readonly holder?: string | undefined;
};

/**
 * Does all of the work on one task: claims it, runs the agent, verifies and records the result, and
 * releases the task.
 *
 * Aborting ends the agent and everything it started, and resolves when the task is released.
 * Rejects only for a bug; in every case no lock of this attempt is left.
 */
export interface TaskWorker {
  work(job: Job, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd>;
  /**
   * Goes on with watching an attempt whose worker outlived its window; resolves at once where it
   * has ended meanwhile.
   */
  attach(job: JobInProgress, signal: AbortSignal, listener: WorkListener): Promise<WorkEnd>;
}

/** What a window that does not lead a run may ask of the one that does. */
export type LeaderRequest =
  | { readonly ask: 'stopRun' | 'pause' | 'goOn' }
  | { readonly ask: 'stopTask' | 'requeue'; readonly id: TaskId }
  /** By its index into the waves of the run. */
  | { readonly ask: 'stopWave'; readonly wave: number }
  /** A person decided about the work on these tasks. */
  | {
      readonly ask: 'noteDecision';
      readonly ids: readonly TaskId[];
      readonly decision: WorkDecision;
    };

/** The runs that are written down, beside those that this window leads. */
export interface RunHistory {
  /** Those that ended before this window, or in another one; the newest first. */
  readonly past: readonly RunState[];
  /** Those that another window leads now. */
  readonly elsewhere: readonly RunState[];
  readonly onDidChange: Event<undefined>;
  /** Undefined when a run can be written down, else why it cannot; nothing is started then. */
  prepare(): Promise<Failure | undefined>;
  /** Passes a wish on to the window that leads the run. Fails with `writeFailed`. */
  ask(runId: string, request: LeaderRequest): Promise<Result<undefined, Failure>>;
}

/** What an attempt would start, for people. */
export interface WorkPreview {
  /** Empty where no program is started: for a person, or a subagent. */
  readonly command: readonly string[];
  /** Relative to the root, with `/`. */
  readonly promptFile: string;
  readonly prompt: string;
}
