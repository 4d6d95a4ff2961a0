import type { Failure } from '../../core/failure.ts';
import type { Claim, Clock, Locks, Renewal } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Ending } from '../../core/run/attempt/task-work.ts';
import type { Status, TaskId } from '../../core/task.ts';
import type { Connection, Transacted } from './connection.ts';
import { finishWork } from './finish-work.ts';
import type { LockContext } from './lock-row.ts';
import { claimTask, renewLocks } from './lock-statements.ts';

/** Whoever asked for the task waits for this. */
const CLAIM_DEADLINE_MS = 10_000;
/** Work that is done is worth waiting for: the lease is kept meanwhile, and the next renewal comes anyway. */
const FINISH_DEADLINE_MS = 10 * 60_000;
const RENEW_DEADLINE_MS = 5_000;

export interface WorkLocksOptions {
  readonly connection: Connection;
  /** The database, for failures. */
  readonly file: string;
  /** The name in the lock columns. */
  readonly holder: string;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** After a status was written. */
  readonly onStatusWritten: (id: TaskId, status: Status) => void;
  /** Something that is no failure, but that whoever reads the log should know. */
  readonly note: (text: string) => void;
}

/**
 * The locks of one worker, written by its own process: for a process that never reads the bytes of the database. A database
 * that is locked is tried again with jitter; then `busy`, with nothing written.
 */
export class WorkLocks implements Pick<Locks, 'holder' | 'claim' | 'renew' | 'release'> {
  readonly #options: WorkLocksOptions;
  readonly #claimedAt = new Map<TaskId, number>();

  constructor(options: WorkLocksOptions) {
    this.#options = options;
  }

  get holder(): string {
    return this.#options.holder;
  }

  async claim(id: TaskId, leaseMs: number): Promise<Result<Claim, Failure>> {
    const claimed = await this.#transact(CLAIM_DEADLINE_MS, (context) =>
      claimTask(context, { op: 'claim', id, leaseMs, takeUnleased: false }),
    );
    if (!claimed.ok) return claimed;
    const { claim, changed } = claimed.value;
    if (!this.#claimedAt.has(id)) this.#claimedAt.set(id, this.#options.clock.now());
    if (changed) this.#options.onStatusWritten(id, 'In Progress');
    return ok(claim);
  }

  renew(ids: readonly TaskId[], leaseMs: number): Promise<Result<Renewal, Failure>> {
    return this.#transact(RENEW_DEADLINE_MS, (context) => ok(renewLocks(context, { op: 'renew', ids, leaseMs })));
  }

  release(id: TaskId, to: 'Todo' | 'Review' | 'Done'): Promise<Result<Status, Failure>> {
    return this.end(id, { to, overrules: false, comment: undefined });
  }

  /** As `finish`, with what else is written when work ends, in one transaction. */
  async end(id: TaskId, ending: Ending): Promise<Result<Status, Failure>> {
    const claimedAt = this.#claimedAt.get(id) ?? 0;
    const finished = await this.#transact(FINISH_DEADLINE_MS, (context) =>
      finishWork(context, { id, ending, claimedAt }),
    );
    if (!finished.ok) return finished;
    this.#claimedAt.delete(id);
    const { status, changed, comment } = finished.value;
    if (comment === 'noTable') {
      this.#options.note('The store has no table of comments that takes a result, so none was written.');
    }
    if (changed) this.#options.onStatusWritten(id, status);
    return ok(status);
  }

  async #transact<T>(
    deadlineMs: number,
    body: (context: LockContext) => Result<T, Failure>,
  ): Promise<Result<T, Failure>> {
    const { connection, file, holder, clock, random } = this.#options;
    const beganAt = clock.now();
    for (let attempt = 0; ; attempt++) {
      // The time is taken when the wait for the write lock is over.
      const outcome: Transacted<T> = connection.transact((db) => body({ db, holder, now: clock.now() }));
      if (outcome !== 'busy') return outcome;
      const waitedMs = clock.now() - beganAt;
      const pauseMs = 20 + random() * Math.min(1000, 25 * 2 ** Math.min(attempt, 10));
      if (waitedMs + pauseMs > deadlineMs) return fail({ kind: 'busy', file, waitedMs });
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
    }
  }
}
