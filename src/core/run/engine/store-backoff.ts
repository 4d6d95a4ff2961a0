import type { Disposable } from '../../events.ts';
import type { Clock } from '../../ports.ts';

/** After a look into a backlog that could not be read; doubled each time, until one works. */
const FIRST_MS = 5_000;
/** More in a row, and it is not only for a moment: 2.5 minutes in all. */
const MOST = 5;

/**
 * A pause of a run while its backlog cannot be read. Another program that replaces the file needs a moment, in which every
 * task that has its turn would be skipped, one after the other, to the end of the run.
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

  /** Begins a pause; answers until when, epoch ms, or undefined where there were enough in a row. */
  begin(): number | undefined {
    if (this.#timer === undefined && this.#count >= MOST) return undefined;
    const pauseMs = FIRST_MS * 2 ** Math.max(0, this.#timer === undefined ? this.#count++ : this.#count - 1);
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
