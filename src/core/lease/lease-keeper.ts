import { Emitter, type Disposable, type Event } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { Clock, Locks, Renewal } from '../ports.ts';
import type { TaskId } from '../task.ts';

/**
 * A lock that is not ours any more; `holder` is who has the task now, undefined where it has no
 * lock.
 */
export interface LostLock {
  readonly id: TaskId;
  readonly holder: string | undefined;
}

/** What a lock is held for. */
export interface HeldFor {
  /** True where the user took it: it lives as long as the window. */
  readonly byHand?: boolean;
  /** False once the work has ended, reported or not: such a lock is not renewed any more. */
  readonly isAlive?: () => boolean;
  /** Of the row after our last claim: a snapshot with a lower version is older than our lock. */
  readonly version?: number;
}

/**
 * A tracked lock. It got its current lease of `leaseMs` at `at` (epoch ms); settings may have
 * changed since.
 */
export interface HeldLock extends HeldFor {
  readonly at: number;
  readonly leaseMs: number;
}

export interface LeaseKeeperOptions {
  readonly locks: Pick<Locks, 'renew'>;
  readonly clock: Clock;
  /** The length of a lease in ms, read anew for each renewal. */
  readonly leaseMs: () => number;
  /** The longest time between renewals, in ms; undefined leaves it to the lease. */
  readonly renewalMs?: () => number | undefined;
  /** For what only a bug can cause; the keeper keeps working. */
  readonly reportBug: (error: unknown) => void;
  /**
   * Called for a lock that was cleared and not taken: true where it is ours again. Without it, such
   * a lock is lost.
   */
  readonly reclaim?: (id: TaskId) => Promise<boolean>;
}

/**
 * How often the clock is checked between renewals: timers stop while a computer sleeps, and lost
 * locks must be found soon after.
 */
const LOOK_EVERY_MS = 10_000;
/** After a failed renewal; a lease has two thirds of its length left for retries. */
const RETRY_MS = 15_000;
/**
 * A timer that fires this much too late or too early means that the computer slept or the clock was
 * set.
 */
const JUMP_MS = 20_000;

/**
 * Keeps locks alive: each is renewed after a third of its lease, all in one call, and at once after
 * a sleep or a jump of the clock, since the rest of the lease is unknown then.
 *
 * A failed renewal is reported and retried until it succeeds or the lock is lost. A lost lock is
 * reported and untracked; a lock of another holder is never taken back. A lock whose work has ended
 * is reported and untracked too.
 */
export class LeaseKeeper implements Disposable {
  readonly #options: LeaseKeeperOptions;
  readonly #held = new Map<TaskId, HeldLock>();
  readonly #lost = new Emitter<LostLock>();
  readonly #failed = new Emitter<Failure>();
  readonly #jumped = new Emitter<number>();
  readonly #outlived = new Emitter<TaskId>();
  readonly #changed = new Emitter<undefined>();
  #timer: Disposable | undefined;
  #renewing = false;
  #retryAt: number | undefined;
  #disposed = false;

