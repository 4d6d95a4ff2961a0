import type { Disposable } from '../../events.ts';
import type { Failure } from '../../failure.ts';
import { nextAfter, outcomeOf, type Breaker, type Next } from './retry-policy.ts';
import type { AttemptResult } from './attempt.ts';
import { countAttempt, type Entry } from './run-entry.ts';
import type { TaskOutcome, WaitReason } from '../run-events.ts';
import { StoreBackoff } from './store-backoff.ts';
import type { RunParts, Unstarted } from './task-executor.ts';
import type { DelayedTasks } from './delayed-tasks.ts';

/** The parts of a run that rescheduling needs. */
export interface ReschedulerOptions extends RunParts {
  readonly delayed: DelayedTasks;
  readonly breaker: Breaker;
  readonly isRunning: () => boolean;
  readonly tellWaits: (entry: Entry, reason: WaitReason | undefined) => void;
  /** `sameInARow`: how many equal failures there are now, where they are enough to stop the run. */
  readonly end: (entry: Entry, outcome: TaskOutcome, sameInARow?: number) => void;
  /** The store backoff is over, see `isBackingOff`. */
  readonly onBackoffOver: () => void;
}

/**
 * Decides what follows after a turn of a task: it ends, is queued again, or waits without a slot.
 *
 *     attempt ──▶ ended, or queued: again │ after a delay │ after the cool-down of its agent │ after its holder's release
 *     no attempt ──▶ skipped, or queued: at once │ behind another task │ after its holder's release │ after the store backoff
 */
export class Rescheduler implements Disposable {
  readonly #options: ReschedulerOptions;
  readonly #backoff: StoreBackoff;
  /** Tasks that could not start because the backlog could not be read. */
  #heldBack: Entry[] = [];

  constructor(options: ReschedulerOptions) {
    this.#options = options;
    this.#backoff = new StoreBackoff(options.runContext.world.clock, () => {
      for (const entry of this.#heldBack.splice(0)) options.tellWaits(entry, undefined);
      options.onBackoffOver();
    });
  }

  /** True while the run starts nothing because the backlog could not be read. */
  get isBackingOff(): boolean {
    return this.#backoff.isActive;
  }

  dispose(): void {
    this.#backoff.dispose();
  }

  /** A turn in which no worker started. */
  unstarted(entry: Entry, result: Unstarted): void {
    const { scheduler, options, whyNot, end } = this.#options;
    const { id } = entry;
    // A stop may have come meanwhile.
    const why = result.kind === 'skip' ? result : whyNot(entry);
    if (why?.kind === 'skip') {
      end(entry, { kind: 'skipped', reason: why.reason });
      return;
    }
    entry.phase = 'waiting';
    if (result.kind === 'unreadable') {
      this.#unreadable(entry, result.failure);
      return;
    }
    if (result.kind !== 'back') this.#backoff.worked();
    switch (result.kind) {
      case 'skip':
      case 'back':
        scheduler.back(id);
        return;
      case 'waitFor':
        // It may have ended since the check: then the next check decides.
        if (scheduler.mayWaitFor(id, result.id)) scheduler.defer(id, result.id);
        else scheduler.back(id);
        return;
      case 'held':
        if (options.heldTasks === 'wait')
          this.#waitForHolder(entry, result.holder, result.until, true);
        else end(entry, { kind: 'skipped', reason: { kind: 'notReady', reasons: result.reasons } });
    }
  }

  /**
   * The backlog cannot be read: the task stays queued, and the run backs off; after the last retry
   * the task is skipped.
   */
  #unreadable(entry: Entry, failure: Failure): void {
    const { scheduler, breaker, end, tellWaits } = this.#options;
    const at = this.#backoff.begin();
    if (at === undefined) {
      const outcome: TaskOutcome = { kind: 'skipped', reason: { kind: 'claimFailed', failure } };
      end(entry, outcome, breaker.note(entry.id, outcome));
      return;
    }
    this.#heldBack.push(entry);
    scheduler.back(entry.id);
    tellWaits(entry, { kind: 'retry', at });
  }

  /** An attempt ended. */
  attempted(entry: Entry, { end: workEnd, wasClaimed }: AttemptResult): void {
    const { options, runContext, breaker, isRunning, end } = this.#options;
    const { isStopped, isRequeued, failures, refusals, agent } = entry;
    this.#backoff.worked();
    const outcome = outcomeOf(workEnd, wasClaimed, isStopped);
    if (outcome.kind === 'succeeded') runContext.limiter.succeeded(agent.agent);
    const until =
      outcome.kind === 'rateLimited'
        ? this.#coolDown(entry, outcome.retryAfterMs)
        : runContext.world.clock.now();
    const count = isRequeued || isStopped ? undefined : breaker.note(entry.id, outcome);
    const mayRepeat = isRunning() && count === undefined;
    const rateLimits = entry.rateLimits + 1;
    const attempt = { outcome, isStopped, isRequeued, mayRepeat, failures, rateLimits, refusals };
    const next = nextAfter(attempt, options);
    entry.isRequeued = false;
    if (next.kind === 'end') end(entry, outcome, count);
    else this.#queueAgain(entry, outcome, next, until);
  }

  #queueAgain(
    entry: Entry,
    outcome: TaskOutcome,
    next: Exclude<Next, { kind: 'end' }>,
    until: number,
  ): void {
    const { runContext, scheduler, delayed, tell, tellWaits } = this.#options;
    const { id, agent } = entry;
    const notBefore = next.kind === 'retry' ? runContext.world.clock.now() + next.delayMs : until;
    entry.phase = 'waiting';
    entry.waits = undefined;
    if (next.kind !== 'again') countAttempt(entry, outcome);
    tell({ kind: 'taskRequeued', id, outcome, notBefore });
    switch (next.kind) {
      case 'again':
        scheduler.back(id);
        return;
      case 'coolDown':
        tellWaits(entry, { kind: 'coolingDown', agent: agent.agent, until });
        scheduler.back(id);
        return;
      case 'retry':
        scheduler.setAside(id);
        tellWaits(entry, { kind: 'retry', at: notBefore });
        delayed.waitFor(entry, next.delayMs);
        return;
      case 'held':
        this.#waitForHolder(entry, next.holder, next.until, false);
    }
  }

  #coolDown({ agent }: Entry, retryAfterMs: number | undefined): number {
    const { limiter, coolDown } = this.#options.runContext;
    const until = limiter.rateLimited(agent.agent, retryAfterMs);
    coolDown(agent.agent, until);
    return until;
  }

  #waitForHolder(entry: Entry, holder: string, until: number, isSeen: boolean): void {
    const { scheduler, delayed, tellWaits } = this.#options;
    scheduler.setAside(entry.id);
    tellWaits(entry, { kind: 'held', holder });
    delayed.waitForHolder(entry, holder, until, isSeen);
  }
}
