import type { Disposable } from '../../events.ts';
import type { Clock } from '../../ports.ts';

interface Timer {
  readonly at: number;
  /** Of two timers for the same moment, the one that was set first rings first. */
  readonly order: number;
  readonly ring: () => void;
  isOff: boolean;
}

/**
 * A clock that does not wait: when nothing else can happen, it is at once as late as the next
 * timer.
 */
export class VirtualClock implements Clock {
  #now: number;
  #set = 0;
  /** A heap, the earliest on top. */
  readonly #timers: Timer[] = [];

  /** `now` is where it begins, in epoch ms. */
  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): Disposable {
    const timer: Timer = {
      at: this.#now + Math.max(0, ms),
      order: this.#set++,
      ring: callback,
      isOff: false,
    };
    this.#push(timer);
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
    let next = this.#pop();
    while (next?.isOff === true) next = this.#pop();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    next.ring();
    for (
      let same = this.#timers[0];
      same !== undefined && same.at <= this.#now;
      same = this.#timers[0]
    ) {
      this.#pop();
      if (!same.isOff) same.ring();
    }
    return true;
  }

  #push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.length;
    timers.push(timer);
    for (
      let above = (at - 1) >> 1;
      at > 0 && isBefore(timer, timers[above]);
      above = (at - 1) >> 1
    ) {
      timers[at] = timers[above] ?? timer;
      at = above;
    }
    timers[at] = timer;
  }

  #pop(): Timer | undefined {
    const timers = this.#timers;
    const top = timers[0];
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const [left, right] = [timers[below], timers[below + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) below++;
      const child = below === 2 * at + 1 ? left : (right ?? left);
      if (!isBefore(child, last)) break;
      timers[at] = child;
      at = below;
    }
    timers[at] = last;
    return top;
  }
}

function isBefore(a: Timer, b: Timer | undefined): boolean {
  return b !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));
}
