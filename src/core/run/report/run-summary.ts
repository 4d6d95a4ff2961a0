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
    failed: 0,
    unclear: 0,
    stopped: 0,
    skipped: 0,
    open: 0,
  };
  let verified = 0;
  for (const { outcome } of run.tasks.values()) {
    counts[groupOf(outcome)]++;
    if (isVerified(outcome)) verified++;
  }
  const durationMs = Math.max(0, (run.endedAt ?? now) - run.startedAt);
  return { tasks: run.tasks.size, ...counts, verified, attempts: run.attemptCount, durationMs };
}

/** The group that a task counts in; undefined is the outcome of one that has not ended. */
export function groupOf(
  outcome: TaskOutcome | undefined,
): 'succeeded' | 'conflict' | 'failed' | 'unclear' | 'stopped' | 'skipped' | 'open' {
  switch (outcome?.kind) {
    case undefined:
      return 'open';
    case 'succeeded':
      return 'succeeded';
    case 'conflict':
      return 'conflict';
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
