import type { Clock } from '../../core/ports.ts';

export interface BusyBackoffOptions {
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** How long to retry from now on, in ms. */
  readonly deadlineMs: number;
  readonly maxPauseMs: number;
}

/**
 * Pauses between retries while another process has the database locked: exponential, with jitter,
 * up to a deadline.
 */
export class BusyBackoff {
  readonly #options: BusyBackoffOptions;
  readonly #beganAt: number;
  #pauses = 0;

  constructor(options: BusyBackoffOptions) {
    this.#options = options;
    this.#beganAt = options.clock.now();
  }

  /**
   * Resolves when it is time for another try; at once, with the time waited so far (ms), where the
   * deadline leaves none.
   */
  async pause(): Promise<number | undefined> {
    const { clock, random, deadlineMs, maxPauseMs } = this.#options;
    const waitedMs = clock.now() - this.#beganAt;
    const pauseMs = 20 + random() * Math.min(maxPauseMs, 25 * 2 ** this.#pauses++);
    if (waitedMs + pauseMs > deadlineMs) return waitedMs;
    await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
    return undefined;
  }
}
