import type { BacklogRuns } from './backlog-runs.ts';
import type { Options } from './config.ts';
import type { Failure } from './failure.ts';
import { claimCandidates, type ClaimContext } from './lease/claim-candidates.ts';
import type { LeaseKeeper } from './lease/lease-keeper.ts';
import type { Claim, Locks } from './ports.ts';
import { fail, ok, type Result } from './result.ts';
import type { RunState } from './run/run-events.ts';
import type { Snapshot } from './snapshot.ts';
import type { Status, Task, TaskId } from './task.ts';

export interface BacklogClaimsParts {
  readonly locks: Locks;
  readonly keeper: Pick<LeaseKeeper, 'track' | 'tracks' | 'untrack'>;
  readonly backlog: ClaimContext & {
    readonly snapshot: Snapshot | undefined;
    readonly options: Options;
    readonly runs: BacklogRuns;
    task(id: TaskId): Task | undefined;
    refresh(): Promise<void>;
  };
  /** After `failure` changed. */
  readonly onDidChangeFailure: () => void;
}

/** The locks that the user takes and releases in one backlog, and whether that is possible. */
export class BacklogClaims {
  readonly #parts: BacklogClaimsParts;
  readonly #backlog: BacklogClaimsParts['backlog'];
  #failure: Failure | undefined;

  constructor(parts: BacklogClaimsParts) {
    this.#parts = parts;
    this.#backlog = parts.backlog;
  }

  /** Why the backlog is read-only, as far as it is known by now. */
  get failure(): Failure | undefined {
    return this.jsonOnly ?? this.#failure;
  }

  /** Set where the store is a JSON file alone, in which nothing can be claimed. */
  get jsonOnly(): Failure | undefined {
    if (this.#backlog.snapshot?.source !== 'json') return undefined;
    return { kind: 'readOnly', cause: { kind: 'jsonOnly' } };
  }

  /** Asks once whether locks can be written, and tells the views. */
  async probe(): Promise<Failure | undefined> {
    const failure = await this.#parts.locks.probe();
    // Only a missing SQLite lasts; every other failure may be gone with the next attempt.
    const lasting = failure?.kind === 'readOnly' ? failure : undefined;
    if (lasting?.kind !== this.#failure?.kind) {
      this.#failure = lasting;
      this.#parts.onDidChangeFailure();
    }
    return failure;
  }

  /** Probes again after a failure, whose cause may be gone. */
  probeAgain(): void {
    if (this.#failure !== undefined) void this.probe();
  }

  /** Undefined while tasks can be claimed, else why not. */
  async whyReadOnly(): Promise<Failure | undefined> {
    return this.jsonOnly ?? (await this.probe());
  }

  /** Locks a task for the user of this window and keeps the lease alive until it is released. */
  claim(id: TaskId, consent?: 'takeUnleased'): Promise<Result<Claim, Failure>> {
    return this.#claim((leaseMs) => this.#parts.locks.claim(id, leaseMs, consent));
  }

  /**
   * Locks all of these as `claim` does, or none; the failure names the first that is in the way.
   */
  claimAll(ids: readonly TaskId[]): Promise<Result<readonly Claim[], Failure>> {
    return this.#claim((leaseMs) => this.#parts.locks.claimAll(ids, leaseMs));
  }

  /**
   * Locks the first task of those wanted, in the order of the waves, that is ready and free when it
   * is locked.
   */
  claimNext(isWanted?: (task: Task) => boolean): Promise<Result<Claim, Failure>> {
    const candidates = claimCandidates(this.#backlog).filter((id) => {
      const task = this.#backlog.task(id);
      return isWanted === undefined || (task !== undefined && isWanted(task));
    });
    const { waves, reviewOpensGate } = this.#backlog.options;
    const rules = { missing: waves.missing, reviewOpensGate: reviewOpensGate === 'always' };
    return this.#claim(async (leaseMs) =>
      candidates.length === 0
        ? fail({ kind: 'nothingReady' })
        : this.#parts.locks.claimNext(candidates, rules, leaseMs),
    );
  }

  /** Clears the lock that a task is shown with, of any holder; In Progress becomes Todo. */
  async forceRelease(task: Task, reason: string): Promise<Result<Status, Failure>> {
    const refusal = this.jsonOnly;
    if (refusal !== undefined) return fail(refusal);
    if (task.lock === undefined) return fail({ kind: 'lockLost', id: task.id, holder: undefined });
    const released = await this.#parts.locks.forceRelease(task.id, task.lock, reason);
    await this.#backlog.refresh();
    return released;
  }

  /**
   * Releases a lock of ours; In Progress becomes Todo. A task that a run works on is stopped
   * instead.
   */
  async release(id: TaskId): Promise<Result<Status, Failure>> {
    if (this.#backlog.runs.of(id) !== undefined) {
      const stopped = await this.#backlog.runs.steerTask(id, 'stopTask');
      if (!stopped.ok) return stopped;
      // The run has released what it had started; a lock taken by hand, on a task that was still
      // queued, remains.
      if (!this.#parts.keeper.tracks(id)) return ok('Todo');
    }
    const keep = this.#parts.keeper.untrack(id);
    const released = await this.#parts.locks.release(id, 'Todo');
    // Still ours where the write failed: without renewal it would expire while the user relies on
    // it.
    if (
      !released.ok &&
      released.failure.kind !== 'lockLost' &&
      released.failure.kind !== 'noSuchTask'
    )
      keep();
    await this.#backlog.refresh();
    return released;
  }

  async #claim<T extends Claim | readonly Claim[]>(
    claim: (leaseMs: number) => Promise<Result<T, Failure>>,
  ): Promise<Result<T, Failure>> {
    const refusal = this.jsonOnly;
    if (refusal !== undefined) return fail(refusal);
    const { options, runs } = this.#backlog;
    const { leaseMs } = options;
    const claimed = await claim(leaseMs);
    if (claimed.ok) {
      for (const { id, version } of [claimed.value].flat()) {
        // A lock that an agent works under stays its run's, although the user asked for it too.
        if (!isAtWork(runs.of(id), id))
          this.#parts.keeper.track(id, leaseMs, { byHand: true, version });
      }
    }
    await this.#backlog.refresh();
    return claimed;
  }
}

/** True while an agent of this run works on the task. */
function isAtWork(run: RunState | undefined, id: TaskId): boolean {
  const phase = run?.tasks.get(id)?.phase;
  return phase === 'claimed' || phase === 'running';
}