  readonly onDidLose: Event<LostLock> = this.#lost.event;
  readonly onDidFail: Event<Failure> = this.#failed.event;
  /** By how many ms the clock is ahead of the expected time; negative where it is behind. */
  readonly onDidJump: Event<number> = this.#jumped.event;
  /** A lock that is still ours although the work it was held for has ended. */
  readonly onDidOutlive: Event<TaskId> = this.#outlived.event;
  /** After the set of tracked locks changed, or which of them are held by hand. */
  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /**
   * Tracks a lock that was just claimed or renewed for `leaseMs`; a tracked one counts as renewed
   * now.
   */
  track(id: TaskId, leaseMs: number, work: HeldFor = {}): void {
    if (this.#disposed) return;
    const before = this.#held.get(id);
    this.#held.set(id, { ...work, at: this.#options.clock.now(), leaseMs });
    this.#plan();
    if (before === undefined || before.byHand !== work.byHand) this.#changed.fire(undefined);
  }

  /**
   * Stops tracking a lock before it is released; the row stays. The returned function tracks it
   * again if the release fails.
   */
  untrack(id: TaskId): () => void {
    const held = this.#held.get(id);
    if (held === undefined) return () => undefined;
    this.#remove(id);
    return () => {
      if (!this.#held.has(id)) this.track(id, held.leaseMs, held);
    };
  }

  /**
   * Reports that a lock is not ours any more and untracks it; does nothing where it is not tracked.
   */
  lose(id: TaskId, holder: string | undefined): void {
    if (!this.#held.has(id)) return;
    this.#remove(id);
    this.#lost.fire({ id, holder });
  }

  tracks(id: TaskId): boolean {
    return this.#held.has(id);
  }

  lockOf(id: TaskId): HeldLock | undefined {
    return this.#held.get(id);
  }

  get held(): readonly TaskId[] {
    return [...this.#held.keys()];
  }

  /** Those that the user took. */
  get heldByHand(): readonly TaskId[] {
    return this.held.filter((id) => this.#held.get(id)?.byHand === true);
  }

  dispose(): void {
    this.#disposed = true;
    this.#held.clear();
    this.#plan();
    const emitters = [this.#lost, this.#failed, this.#jumped, this.#outlived, this.#changed];
    for (const emitter of emitters) emitter.dispose();
  }

  #remove(id: TaskId): void {
    this.#held.delete(id);
    this.#plan();
    this.#changed.fire(undefined);
  }

  #plan(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
    if (this.#held.size === 0 || this.#renewing) return;
    const { clock } = this.#options;
    const now = clock.now();
    const waitMs = Math.min(Math.max(this.#dueAt() - now, 0), LOOK_EVERY_MS);
    this.#timer = clock.after(waitMs, () => this.#look(now, waitMs));
  }

  /**
   * When the next renewal is due: at once if the clock went back, since the rest of a lease is
   * unknown then.
   */
  #dueAt(): number {
    const now = this.#options.clock.now();
    if (this.#retryAt !== undefined) return this.#retryAt > now + RETRY_MS ? now : this.#retryAt;
    const held = [...this.#held.values()];
    if (held.some(({ at }) => at > now)) return now;
    // A lease that settings have shortened is renewed as early as a new one. A project may ask for
    // earlier renewals and never for later ones: with exarp-go's defaults, 30 minutes renewed every
    // 20, one failed renewal would lose the lock.
    const sooner = this.#options.renewalMs?.() ?? Infinity;
    const third = (leaseMs: number): number =>
      Math.min(Math.min(leaseMs, this.#options.leaseMs()) / 3, sooner);
    return held.reduce((least, { at, leaseMs }) => Math.min(least, at + third(leaseMs)), Infinity);
  }

  #look(plannedAt: number, waitMs: number): void {
    this.#timer = undefined;
    const { clock } = this.#options;
    const aheadMs = clock.now() - (plannedAt + waitMs);
    const jumped = Math.abs(aheadMs) >= JUMP_MS;
    if (jumped) this.#jumped.fire(aheadMs);
    if (jumped || clock.now() >= this.#dueAt()) void this.#renew();
    else this.#plan();
  }

  async #renew(): Promise<void> {
    this.#dropOutlived();
    if (this.#held.size === 0) return;
    this.#renewing = true;
    const { locks, clock, leaseMs, reportBug } = this.#options;
    // Taken before the call, so that a slow write makes the next renewal early and never late.
    const at = clock.now();
    const asked = new Map(this.#held);
    try {
      const newLeaseMs = leaseMs();
      const result = await locks.renew([...asked.keys()], newLeaseMs);
      this.#retryAt = result.ok ? undefined : clock.now() + RETRY_MS;
      if (result.ok) await this.#settle(asked, result.value, { at, leaseMs: newLeaseMs });
      else this.#failed.fire(result.failure);
    } catch (error) {
      this.#retryAt = clock.now() + RETRY_MS;
      reportBug(error);
    } finally {
      this.#renewing = false;
      this.#plan();
    }
  }

  #dropOutlived(): void {
    const ended = [...this.#held]
      .filter(([, { isAlive }]) => isAlive?.() === false)
      .map(([id]) => id);
    for (const id of ended) this.#remove(id);
    for (const id of ended) this.#outlived.fire(id);
  }

  /** Ignores locks that were untracked or claimed again during the call. */
  async #settle(
    asked: ReadonlyMap<TaskId, HeldLock>,
    renewal: Renewal,
    renewed: Pick<HeldLock, 'at' | 'leaseMs'>,
  ): Promise<void> {
    const same = (id: TaskId): boolean => asked.has(id) && asked.get(id) === this.#held.get(id);
    for (const id of renewal.renewed) {
      const held = this.#held.get(id);
      if (held !== undefined && same(id)) this.#held.set(id, { ...held, ...renewed });
    }
    const lost = renewal.lost.filter(({ id }) => same(id));
    // Locks of other holders are reported first, so that the work on those tasks stops.
    for (const { id, holder } of lost) if (holder !== undefined) this.lose(id, holder);
    for (const { id, holder } of lost) {
      if (holder !== undefined || !same(id)) continue;
      if ((await this.#options.reclaim?.(id)) !== true && same(id)) this.lose(id, undefined);
    }
  }
}
