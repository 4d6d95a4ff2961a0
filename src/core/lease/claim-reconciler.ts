import { Emitter, type Disposable, type Event } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { BacklogSource, Clock, Locks } from '../ports.ts';
import type { Snapshot } from '../snapshot.ts';
import { isSettled, type Status, type Task, type TaskId } from '../task.ts';
import type { HeldLock, LeaseKeeper } from './lease-keeper.ts';

/** What another program undid of a claim of ours: the status that goes with it, or the lock itself. */
export type Undone = 'status' | 'lock';

/** What the watch did, for a log. */
export type ReconcileEvent =
  | { readonly kind: 'claimedAgain'; readonly id: TaskId; readonly undone: Undone }
  /** It was undone so often in a short time that it is left as it is. */
  | { readonly kind: 'gaveUp'; readonly id: TaskId; readonly undone: Undone }
  /** Somebody moved the task on, which is respected; the lock that a person held was given back. */
  | { readonly kind: 'movedOn'; readonly id: TaskId; readonly status: Status }
  | { readonly kind: 'failed'; readonly id: TaskId; readonly failure: Failure };

export interface ClaimReconcilerOptions {
  readonly source: Pick<BacklogSource, 'state' | 'onDidChange' | 'refresh'>;
  readonly locks: Pick<Locks, 'holder' | 'claim' | 'release'>;
  readonly keeper: Pick<LeaseKeeper, 'held' | 'lockOf' | 'track' | 'lose' | 'untrack'>;
  readonly clock: Clock;
  readonly leaseMs: () => number;
  /** For what only a bug can cause; the watch goes on. */
  readonly reportBug: (error: unknown) => void;
}

/** So often in so long a claim is asserted again: two programs that undo each other must not do so for ever. */
const MAX_AGAIN = 3;
const AGAIN_WITHIN_MS = 10 * 60_000;
/** A snapshot read so long after our last write shows that write, whatever its numbers say: the file was replaced. */
const SURELY_NEWER_MS = 5_000;

/**
 * Compares every new snapshot with what we hold. exarp-go rewrites all tasks after each of its updates, from what it read
 * some time before, and so may put a task that we claimed back to Todo; cleaners may wipe a lock that they take for dead.
 * Such a claim is made again. What somebody else has taken is given up at once, so that the work on it stops.
 *
 *     ours, In Progress      nothing to do
 *     ours, Todo             claim again (asserts In Progress)
 *     ours, Review or Done   respected; a lock taken by hand is given back
 *     nobody's, open         claim again: the claim itself finds out whether somebody was faster
 *     somebody's, or gone    lost
 */
export class ClaimReconciler implements Disposable {
  readonly #options: ClaimReconcilerOptions;
  readonly #events = new Emitter<ReconcileEvent>();
  readonly #subscription: Disposable;
  readonly #busy = new Set<TaskId>();
  /** When each claim was asserted again, in epoch ms, as far as that still counts. */
  readonly #again = new Map<TaskId, readonly number[]>();

  readonly onEvent: Event<ReconcileEvent> = this.#events.event;

  constructor(options: ClaimReconcilerOptions) {
    this.#options = options;
    this.#subscription = options.source.onDidChange(() => this.#look());
  }

  /** Claims a task again that we hold and whose lock nobody has any more; false where it is ours no more. */
  async reclaim(id: TaskId): Promise<boolean> {
    return this.#claimAgain(id, 'lock');
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#events.dispose();
  }

  #look(): void {
    const { source, keeper } = this.#options;
    const { state } = source;
    // Without the database nothing is known of its locks.
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

  /** What is read from now on shows our last write, or what became of it, whatever its numbers say. */
  async #lookAgain(id: TaskId, held: HeldLock): Promise<void> {
    const { source, keeper } = this.#options;
    await source.refresh();
    const { state } = source;
    if (keeper.lockOf(id) !== held || state.kind !== 'ready' || state.snapshot.source !== 'sqlite') return;
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
      // The lock of a person's task in a run has somebody who sees to its end.
      if (held.byHand === true && held.isAlive === undefined) this.#inBackground(id, this.#release(task));
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
      // Given back while we asked: a lock that is fresh came after that, and nobody wants it.
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
    const finished = await locks.release(id, 'Todo');
    if (finished.ok) {
      this.#events.fire({ kind: 'movedOn', id, status });
    } else if (finished.failure.kind !== 'lockLost' && finished.failure.kind !== 'noSuchTask') {
      keep();
      this.#events.fire({ kind: 'failed', id, failure: finished.failure });
    }
  }

  #mayAgain(id: TaskId, undone: Undone): boolean {
    const now = this.#options.clock.now();
    const recent = (this.#again.get(id) ?? []).filter((at) => Math.abs(now - at) < AGAIN_WITHIN_MS);
    if (recent.length < MAX_AGAIN) {
      this.#again.set(id, recent);
      return true;
    }
    // Said once: the entry that is added makes the next look silent.
    if (recent.length === MAX_AGAIN) this.#events.fire({ kind: 'gaveUp', id, undone });
    this.#again.set(id, [...recent.slice(0, MAX_AGAIN), now]);
    return false;
  }

  #inBackground(id: TaskId, work: Promise<unknown>): void {
    this.#busy.add(id);
    work.catch(this.#options.reportBug).finally(() => this.#busy.delete(id));
  }
}

/** True for a snapshot that does not know of our last write; such a one says nothing about what became of it. */
function isOlder(task: Task | undefined, held: HeldLock, snapshot: Snapshot): boolean {
  if (snapshot.readAt - held.at > SURELY_NEWER_MS) return false;
  return task === undefined ? snapshot.readAt < held.at : task.version < (held.version ?? 0);
}
