import type { Failure } from '../failure.ts';
import type { NotReady } from '../waves/readiness.ts';
import type { Status, TaskId } from '../task.ts';
import type { BudgetLimit, BudgetStart } from './run-budget.ts';
import type { Evidence, VerifyResult } from './evidence.ts';
import type { FollowUp } from './follow-up.ts';
import { addUsage, type Usage } from './usage.ts';
import type { AgentAssignment, RunOptions } from './run-options.ts';
import type { WorkDecision } from './work-decision.ts';

/** Why a task of a run was never started. */
export type SkipReason =
  | { readonly kind: 'notReady'; readonly reasons: readonly NotReady[] }
  /** It waits for a task of this run that failed, was stopped or was skipped. */
  | { readonly kind: 'dependencyFailed'; readonly id: TaskId }
  | { readonly kind: 'claimFailed'; readonly failure: Failure }
  | { readonly kind: 'gone' }
  | { readonly kind: 'stopped' }
  /** The run starts nothing further; see `RunStop`. */
  | { readonly kind: 'runStopped'; readonly stop: RunStop };

/** Why an attempt failed. */
export type FailCause =
  | { readonly kind: 'exit' }
  /** Its own last message reports a failure despite the exit code. */
  | { readonly kind: 'said'; readonly detail: string }
  | { readonly kind: 'timeLimit'; readonly limitMs: number }
  | { readonly kind: 'verify'; readonly result: VerifyResult };

/** How the work on one task of a run ended. */
export type TaskOutcome =
  /** The agent succeeded; `status` is the task's new status. */
  | { readonly kind: 'succeeded'; readonly status: Status; readonly evidence: Evidence | undefined }
  /**
   * The agent succeeded, and what it did does not fit to what the run has merged by then: these
   * files, relative to the repository, are in conflict. `status` as above, never Done. `reason`: why
   * it is not merged where that is no conflict of files, as words that follow “not merged: ”.
   */
  | {
      readonly kind: 'conflict';
      readonly files: readonly string[];
      readonly reason?: string | undefined;
      readonly status: Status;
      readonly evidence: Evidence | undefined;
    }
  /** The work failed; `exitCode` is undefined where a signal ended it. The task is back at Todo. */
  | {
      readonly kind: 'failed';
      readonly cause: FailCause;
      readonly exitCode: number | undefined;
      readonly signal: string | undefined;
      readonly evidence: Evidence | undefined;
    }
  /**
   * The provider refused further work for now; the task is back at Todo. Not a failure of the task.
   */
  | {
      readonly kind: 'rateLimited';
      readonly retryAfterMs: number | undefined;
      readonly detail: string;
      /** What its agent used all the same, here as below. */
      readonly usage?: Usage | undefined;
    }
  | { readonly kind: 'notStarted'; readonly failure: Failure }
  /** Ended on request; the task is back at Todo. */
  | { readonly kind: 'stopped'; readonly usage?: Usage | undefined }
  /** Another holder took the lock while the agent worked; the task was left as it is. */
  | {
      readonly kind: 'lockLost';
      readonly holder: string | undefined;
      readonly usage?: Usage | undefined;
    }
  /** The work ended, but its result could not be written into the backlog. */
  | {
      readonly kind: 'notRecorded';
      readonly exitCode: number | undefined;
      readonly failure: Failure;
      readonly usage?: Usage | undefined;
    }
  /**
   * Its end was not observed: its supervisor was killed, or its terminal closed with its window.
   * Neither success nor failure.
   */
  | { readonly kind: 'unknown'; readonly detail: string }
  | { readonly kind: 'skipped'; readonly reason: SkipReason };

/** Undefined for an outcome without evidence. */
export function evidenceOf(outcome: TaskOutcome | undefined): Evidence | undefined {
  return outcome !== undefined && 'evidence' in outcome ? outcome.evidence : undefined;
}

/** What the agent of an attempt used; undefined where nothing of that is known. */
export function usageOf(outcome: TaskOutcome | undefined): Usage | undefined {
  return outcome !== undefined && 'usage' in outcome ? outcome.usage : evidenceOf(outcome)?.usage;
}

/** What all attempts at a task used so far. */
export function usageOfTask({ earlier, outcome }: TaskRun): Usage | undefined {
  const before = earlier.map((attempt) => usageOf(attempt.outcome));
  return [...before, usageOf(outcome)].reduce(addUsage, undefined);
}

/** Why a task that could start does not start yet. */
export type WaitReason =
  /** It names the same files as tasks at work. */
  | { readonly kind: 'sharesFiles'; readonly with: TaskId; readonly files: readonly string[] }
  | { readonly kind: 'held'; readonly holder: string }
  /** Its agent hit a rate limit; no agent of its kind starts until then (epoch ms). */
  | { readonly kind: 'coolingDown'; readonly agent: string; readonly until: number }
  | { readonly kind: 'agentCap'; readonly agent: string; readonly cap: number }
  /** It failed and is tried again then (epoch ms). */
  | { readonly kind: 'retry'; readonly at: number };

/** By what a run was paused: the user, the end of a wave, or a limit of its budget. */
export type PausedBy = 'person' | 'wave' | BudgetLimit;

