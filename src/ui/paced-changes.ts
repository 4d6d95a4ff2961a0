import type { Disposable } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';

interface Pace {
  readonly clock: Clock;
  /** The least time between two tellings of the same key, in ms; asked anew each time. */
  readonly restMs: (key: string) => number;
}

/**
 * Passes on that something changed, for what takes long to show: at most once in `restMs`, and only while the user can see it. What
 * is not visible is told once it is; the last change is never lost.
 */
export class PacedChanges implements Disposable {
  readonly #pace: Pace;
  readonly #isVisible: (key: string) => boolean;
  readonly #tell: (key: string) => void;
  readonly #waiting = new Set<string>();
  readonly #toldAt = new Map<string, number>();
  #timer: Disposable | undefined;

  constructor(pace: Pace, isVisible: (key: string) => boolean, tell: (key: string) => void) {
    this.#pace = pace;
    this.#isVisible = isVisible;
    this.#tell = tell;
  }

  changed(key: string): void {
    this.#waiting.add(key);
    this.look();
  }

  /** It is not open any more. */
  forget(key: string): void {
    this.#waiting.delete(key);
    this.#toldAt.delete(key);
  }

  /** Tells what may be told now; to be called after something came into sight, too. */
  look(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
    const { clock } = this.#pace;
    let restLeft = Infinity;
    for (const key of [...this.#waiting]) {
      if (!this.#isVisible(key)) continue;
      const restMs = this.#pace.restMs(key);
      const since = clock.now() - (this.#toldAt.get(key) ?? -Infinity);
      // A clock that was set back must not delay the telling.
      if (since >= 0 && since < restMs) {
        restLeft = Math.min(restLeft, restMs - since);
        continue;
      }
      this.#waiting.delete(key);
      this.#toldAt.set(key, clock.now());
      this.#tell(key);
    }
    if (restLeft < Infinity) this.#timer = clock.after(restLeft, () => this.look());
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#waiting.clear();
  }
}
