import type { Disposable } from '../../events.ts';
import type { Clock } from '../../ports.ts';

/** Backoff after a failed read; doubled each time, until a read succeeds. */
const FIRST_MS = 5_000;
/** Retries in a row: 2.5 minutes in all. */
const MOST = 5;

/**
 * The backoff of a run while its backlog cannot be read. While another program replaces the file,
 * every task of the run would be skipped otherwise.
 */
export class StoreBackoff implements Disposable {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #timer: Disposable | undefined;
  #count = 0;

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  get isActive(): boolean {
    return this.#timer !== undefined;
  }

  /** Begins a backoff; returns its end, epoch ms, or undefined after the last retry. */
  begin(): number | undefined {
    if (this.#timer === undefined && this.#count >= MOST) return undefined;
    const pauseMs =
      FIRST_MS * 2 ** Math.max(0, this.#timer === undefined ? this.#count++ : this.#count - 1);
    this.#timer ??= this.#clock.after(pauseMs, () => {
      this.#timer = undefined;
      this.#onOver();
    });
    return this.#clock.now() + pauseMs;
  }

  /** The backlog could be read. */
  worked(): void {
    if (this.#timer === undefined) this.#count = 0;
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
  }
}