/** Why a run starts nothing further. */
export type RunStop =
  | { readonly kind: 'person' }
  /** A task failed, and the options say to stop then. */
  | { readonly kind: 'failure'; readonly id: TaskId }
  /** The same failure so many times in a row. */
  | { readonly kind: 'breaker'; readonly count: number; readonly outcome: TaskOutcome }
  | { readonly kind: 'waveVerify'; readonly wave: number; readonly result: VerifyResult }
  /** The run had no leader for a while: its window was closed, or killed. */
  | { readonly kind: 'interrupted' };

/**
 * An event of a run, at a time in epoch ms. The journal has one event a line, in the order in which
 * they happened.
 */
export type RunEvent = { readonly runId: string; readonly at: number } & RunStep;

/** What can happen to a run. */
export type RunStep =
  | {
      readonly kind: 'runStarted';
      readonly title: string;
      readonly waves: readonly (readonly TaskId[])[];
      readonly options: RunOptions;
      readonly agents: readonly (readonly [TaskId, AgentAssignment])[];
      readonly resumes: string | undefined;
      readonly followUps?: readonly (readonly [TaskId, FollowUp])[] | undefined;
    }
  | { readonly kind: 'waveStarted'; readonly wave: number }
  /**
   * An attempt begins: recorded before anything starts. `attemptNo` counts the attempts of a run
   * from 1 and names their files.
   */
  | {
      readonly kind: 'taskStarting';
      readonly id: TaskId;
      readonly attemptNo: number;
      readonly tryNo: number;
    }
  | { readonly kind: 'taskClaimed'; readonly id: TaskId; readonly holder: string }
  | { readonly kind: 'taskStarted'; readonly id: TaskId }
  /** A task that could start has to wait, or (undefined) waits no more. */
  | { readonly kind: 'taskWaits'; readonly id: TaskId; readonly reason: WaitReason | undefined }
  /** An attempt ended so and the task is queued again, not before `notBefore`. */
  | {
      readonly kind: 'taskRequeued';
      readonly id: TaskId;
      readonly outcome: TaskOutcome;
      readonly notBefore: number;
    }
  | { readonly kind: 'taskEnded'; readonly id: TaskId; readonly outcome: TaskOutcome }
  /** `verify` is undefined where no command verifies waves. */
  | {
      readonly kind: 'waveEnded';
      readonly wave: number;
      readonly verify: VerifyResult | undefined;
    }
  | { readonly kind: 'capChanged'; readonly cap: number }
  | { readonly kind: 'runPaused'; readonly by: PausedBy }
  /** After a limit of its budget, the run has the same budget again. */
  | { readonly kind: 'runWentOn' }
  /** Another window (or this one, after a reload) leads the run from here on. */
  | { readonly kind: 'runTakenOver' }
  | { readonly kind: 'runStopping'; readonly stop: RunStop }
  | { readonly kind: 'runEnded' }
  /** A person decided about the work on these tasks; the only one that may follow `runEnded`. */
  | {
      readonly kind: 'workDecided';
      readonly ids: readonly TaskId[];
      readonly decision: WorkDecision;
    };

/** Where one task of a run is. */
export interface TaskRun {
  readonly id: TaskId;
  /** Index into the waves of the run. */
  readonly wave: number;
  readonly agent: AgentAssignment;
  /** `starting`: its worker was asked, and has not claimed it yet. */
  readonly phase: 'queued' | 'starting' | 'claimed' | 'running' | 'ended';
  /**
   * The number of its attempts; `attemptNo` names the files of the latest one, undefined before the
   * first.
   */
  readonly tryNo: number;
  readonly attemptNo: number | undefined;
  /** Who holds its lock for this run; undefined while it is not claimed. */
  readonly holder: string | undefined;
  readonly waits: WaitReason | undefined;
  /** Of the latest attempt: when its worker was asked, its agent began, and it ended. */
  readonly startingAt?: number | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** What earlier attempts ended with, at `at`; the other times as above. */
  readonly earlier: readonly {
    readonly attemptNo: number;
    readonly outcome: TaskOutcome;
    readonly at: number;
    readonly startingAt?: number | undefined;
    readonly startedAt?: number | undefined;
  }[];
  readonly outcome: TaskOutcome | undefined;
  /** What its agent goes on with; undefined where it begins anew. */
  readonly followUp?: FollowUp | undefined;
  /** The latest about its work, of an isolated run. */
  readonly decision?: WorkDecision;
}

/** The state of a run after its events so far. */
export interface RunState {
  readonly runId: string;
  readonly title: string;
  readonly phase: 'running' | 'stopping' | 'ended';
  /** Set while nothing new starts. */
  readonly paused: PausedBy | undefined;
  /** What its budget is counted from. */
  readonly budgetStart: BudgetStart;
  readonly stop: RunStop | undefined;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly options: RunOptions;
  readonly resumes: string | undefined;
  readonly cap: number | undefined;
  readonly waves: readonly (readonly TaskId[])[];
  /** By wave: when it started and ended, and what verified it. */
  readonly waveRuns: readonly {
    readonly startedAt: number | undefined;
    readonly endedAt: number | undefined;
    readonly verify: VerifyResult | undefined;
  }[];
  /** In the order of the waves. */
  readonly tasks: ReadonlyMap<TaskId, TaskRun>;
  /** The number of attempts so far. */
  readonly attemptCount: number;
  /** What the attempts used that have ended; undefined where nothing of that is known. */
  readonly usage: Usage | undefined;
}
