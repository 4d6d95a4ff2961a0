import type { Failure } from '../failure.ts';
import type { Job, JobInProgress, WorkEnd } from '../ports.ts';
import type { Result } from '../result.ts';
import type { AskedIsolation, IsolationDecision, MergeOutcome, WorkFolder } from './isolation.ts';

export type MergingAttempt = Pick<
  JobInProgress,
  'runId' | 'id' | 'attemptNo' | 'agent' | 'options'
>;

/** Keeps the work on tasks apart and brings it together; implemented with Git. */
export interface Isolation {
  /**
   * Where a run would work. Fails with `isolation` where worktrees were asked for and cannot be
   * made. Nothing is written, except that a snapshot is kept in the repository, where the run is
   * about to start.
   */
  decide(asked: AskedIsolation): Promise<Result<IsolationDecision, Failure>>;
  /**
   * Makes, or finds again, the worktree of a task; answers the folder in it that stands for the
   * backlog's.
   */
  begin(job: Job): Promise<Result<WorkFolder, Failure>>;
  /** Its agent has begun, so that its worktree counts as made ready from now on. */
  started(attempt: Pick<JobInProgress, 'runId' | 'id' | 'options'>): void;
  /**
   * Commits the work of an attempt that is well but not over, and merges it into the branch of its
   * run, one at a time. `again`: its agent was asked to resolve a conflict already. Aborting gives
   * it up, unless it is merged by then. Never rejects.
   */
  merge(attempt: MergingAttempt, again: boolean, signal: AbortSignal): Promise<MergeOutcome>;
  /**
   * Commits what an attempt left behind and merges it into the branch of its run where it
   * succeeded and is not merged yet. Answers its end with the changes, or as `conflict`.
   */
  end(
    attempt: Pick<JobInProgress, 'runId' | 'id' | 'options'> &
      Partial<Pick<JobInProgress, 'attemptNo'>>,
    end: WorkEnd,
  ): Promise<WorkEnd>;
}
