import type { Failure } from '../../core/failure.ts';
import type { Claim, Clock, Locks, Renewal } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Ending } from '../../core/run/attempt/task-work.ts';
import type { Status, TaskId } from '../../core/task.ts';
import { BusyBackoff } from './busy-backoff.ts';
import type { Transacted } from './connection.ts';
import type { LockContext } from './lock-row.ts';
import { claimTask, renewLocks } from './lock-statements.ts';
import { releaseWithResult } from './release-with-result.ts';
import type { WriteWatch } from './watch/write-watch.ts';

/** The run is blocked meanwhile. */
const CLAIM_DEADLINE_MS = 10_000;
/** Finished work is worth a long wait; renewals keep the lease meanwhile. */
const RELEASE_DEADLINE_MS = 10 * 60_000;
const RENEW_DEADLINE_MS = 5_000;
const MAX_PAUSE_MS = 1_000;

export interface WorkLocksOptions {
  readonly watch: WriteWatch;
  /** The database, for failures. */
  readonly file: string;
  /** The name in the lock columns. */
  readonly holder: string;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Called after a status was written. */
  readonly onStatusWritten: (id: TaskId, status: Status) => void;
  /** Logs a remark that is not a failure. */
  readonly note: (text: string) => void;
}

/**
 * The locks of one worker, written by its own process, which never reads the database's bytes. A
 * locked database is retried with backoff; then the failure is `busy`, with nothing written.
 */
export class WorkLocks implements Pick<Locks, 'holder' | 'claim' | 'renew' | 'release'> {
  readonly #options: WorkLocksOptions;

  constructor(options: WorkLocksOptions) {
    this.#options = options;
  }

  get holder(): string {
    return this.#options.holder;
  }

  async claim(id: TaskId, leaseMs: number): Promise<Result<Claim, Failure>> {
    const claimed = await this.#transact(CLAIM_DEADLINE_MS, (context) =>
      claimTask(context, { id, leaseMs, takeUnleased: false }),
    );
    if (!claimed.ok) return claimed;
    const { claim, changed } = claimed.value;
    if (changed) this.#options.onStatusWritten(id, 'In Progress');
    return ok(claim);
  }

  renew(ids: readonly TaskId[], leaseMs: number): Promise<Result<Renewal, Failure>> {
    return this.#transact(RENEW_DEADLINE_MS, (context) =>
      ok(renewLocks(context, { ids, leaseMs })),
    );
  }

  release(id: TaskId, to: 'Todo' | 'Review' | 'Done'): Promise<Result<Status, Failure>> {
    return this.releaseWithResult(id, { to, overrules: false, comment: undefined });
  }

  /** As `release`, with the result comment, in one transaction. */
  async releaseWithResult(id: TaskId, ending: Ending): Promise<Result<Status, Failure>> {
    const released = await this.#transact(RELEASE_DEADLINE_MS, (context) =>
      releaseWithResult(context, {
        id,
        ...ending,
        acceptsMoved: false,
        commentType: 'result',
        again: false,
      }),
    );
    if (!released.ok) return released;
    const { status, changed, comment } = released.value;
    if (comment === 'noTable') {
      this.#options.note(
        'The store has no table of comments that takes a result, so none was written.',
      );
    }
    if (changed) this.#options.onStatusWritten(id, status);
    return ok(status);
  }

  async #transact<T>(
    deadlineMs: number,
    body: (context: LockContext) => Result<T, Failure>,
  ): Promise<Result<T, Failure>> {
    const { watch, file, holder, clock, random } = this.#options;
    const backoff = new BusyBackoff({ clock, random, deadlineMs, maxPauseMs: MAX_PAUSE_MS });
    for (;;) {
      // The time is read after the wait for the write lock.
      const outcome: Transacted<T> = watch.transact((db, touch) =>
        body({ db, holder, now: clock.now(), touch }),
      );
      if (outcome !== 'busy') return outcome;
      const waitedMs = await backoff.pause();
      if (waitedMs !== undefined) return fail({ kind: 'busy', file, waitedMs });
    }
  }
}
