import { Emitter, type Disposable, type Event } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { BacklogSource, Clock, Locks } from '../ports.ts';
import type { Snapshot } from '../snapshot.ts';
import { isSettled, type Status, type Task, type TaskId } from '../task.ts';
import type { HeldLock, LeaseKeeper } from './lease-keeper.ts';

/** The part of a claim that another program undid: its status, or the lock itself. */
export type Undone = 'status' | 'lock';

/** What the reconciler did, for a log. */
export type ReconcileEvent =
  | { readonly kind: 'claimedAgain'; readonly id: TaskId; readonly undone: Undone }
  /** The claim was undone too often in a short time and is not asserted again. */
  | { readonly kind: 'gaveUp'; readonly id: TaskId; readonly undone: Undone }
  /** Another process moved the task on; the lock that the user held was released. */
  | { readonly kind: 'movedOn'; readonly id: TaskId; readonly status: Status }
  | { readonly kind: 'failed'; readonly id: TaskId; readonly failure: Failure };

export interface ClaimReconcilerOptions {
  readonly source: Pick<BacklogSource, 'state' | 'onDidChange' | 'refresh'>;
  readonly locks: Pick<Locks, 'holder' | 'claim' | 'release'>;
  readonly keeper: Pick<LeaseKeeper, 'held' | 'lockOf' | 'track' | 'lose' | 'untrack'>;
  readonly clock: Clock;
  readonly leaseMs: () => number;
  /** For what only a bug can cause; the reconciler keeps working. */
  readonly reportBug: (error: unknown) => void;
}

/** The limit of re-assertions per claim, so that two programs do not undo each other forever. */
const MAX_AGAIN = 3;
const LOOK_LATER_MS = 2_000;
const AGAIN_WITHIN_MS = 10 * 60_000;
/**
 * A snapshot read this long after our last write shows it even if its version is lower: the file
 * was replaced.
 */
const SURELY_NEWER_MS = 5_000;

/**
 * Compares every new snapshot with the locks we hold. exarp-go rewrites all tasks after each update
 * from an earlier read, and so may set a task that we claimed back to Todo; cleaners may clear a
 * lock that they take for dead. Such a claim is made again. A task that another holder took is
 * reported as lost at once, so that the work on it stops.
 *
 *     our lock, In Progress       nothing to do
 *     our lock, Todo              claim again (asserts In Progress)
 *     our lock, Review or Done    respected; a lock taken by hand is released, unless the row is an
 *                                 older one that a rewrite has written back
 *     no lock, open               claim again: the claim finds out whether another process was faster
 *     another holder, or no task  lost
 */
export class ClaimReconciler implements Disposable {
  readonly #options: ClaimReconcilerOptions;
  readonly #events = new Emitter<ReconcileEvent>();
  readonly #subscription: Disposable;
  readonly #busy = new Set<TaskId>();
  #later: Disposable | undefined;
  /** The recent re-assertions of each claim, epoch ms. */
  readonly #again = new Map<TaskId, readonly number[]>();

  readonly onEvent: Event<ReconcileEvent> = this.#events.event;

  constructor(options: ClaimReconcilerOptions) {
    this.#options = options;
    this.#subscription = options.source.onDidChange(() => this.#look());
  }

  /** Claims a held task again whose lock was cleared; false where it is not ours any more. */
  async reclaim(id: TaskId): Promise<boolean> {
    return this.#claimAgain(id, 'lock');
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#later?.dispose();
    this.#events.dispose();
  }

  #look(): void {
    const { source, keeper } = this.#options;
    const { state } = source;
    // Only the database has locks.
    if (state.kind !== 'ready' || state.snapshot.source !== 'sqlite') return;
    for (const id of keeper.held) {
      const held = keeper.lockOf(id);
      if (held === undefined || this.#busy.has(id)) continue;
      this.#compare(id, held, state.snapshot);
    }
  }

