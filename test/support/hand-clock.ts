import type { Disposable } from '../../src/core/events.ts';
import type { Clock } from '../../src/core/ports.ts';

/** Lets everything that does not wait for the clock continue. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A clock that stands still until a test turns it. */
export class HandClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly ring: () => void }>();

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, ring: () => void): Disposable {
    const timer = { at: this.#now + ms, ring };
    this.#timers.add(timer);
    return { dispose: () => void this.#timers.delete(timer) };
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /** Rings what is due on the way, in order, and lets the consequences happen before going on. */
  async turn(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.ring();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** The computer slept, or the user set the time: no timer rings. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Rings the next timer, even before its time. */
  async ringNext(): Promise<void> {
    const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
    if (next === undefined) throw new Error('No timer is set');
    this.#timers.delete(next);
    next.ring();
    await settle();
  }
}
