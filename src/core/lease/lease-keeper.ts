import { Emitter, type Disposable, type Event } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { Clock, Locks, Renewal } from '../ports.ts';
import type { TaskId } from '../task.ts';

/** A lock that was ours and is not any longer; `holder` is who has the task now, undefined when nobody does. */
export interface LostLock {
  readonly id: TaskId;
  readonly holder: string | undefined;
}

/** What a lock is held for. */
export interface HeldFor {
  /** True where a person took it: it lives as long as the window. */
  readonly byHand?: boolean;
  /** False as soon as the work has ended, whether or not anybody said so: such a lock is renewed no more. */
  readonly isAlive?: () => boolean;
  /** Of the row after our last claim: what a snapshot with a lower one says of the task is older than our lock. */
  readonly version?: number;
}

/** A lock that is kept, and when (epoch ms) it got its present end of `leaseMs`: settings may have changed since. */
export interface HeldLock extends HeldFor {
  readonly at: number;
  readonly leaseMs: number;
}

export interface LeaseKeeperOptions {
  readonly locks: Pick<Locks, 'renew'>;
  readonly clock: Clock;
  /** The length of a lease in ms; asked anew for each renewal. */
  readonly leaseMs: () => number;
  /** How long a lock may at most stay without renewal, in ms; undefined leaves it to the lease. */
  readonly renewalMs?: () => number | undefined;
  /** For what only a bug can cause; the keeper goes on. */
  readonly reportBug: (error: unknown) => void;
  /** Asked about a lock that somebody cleared and nobody took: true where it is ours again. Without it, it is lost. */
  readonly reclaim?: (id: TaskId) => Promise<boolean>;
}

/**
 * The clock is looked at this often although the next renewal may be far: a timer stands still while a computer sleeps,
 * and whoever wakes up with agents at work should soon know whether their tasks are still ours.
 */
const LOOK_EVERY_MS = 10_000;
/** After a renewal that could not be written; a lease has two thirds of its length left for further attempts. */
const RETRY_MS = 15_000;
/** A timer that rings so much too late, or before it was set, tells of a sleep or of a clock that was set. */
const JUMP_MS = 20_000;

/**
 * Keeps locks alive: each is renewed when a third of its lease has gone, all of them in one call, and at once after a
 * sleep or a jump of the clock, since then nobody knows how much of a lease is left.
 *
 * A renewal that fails is announced and tried again until it works or says that the lock is lost. A lost lock is
 * announced and dropped; what somebody else has is never taken back. A lock whose work has ended is announced and dropped too.
 */
export class LeaseKeeper implements Disposable {
  readonly #options: LeaseKeeperOptions;
  readonly #held = new Map<TaskId, HeldLock>();
  readonly #lost = new Emitter<LostLock>();
  readonly #failed = new Emitter<Failure>();
  readonly #renewed = new Emitter<Renewal>();
  readonly #jumped = new Emitter<number>();
  readonly #outlived = new Emitter<TaskId>();
  readonly #changed = new Emitter<undefined>();
  #timer: Disposable | undefined;
  #renewing = false;
  #retryAt: number | undefined;
  #disposed = false;

  readonly onDidLose: Event<LostLock> = this.#lost.event;
  readonly onDidFail: Event<Failure> = this.#failed.event;
  readonly onDidRenew: Event<Renewal> = this.#renewed.event;
  /** By how many ms the clock was found ahead of what it should say, or behind. */
  readonly onDidJump: Event<number> = this.#jumped.event;
  /** A lock that is still ours although the work it was held for has ended. */
  readonly onDidOutlive: Event<TaskId> = this.#outlived.event;
  /** After another set of locks was held, or held by hand. */
  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Keeps a lock that was just claimed or renewed for `leaseMs`; again: counts it as renewed now. */
  track(id: TaskId, leaseMs: number, work: HeldFor = {}): void {
    if (this.#disposed) return;
    const before = this.#held.get(id);
    this.#held.set(id, { ...work, at: this.#options.clock.now(), leaseMs });
    this.#plan();
    if (before === undefined || before.byHand !== work.byHand) this.#changed.fire(undefined);
  }

  /**
   * Lets a lock go its own way, before it is given back; the row is not touched. The answer keeps it again, for when it
   * could not be given back.
   */
  untrack(id: TaskId): () => void {
    const held = this.#held.get(id);
    if (held === undefined) return () => undefined;
    this.#remove(id);
    return () => {
      if (!this.#held.has(id)) this.track(id, held.leaseMs, held);
    };
  }

  /** Tells that a lock is not ours any more, and drops it; does nothing where it is not held. */
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

  /** Those that a person took. */
  get heldByHand(): readonly TaskId[] {
    return this.held.filter((id) => this.#held.get(id)?.byHand === true);
  }

  dispose(): void {
    this.#disposed = true;
    this.#held.clear();
    this.#plan();
    const emitters = [this.#lost, this.#failed, this.#renewed, this.#jumped, this.#outlived, this.#changed];
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

  /** When the next renewal is due: at once if the clock went back, since then nobody knows how much of a lease is left. */
  #dueAt(): number {
    const now = this.#options.clock.now();
    if (this.#retryAt !== undefined) return this.#retryAt > now + RETRY_MS ? now : this.#retryAt;
    const held = [...this.#held.values()];
    if (held.some(({ at }) => at > now)) return now;
    // A lease that settings have made shorter since is renewed as early as a new one would be.
    // A project may want it sooner and never later: with a lease of 30 minutes renewed every 20, as exarp-go's defaults
    // have it, one renewal that cannot be written would lose the lock.
    const sooner = this.#options.renewalMs?.() ?? Infinity;
    const third = (leaseMs: number): number => Math.min(Math.min(leaseMs, this.#options.leaseMs()) / 3, sooner);
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
    // Counted from before the call, so that a slow write makes the next renewal early and never late.
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
    const ended = [...this.#held].filter(([, { isAlive }]) => isAlive?.() === false).map(([id]) => id);
    for (const id of ended) this.#remove(id);
    for (const id of ended) this.#outlived.fire(id);
  }

  /** Only what is still held as it was when asked counts: a lock dropped or claimed again meanwhile has its own story. */
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
    // What somebody has is lost before anything else is asked: whoever works on it must stop.
    for (const { id, holder } of lost) if (holder !== undefined) this.lose(id, holder);
    for (const { id, holder } of lost) {
      if (holder !== undefined || !same(id)) continue;
      if ((await this.#options.reclaim?.(id)) !== true && same(id)) this.lose(id, undefined);
    }
    this.#renewed.fire(renewal);
  }
}
