import type { Failure } from '../../failure.ts';
import type { WorkEnd } from '../../ports.ts';
import type { TaskId } from '../../task.ts';
import type { TaskOutcome } from '../run-events.ts';
import type { RunOptions } from '../run-options.ts';

/** What follows after an attempt at a task. */
export type Next =
  | { readonly kind: 'end' }
  /** The user requeued it. */
  | { readonly kind: 'again' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'coolDown' }
  | { readonly kind: 'held'; readonly holder: string; readonly until: number };

/** An attempt that has ended, and what the user requested meanwhile. */
export interface EndedAttempt {
  readonly outcome: TaskOutcome;
  readonly isStopped: boolean;
  readonly isRequeued: boolean;
  /** False as soon as the run starts nothing further. */
  readonly mayRepeat: boolean;
  /** How many attempts at this task failed before. */
  readonly failures: number;
  /** How many rate limits in a row its agent had, up to this attempt. */
  readonly rateLimits: number;
  /** How often in a row, before this attempt, the store was too busy to claim it. */
  readonly refusals: number;
}

const LONGEST_DELAY_MS = 10 * 60_000;
/** A task is not retried after so many rate limits in a row. */
const MOST_RATE_LIMITS = 20;
/**
 * A busy store says nothing about the task: a claim is retried so often, independently of the run's
 * retries.
 */
const MOST_REFUSALS = 5;
const REFUSED_DELAY_MS = 5_000;

/**
 * The outcome of an attempt for its task. An attempt stopped before its claim counts as skipped.
 */
export function outcomeOf(end: WorkEnd, wasClaimed: boolean, isStopped: boolean): TaskOutcome {
  const neverBegan: TaskOutcome = { kind: 'skipped', reason: { kind: 'stopped' } };
  if (end.kind === 'stopped' && !wasClaimed) return neverBegan;
  if (end.kind !== 'refused') return end;
  return isStopped
    ? neverBegan
    : { kind: 'skipped', reason: { kind: 'claimFailed', failure: end.failure } };
}

export function nextAfter(attempt: EndedAttempt, options: RunOptions): Next {
  const { outcome, isStopped, isRequeued, mayRepeat, failures, rateLimits, refusals } = attempt;
  const end: Next = { kind: 'end' };
  if (!mayRepeat || isStopped) return end;
  if (isRequeued && isGivenBack(outcome)) return { kind: 'again' };
  if (outcome.kind === 'rateLimited')
    return rateLimits > MOST_RATE_LIMITS ? end : { kind: 'coolDown' };
  const refusal = refusalOf(outcome);
  if (refusal?.kind === 'held' && options.heldTasks === 'wait')
    return { kind: 'held', holder: refusal.holder, until: refusal.until };
  if (isStoreBusy(outcome)) {
    const delayMs = REFUSED_DELAY_MS * 2 ** refusals;
    return refusals >= MOST_REFUSALS ? end : { kind: 'retry', delayMs };
  }
  if (!countsAsFailure(outcome) || failures >= options.retries) return end;
  return { kind: 'retry', delayMs: retryDelayMs(options, failures) };
}

/**
 * How long a task that failed waits for its next attempt, in ms, where so many failed before that
 * one.
 */
export function retryDelayMs(
  { retryAfterMs }: Pick<RunOptions, 'retryAfterMs'>,
  failures: number,
): number {
  return Math.min(retryAfterMs * 2 ** failures, LONGEST_DELAY_MS);
}

/** True where an attempt used up one of the task's retries. */
export function countsAsFailure({ kind }: TaskOutcome): boolean {
  return kind === 'failed' || kind === 'notStarted';
}

/** True where the task could not be claimed for a reason that passes. */
export function isStoreBusy(outcome: TaskOutcome): boolean {
  const kind = refusalOf(outcome)?.kind;
  return kind === 'busy' || kind === 'writerDied';
}

/** Ends that are no failures: a success, a request, or work that only has to be merged by hand. */
const NO_FAILURES: ReadonlySet<TaskOutcome['kind']> = new Set([
  'succeeded',
  'conflict',
  'stopped',
  'skipped',
]);

/** True for an end without success that was not requested. */
export function isFailure({ kind }: TaskOutcome): boolean {
  return !NO_FAILURES.has(kind);
}

/**
 * Notices the same failure several times in a row, whichever tasks it hits. A task counts once in a
 * row, so that the retries of one task alone stop nothing.
 */
export class Breaker {
  readonly #maxEqualFailures: number;
  #sign: string | undefined;
  #last: TaskOutcome | undefined;
  readonly #tasks = new Set<TaskId>();

  /** Less than 1: never. */
  constructor(maxEqualFailures: number) {
    this.#maxEqualFailures = maxEqualFailures;
  }

  /**
   * The equal failures in a row, and the last of them; undefined while they are too few to stop
   * for.
   */
  get series(): { readonly count: number; readonly outcome: TaskOutcome } | undefined {
    const isLong = this.#maxEqualFailures >= 1 && this.#tasks.size >= this.#maxEqualFailures;
    return isLong && this.#last !== undefined
      ? { count: this.#tasks.size, outcome: this.#last }
      : undefined;
  }

  /**
   * How many equal failures there are now in a row; undefined while they are too few to stop for.
   */
  note(id: TaskId, outcome: TaskOutcome): number | undefined {
    const sign = signOf(outcome);
    if (outcome.kind === 'succeeded' || (sign !== undefined && sign !== this.#sign)) {
      this.#tasks.clear();
      this.#sign = sign;
    }
    if (sign === undefined) return undefined;
    this.#tasks.add(id);
    this.#last = outcome;
    return this.series?.count;
  }
}

/** Failures with the same sign count as equal; undefined for outcomes that are not failures. */
function signOf(outcome: TaskOutcome): string | undefined {
  switch (outcome.kind) {
    case 'failed': {
      const { cause, exitCode, signal } = outcome;
      const said = cause.kind === 'said' ? withoutIds(cause.detail) : '';
      return JSON.stringify(['failed', cause.kind, exitCode ?? null, signal ?? null, said]);
    }
    case 'notStarted':
    case 'notRecorded':
      return JSON.stringify([outcome.kind, outcome.failure.kind]);
    case 'unknown':
      return 'unknown';
    case 'skipped': {
      const refusal = refusalOf(outcome);
      return refusal === undefined || !STOPS_ALL.has(refusal.kind)
        ? undefined
        : JSON.stringify(['refused', refusal.kind]);
    }
    default:
      return undefined;
  }
}

/**
 * Words without what differs each time they are said: the ids of requests, sessions and tasks,
 * times, ports. Short numbers stay, such as the status of an answer.
 */
function withoutIds(words: string): string {
  return words.replace(/[\w:./-]{6,}/g, (word) => (/\d/.test(word) ? '#' : word));
}

/** Refusals that are about the machine or the store: the next task would be refused too. */
const STOPS_ALL: ReadonlySet<Failure['kind']> = new Set<Failure['kind']>([
  'busy',
  'writerDied',
  'readOnly',
  'writeFailed',
  'unreadable',
  'noAgent',
  'agentNotStarted',
  'internal',
]);

function refusalOf(outcome: TaskOutcome): Failure | undefined {
  return outcome.kind === 'skipped' && outcome.reason.kind === 'claimFailed'
    ? outcome.reason.failure
    : undefined;
}

/** True where the task is back in the backlog, so that it can start again. */
function isGivenBack(outcome: TaskOutcome): boolean {
  return ['stopped', 'failed', 'rateLimited', 'notStarted', 'skipped', 'unknown'].includes(
    outcome.kind,
  );
}
