import type { Disposable } from '../../events.ts';
import type { Clock } from '../../ports.ts';
import { TimeQueue } from './time-queue.ts';

interface Timer {
  readonly ring: () => void;
  isOff: boolean;
}

/**
 * A clock that does not wait: when nothing else can happen, it is at once as late as the next
 * timer.
 */
export class VirtualClock implements Clock {
  #now: number;
  readonly #timers = new TimeQueue<Timer>();

  /** `now` is where it begins, in epoch ms. */
  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): Disposable {
    const timer: Timer = { ring: callback, isOff: false };
    this.#timers.push(this.#now + Math.max(0, ms), timer);
    return { dispose: () => void (timer.isOff = true) };
  }

  /**
   * Lets time pass until `isOver`; false where no timer is left before that. `settle` resolves when
   * everything that does not wait for the clock has run.
   */
  async runUntil(isOver: () => boolean, settle: () => Promise<void>): Promise<boolean> {
    for (;;) {
      await settle();
      if (isOver()) return true;
      if (!this.#ringNext()) return false;
    }
  }

  /** Rings every timer of the next moment for which there is one. */
  #ringNext(): boolean {
    let hasRung = false;
    for (let at = this.#timers.next; at !== undefined; at = this.#timers.next) {
      if (hasRung && at > this.#now) break;
      for (const timer of this.#timers.pop()) {
        if (timer.isOff) continue;
        this.#now = at;
        hasRung = true;
        timer.ring();
      }
    }
    return hasRung;
  }
}
