import type { Disposable } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';

interface Pace {
  readonly clock: Clock;
  /** The least time between two events of the same key, in ms; read each time. */
  readonly restMs: (key: string) => number;
}

/**
 * Throttles change events of documents that take long to make: at most one in `restMs`, and only
 * while the document is visible. A hidden one is notified when it becomes visible; the last change
 * is never lost.
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

  /** It is closed. */
  forget(key: string): void {
    this.#waiting.delete(key);
    this.#toldAt.delete(key);
  }

  /** Fires the changes that are due; to be called after a document became visible, too. */
  look(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
    const { clock } = this.#pace;
    let restLeft = Infinity;
    for (const key of [...this.#waiting]) {
      if (!this.#isVisible(key)) continue;
      const restMs = this.#pace.restMs(key);
      const since = clock.now() - (this.#toldAt.get(key) ?? -Infinity);
      // A clock that was set back must not delay the change.
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
