import type { RunState, TaskOutcome, TaskRun } from '../run-events.ts';

/** The results of a run in numbers; every task counts in exactly one group. */
export interface RunSummary {
  readonly tasks: number;
  readonly succeeded: number;
  /** Of those: the verify command passed. */
  readonly verified: number;
  /**
   * Ended badly, could not be started, were refused by a rate limit to the end, or lost their lock.
   */
  readonly failed: number;
  /** The agent succeeded, and its work has to be merged by hand. */
  readonly conflict: number;
  /** Whatever its end was: a person has set it aside. */
  readonly discarded: number;
  /** Neither success nor failure: the end is unknown, or could not be recorded. */
  readonly unclear: number;
  readonly stopped: number;
  readonly skipped: number;
  readonly open: number;
  readonly attempts: number;
  /** From its start to its end, or to `now` (epoch ms) while it lasts. */
  readonly durationMs: number;
}

/** Counts the outcomes of a run. Linear in the number of tasks. */
export function summariseRun(run: RunState, now: number): RunSummary {
  const counts = {
    succeeded: 0,
    conflict: 0,
    discarded: 0,
    failed: 0,
    unclear: 0,
    stopped: 0,
    skipped: 0,
    open: 0,
  };
  let verified = 0;
  for (const task of run.tasks.values()) {
    const group = groupOf(task);
    counts[group]++;
    if (group === 'succeeded' && isVerified(task.outcome)) verified++;
  }
  const durationMs = Math.max(0, (run.endedAt ?? now) - run.startedAt);
  return { tasks: run.tasks.size, ...counts, verified, attempts: run.attemptCount, durationMs };
}

/** The group that a task counts in; undefined is the outcome of one that has not ended. */
export function groupOf({
  outcome,
  decision,
}: Pick<TaskRun, 'outcome' | 'decision'>): Exclude<
  keyof RunSummary,
  'tasks' | 'verified' | 'attempts' | 'durationMs'
> {
  if (decision?.kind === 'discarded') return 'discarded';
  switch (outcome?.kind) {
    case undefined:
      return 'open';
    case 'succeeded':
      return 'succeeded';
    case 'conflict':
      return decision?.kind === 'accepted' ? 'succeeded' : 'conflict';
    case 'failed':
    case 'notStarted':
    case 'rateLimited':
    case 'lockLost':
      return 'failed';
    case 'unknown':
    case 'notRecorded':
      return 'unclear';
    case 'stopped':
      return 'stopped';
    case 'skipped':
      return 'skipped';
  }
}

function isVerified(outcome: TaskOutcome | undefined): boolean {
  return outcome?.kind === 'succeeded' && outcome.evidence?.verify?.passed === true;
}

/**
 * How long the latest attempt at a task took, in ms; to `now` while it lasts, undefined where
 * nothing was started.
 */
export function durationOf(task: TaskRun, now: number): number | undefined {
  if (task.startedAt === undefined) return undefined;
  if (task.endedAt === undefined && task.phase !== 'running') return undefined;
  return Math.max(0, (task.endedAt ?? now) - task.startedAt);
}
