import { Emitter, type Disposable, type Event } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { Clock, Locks, Renewal } from '../ports.ts';
import type { TaskId } from '../task.ts';

/** A lock that was ours and is not any longer; `holder` is who has the task now, undefined when nobody does. */
export interface LostLock {
  readonly id: TaskId;
  readonly holder: string | undefined;
}

export interface LeaseKeeperOptions {
  readonly locks: Pick<Locks, 'renew'>;
  readonly clock: Clock;
  /** The length of a lease in ms; asked anew for each renewal. */
  readonly leaseMs: () => number;
  /** For what only a bug can cause; the keeper goes on. */
  readonly reportBug: (error: unknown) => void;
}

interface Held {
  readonly at: number;
  readonly leaseMs: number;
}

/**
 * The clock is looked at this often although the next renewal may be far: a timer stands still while a computer sleeps,
 * so a long one would ring long after the lease it was meant to keep.
 */
const LOOK_EVERY_MS = 60_000;
/** After a renewal that could not be written; a lease has two thirds of its length left for further attempts. */
const RETRY_MS = 15_000;

/**
 * Keeps locks alive: each is renewed when a third of its lease has gone, all of them in one call.
 *
 * A renewal that fails is announced and tried again until it works or says that the lock is lost. A lost lock is
 * announced and dropped; it is never taken back.
 */
export class LeaseKeeper implements Disposable {
  readonly #options: LeaseKeeperOptions;
  /** When each lock got its present end, and how long its lease was then: settings may have changed since. */
  readonly #renewedAt = new Map<TaskId, Held>();
  readonly #lost = new Emitter<LostLock>();
  readonly #failed = new Emitter<Failure>();
  readonly #renewed = new Emitter<Renewal>();
  #timer: Disposable | undefined;
  #renewing = false;
  #retryAt: number | undefined;
  #disposed = false;

  readonly onDidLose: Event<LostLock> = this.#lost.event;
  readonly onDidFail: Event<Failure> = this.#failed.event;
  readonly onDidRenew: Event<Renewal> = this.#renewed.event;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Keeps a lock that was just claimed or renewed for `leaseMs`; again: counts it as renewed now. */
  hold(id: TaskId, leaseMs: number): void {
    if (this.#disposed) return;
    this.#renewedAt.set(id, { at: this.#options.clock.now(), leaseMs });
    this.#plan();
  }

  /** Lets a lock go its own way, before it is given back. The row is not touched. */
  drop(id: TaskId): void {
    this.#renewedAt.delete(id);
    this.#plan();
  }

  holds(id: TaskId): boolean {
    return this.#renewedAt.has(id);
  }

  get held(): readonly TaskId[] {
    return [...this.#renewedAt.keys()];
  }

  dispose(): void {
    this.#disposed = true;
    this.#renewedAt.clear();
    this.#plan();
    for (const emitter of [this.#lost, this.#failed, this.#renewed]) emitter.dispose();
  }

  #plan(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
    if (this.#renewedAt.size === 0 || this.#renewing) return;
    const { clock } = this.#options;
    const waitMs = Math.min(Math.max(this.#dueAt() - clock.now(), 0), LOOK_EVERY_MS);
    this.#timer = clock.after(waitMs, () => this.#look());
  }

  /** When the next renewal is due: at once if the clock went back, since then nobody knows how much of a lease is left. */
  #dueAt(): number {
    const now = this.#options.clock.now();
    if (this.#retryAt !== undefined) return this.#retryAt > now + RETRY_MS ? now : this.#retryAt;
    const held = [...this.#renewedAt.values()];
    if (held.some(({ at }) => at > now)) return now;
    // A lease that settings have made shorter since is renewed as early as a new one would be.
    const third = (leaseMs: number): number => Math.min(leaseMs, this.#options.leaseMs()) / 3;
    return held.reduce((least, { at, leaseMs }) => Math.min(least, at + third(leaseMs)), Infinity);
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#options.clock.now() >= this.#dueAt()) void this.#renew();
    else this.#plan();
  }

  async #renew(): Promise<void> {
    this.#renewing = true;
    const { locks, clock, leaseMs, reportBug } = this.#options;
    // Counted from before the call, so that a slow write makes the next renewal early and never late.
    const at = clock.now();
    const asked = new Map(this.#renewedAt);
    try {
      const newLeaseMs = leaseMs();
      const result = await locks.renew([...asked.keys()], newLeaseMs);
      this.#retryAt = result.ok ? undefined : clock.now() + RETRY_MS;
      if (result.ok) this.#settle(asked, result.value, { at, leaseMs: newLeaseMs });
      else this.#failed.fire(result.failure);
    } catch (error) {
      this.#retryAt = clock.now() + RETRY_MS;
      reportBug(error);
    } finally {
      this.#renewing = false;
      this.#plan();
    }
  }

  /** Only what is still held as it was when asked counts: a lock dropped or claimed again meanwhile has its own story. */
  #settle(asked: ReadonlyMap<TaskId, Held>, renewal: Renewal, held: Held): void {
    const same = (id: TaskId): boolean => asked.has(id) && asked.get(id) === this.#renewedAt.get(id);
    for (const id of renewal.renewed) {
      if (same(id)) this.#renewedAt.set(id, held);
    }
    const lost = renewal.lost.filter(({ id }) => same(id));
    for (const { id } of lost) this.#renewedAt.delete(id);
    for (const lock of lost) this.#lost.fire(lock);
    this.#renewed.fire(renewal);
  }
}
