import type { Failure } from '../failure.ts';
import type { WorkEnd } from '../ports.ts';
import type { TaskId } from '../task.ts';
import type { TaskOutcome } from './run-events.ts';
import type { RunOptions } from './run-options.ts';

/** What becomes of a task after an attempt at it. */
export type Next =
  | { readonly kind: 'end'; readonly outcome: TaskOutcome }
  /** A person wanted it begun anew. */
  | { readonly kind: 'again'; readonly outcome: TaskOutcome }
  | { readonly kind: 'retry'; readonly outcome: TaskOutcome; readonly delayMs: number }
  | { readonly kind: 'coolDown'; readonly outcome: TaskOutcome; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'held'; readonly outcome: TaskOutcome; readonly holder: string; readonly until: number };

/** An attempt that has ended, and what was asked of it meanwhile. */
export interface Attempt {
  readonly outcome: TaskOutcome;
  readonly isStopped: boolean;
  readonly isRequeued: boolean;
  /** False as soon as the run starts nothing further. */
  readonly mayRepeat: boolean;
  /** How many attempts at this task failed before. */
  readonly failures: number;
  /** How often in a row, up to this attempt, its agent was refused by its maker. */
  readonly rateLimits: number;
}

const LONGEST_DELAY_MS = 10 * 60_000;
/** A task whose agent is refused so often in a row is not tried any more: its maker has nothing left for us. */
const MOST_RATE_LIMITS = 20;

/** How an attempt counts for its task. What was stopped before it was claimed was never begun. */
export function outcomeOf(end: WorkEnd, wasClaimed: boolean, isStopped: boolean): TaskOutcome {
  const neverBegan: TaskOutcome = { kind: 'skipped', reason: { kind: 'stopped' } };
  if (end.kind === 'stopped' && !wasClaimed) return neverBegan;
  if (end.kind !== 'refused') return end;
  return isStopped ? neverBegan : { kind: 'skipped', reason: { kind: 'claimFailed', failure: end.failure } };
}

export function nextAfter(attempt: Attempt, options: RunOptions): Next {
  const { outcome, isStopped, isRequeued, mayRepeat, failures, rateLimits } = attempt;
  const end: Next = { kind: 'end', outcome };
  if (!mayRepeat || isStopped) return end;
  if (isRequeued && isGivenBack(outcome)) return { kind: 'again', outcome };
  if (outcome.kind === 'rateLimited') {
    return rateLimits > MOST_RATE_LIMITS ? end : { kind: 'coolDown', outcome, retryAfterMs: outcome.retryAfterMs };
  }
  const refusal = refusalOf(outcome);
  if (refusal?.kind === 'held' && options.held === 'wait') {
    return { kind: 'held', outcome, holder: refusal.holder, until: refusal.until };
  }
  if (!isRetryable(outcome) || failures >= options.retries) return end;
  return { kind: 'retry', outcome, delayMs: Math.min(options.retryAfterMs * 2 ** failures, LONGEST_DELAY_MS) };
}

/** True where an attempt used up one of the task's retries. */
export function countsAsFailure(outcome: TaskOutcome): boolean {
  return isRetryable(outcome);
}

/** True for an end that nobody asked for and that is not well. */
export function isFailure({ kind }: TaskOutcome): boolean {
  return kind !== 'succeeded' && kind !== 'stopped' && kind !== 'skipped';
}

/**
 * Notices the same failure several times in a row, whichever tasks it hits. A task counts once in a row, so that the retries
 * of one task alone stop nothing.
 */
export class Breaker {
  readonly #breakAfter: number;
  #sign: string | undefined;
  readonly #tasks = new Set<TaskId>();

  /** Less than 1: never. */
  constructor(breakAfter: number) {
    this.#breakAfter = breakAfter;
  }

  /** How many equal failures there are now in a row; undefined while they are too few to stop for. */
  note(id: TaskId, outcome: TaskOutcome): number | undefined {
    const sign = signOf(outcome);
    if (outcome.kind === 'succeeded' || (sign !== undefined && sign !== this.#sign)) {
      this.#tasks.clear();
      this.#sign = sign;
    }
    if (sign === undefined) return undefined;
    this.#tasks.add(id);
    return this.#breakAfter >= 1 && this.#tasks.size >= this.#breakAfter ? this.#tasks.size : undefined;
  }
}

/** Failures with the same sign are the same; undefined for what says nothing about failures. */
function signOf(outcome: TaskOutcome): string | undefined {
  switch (outcome.kind) {
    case 'failed': {
      const { cause, exitCode, signal } = outcome;
      const said = cause.kind === 'said' ? cause.detail : '';
      return JSON.stringify(['failed', cause.kind, exitCode ?? null, signal ?? null, said]);
    }
    case 'notStarted':
    case 'notRecorded':
      return JSON.stringify([outcome.kind, outcome.failure.kind]);
    case 'unknown':
      return 'unknown';
    default:
      return undefined;
  }
}

function isRetryable(outcome: TaskOutcome): boolean {
  if (outcome.kind === 'failed' || outcome.kind === 'notStarted') return true;
  const refusal = refusalOf(outcome);
  return refusal?.kind === 'busy' || refusal?.kind === 'writerDied';
}

function refusalOf(outcome: TaskOutcome): Failure | undefined {
  return outcome.kind === 'skipped' && outcome.reason.kind === 'claimFailed' ? outcome.reason.failure : undefined;
}

/** True where the backlog has the task back, so that it can be begun anew. */
function isGivenBack(outcome: TaskOutcome): boolean {
  return ['stopped', 'failed', 'rateLimited', 'notStarted', 'skipped', 'unknown'].includes(outcome.kind);
}
