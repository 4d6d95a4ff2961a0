/** A resource to be released. Disposing twice does nothing. */
export interface Disposable {
  dispose(): void;
}

/** Subscribes a listener; the same shape as `vscode.Event`, so views can take either. */
export type Event<T> = (listener: (event: T) => void) => Disposable;

/**
 * The smallest event source: listeners run in the order they came, and may leave while it fires.
 */
export class Emitter<T> {
  readonly #listeners = new Set<(event: T) => void>();

  readonly event: Event<T> = (listener) => {
    // A wrapper of its own, so that the same function subscribed twice is two subscriptions.
    const entry = (event: T): void => listener(event);
    this.#listeners.add(entry);
    return { dispose: () => void this.#listeners.delete(entry) };
  };

  fire(event: T): void {
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener(event);
    }
  }

  dispose(): void {
    this.#listeners.clear();
  }
}

/** Several resources as one; they are released in this order. */
export function together(...parts: readonly Disposable[]): Disposable {
  return { dispose: () => parts.forEach((part) => part.dispose()) };
}

/**
 * A promise that never settles: for work that continues elsewhere after this process has stopped
 * following it.
 */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
