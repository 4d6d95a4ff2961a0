import type { Failure } from '../failure.ts';
import type { NotReady } from '../readiness.ts';
import type { Status, TaskId } from '../task.ts';

/** Why a task of a run was never started. */
export type SkipReason =
  | { readonly kind: 'notReady'; readonly reasons: readonly NotReady[] }
  /** It waits for a task of this run that failed, was stopped or was skipped. */
  | { readonly kind: 'dependencyFailed'; readonly id: TaskId }
  | { readonly kind: 'claimFailed'; readonly failure: Failure }
  | { readonly kind: 'gone' }
  | { readonly kind: 'stopped' };

/** How the work on one task of a run ended. */
export type TaskOutcome =
  /** The agent ended well; `status` is what the task is at now. */
  | { readonly kind: 'succeeded'; readonly status: Status }
  /** The agent ended badly; `exitCode` is undefined where a signal ended it. The task is back at Todo. */
  | { readonly kind: 'failed'; readonly exitCode: number | undefined; readonly signal: string | undefined }
  | { readonly kind: 'notStarted'; readonly failure: Failure }
  /** Ended on request; the task is back at Todo. */
  | { readonly kind: 'stopped' }
  /** Somebody else took the lock while the agent worked; the task is theirs and was left as it is. */
  | { readonly kind: 'lockLost'; readonly holder: string | undefined }
  /** The work ended, but its result could not be written into the backlog. */
  | { readonly kind: 'notRecorded'; readonly exitCode: number | undefined; readonly failure: Failure }
  | { readonly kind: 'skipped'; readonly reason: SkipReason };

/** What a run tells, in order; times are epoch ms. */
export type RunEvent =
  | {
      readonly kind: 'runStarted';
      readonly runId: string;
      readonly title: string;
      readonly waves: readonly (readonly TaskId[])[];
      readonly at: number;
    }
  | { readonly kind: 'waveStarted'; readonly runId: string; readonly wave: number; readonly at: number }
  | { readonly kind: 'taskClaimed'; readonly runId: string; readonly id: TaskId; readonly at: number }
  | { readonly kind: 'taskStarted'; readonly runId: string; readonly id: TaskId; readonly at: number }
  | {
      readonly kind: 'taskEnded';
      readonly runId: string;
      readonly id: TaskId;
      readonly outcome: TaskOutcome;
      readonly at: number;
    }
  | { readonly kind: 'waveEnded'; readonly runId: string; readonly wave: number; readonly at: number }
  | { readonly kind: 'runStopping'; readonly runId: string; readonly at: number }
  | { readonly kind: 'runEnded'; readonly runId: string; readonly at: number };

/** Where one task of a run is. */
export interface TaskRun {
  readonly id: TaskId;
  /** Index into the waves of the run. */
  readonly wave: number;
  readonly phase: 'queued' | 'claimed' | 'running' | 'ended';
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly outcome: TaskOutcome | undefined;
}

/** A run as its events so far tell it. */
export interface RunState {
  readonly runId: string;
  readonly title: string;
  readonly phase: 'running' | 'stopping' | 'ended';
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly waves: readonly (readonly TaskId[])[];
  /** In the order of the waves. */
  readonly tasks: ReadonlyMap<TaskId, TaskRun>;
}
