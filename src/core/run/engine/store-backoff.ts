import type { Disposable } from '../../events.ts';
import type { Clock } from '../../ports.ts';

/** After a look into a backlog that could not be read; doubled each time, until one works. */
const FIRST_MS = 5_000;
/** More in a row, and it is not only for a moment: 2.5 minutes in all. */
const MOST = 5;

/**
 * A pause of a run while its backlog cannot be read: whoever puts another file in its place needs a moment, in which every task
 * that has its turn would be skipped, one after the other, to the end of the run.
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

  get isResting(): boolean {
    return this.#timer !== undefined;
  }

  /** Rests; answers until when, epoch ms, or undefined where it has rested often enough. */
  begin(): number | undefined {
    if (this.#timer === undefined && this.#count >= MOST) return undefined;
    const restMs = FIRST_MS * 2 ** Math.max(0, this.#timer === undefined ? this.#count++ : this.#count - 1);
    this.#timer ??= this.#clock.after(restMs, () => {
      this.#timer = undefined;
      this.#onOver();
    });
    return this.#clock.now() + restMs;
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