  #compare(id: TaskId, held: HeldLock, snapshot: Snapshot): void {
    const task = snapshot.byId.get(id);
    if (isOlder(task, held, snapshot)) {
      this.#inBackground(id, this.#lookAgain(id, held));
      return;
    }
    this.#judge(id, held, task);
  }

  /**
   * A read that begins now shows our last write or a later one, so versions need not be compared.
   */
  async #lookAgain(id: TaskId, held: HeldLock): Promise<void> {
    const { source, keeper } = this.#options;
    await source.refresh();
    const { state } = source;
    if (keeper.lockOf(id) !== held || state.kind !== 'ready' || state.snapshot.source !== 'sqlite')
      return;
    this.#judge(id, held, state.snapshot.byId.get(id));
  }

  #judge(id: TaskId, held: HeldLock, task: Task | undefined): void {
    const { keeper, locks } = this.#options;
    if (task === undefined) {
      keeper.lose(id, undefined);
      return;
    }
    const { status, lock } = task;
    if (lock !== undefined && lock.holder !== locks.holder) {
      keeper.lose(id, lock.holder);
    } else if (isSettled(status) || status === 'Review') {
      // A run releases the lock of the user's task in it.
      if (held.byHand === true && held.isAlive === undefined)
        this.#inBackground(id, this.#release(task));
    } else if (lock === undefined && (status === 'Todo' || status === 'In Progress')) {
      this.#inBackground(id, this.#claimAgain(id, 'lock'));
    } else if (status === 'Todo') {
      this.#inBackground(id, this.#claimAgain(id, 'status'));
    }
  }

  async #claimAgain(id: TaskId, undone: Undone): Promise<boolean> {
    const { keeper, locks, clock, leaseMs } = this.#options;
    const held = keeper.lockOf(id);
    if (held === undefined) return false;
    if (!this.#mayAgain(id, undone)) {
      if (undone === 'lock') keeper.lose(id, undefined);
      return false;
    }
    this.#busy.add(id);
    try {
      const newLeaseMs = leaseMs();
      const claim = await locks.claim(id, newLeaseMs);
      // Released while the claim ran: a fresh lock came after that and is not wanted.
      if (keeper.lockOf(id) === undefined) {
        if (claim.ok && claim.value.fresh) await locks.release(id, 'Todo');
        return false;
      }
      if (claim.ok) {
        keeper.track(id, newLeaseMs, { ...held, version: claim.value.version });
        this.#again.set(id, [...(this.#again.get(id) ?? []), clock.now()]);
        this.#events.fire({ kind: 'claimedAgain', id, undone });
        return true;
      }
      return this.#refused(id, claim.failure);
    } finally {
      this.#busy.delete(id);
    }
  }

  /** Whether the lock is still ours after a claim that was refused. */
  #refused(id: TaskId, failure: Failure): boolean {
    const { keeper } = this.#options;
    switch (failure.kind) {
      case 'held':
      case 'unleased':
        keeper.lose(id, failure.holder);
        return false;
      case 'noSuchTask':
      case 'notClaimable':
        keeper.lose(id, undefined);
        return false;
      default:
        // The next snapshot or the next renewal asks again.
        this.#events.fire({ kind: 'failed', id, failure });
        return true;
    }
  }

  async #release({ id, status }: Task): Promise<void> {
    const { keeper, locks } = this.#options;
    const keep = keeper.untrack(id);
    const finished = await locks.release(id, 'Todo', { onlyMoved: true });
    if (finished.ok && finished.value === 'In Progress') {
      // The status was that of an older row: the claim goes on.
      keep();
      this.#lookLater();
    } else if (finished.ok) {
      this.#events.fire({ kind: 'movedOn', id, status });
    } else if (finished.failure.kind !== 'lockLost' && finished.failure.kind !== 'noSuchTask') {
      keep();
      this.#events.fire({ kind: 'failed', id, failure: finished.failure });
    }
  }

  /** A rewrite that has not ended may yet turn out to be a real change. */
  #lookLater(): void {
    this.#later ??= this.#options.clock.after(LOOK_LATER_MS, () => {
      this.#later = undefined;
      this.#look();
    });
  }

  #mayAgain(id: TaskId, undone: Undone): boolean {
    const now = this.#options.clock.now();
    const recent = (this.#again.get(id) ?? []).filter((at) => Math.abs(now - at) < AGAIN_WITHIN_MS);
    if (recent.length < MAX_AGAIN) {
      this.#again.set(id, recent);
      return true;
    }
    // Reported once: the added entry silences the next one.
    if (recent.length === MAX_AGAIN) this.#events.fire({ kind: 'gaveUp', id, undone });
    this.#again.set(id, [...recent.slice(0, MAX_AGAIN), now]);
    return false;
  }

  #inBackground(id: TaskId, work: Promise<unknown>): void {
    this.#busy.add(id);
    work.catch(this.#options.reportBug).finally(() => this.#busy.delete(id));
  }
}

/** True for a snapshot from before our last write. */
function isOlder(task: Task | undefined, held: HeldLock, snapshot: Snapshot): boolean {
  if (snapshot.readAt - held.at > SURELY_NEWER_MS) return false;
  return task === undefined ? snapshot.readAt < held.at : task.version < (held.version ?? 0);
}
