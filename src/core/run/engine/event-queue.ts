import { Emitter, type Event } from '../../events.ts';
import type { RunEvent } from '../run-events.ts';

/**
 * Delivers events in order. An event that a listener causes is delivered after the current one has
 * reached all listeners.
 */
export class EventQueue {
  readonly #events = new Emitter<RunEvent>();
  readonly #changes = new Emitter<void>();
  readonly #reportBug: (error: unknown) => void;
  #undelivered: RunEvent[] = [];
  #isDelivering = false;
  #willTellChange = false;

  readonly onEvent: Event<RunEvent> = this.#events.event;
  /** A moment after events, and where `changed` says so; once for all that happened in one go. */
  readonly onDidChange: Event<void> = this.#changes.event;

  /** A view that cannot bear an event is reported, and holds nothing up. */
  constructor(reportBug: (error: unknown) => void) {
    this.#reportBug = reportBug;
  }

  tell(event: RunEvent): void {
    this.#undelivered.push(event);
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    while (this.#undelivered.length > 0) {
      // Whole batches, since taking thousands of events from the front of a list one by one takes
      // time squared.
      const batch = this.#undelivered;
      this.#undelivered = [];
      for (const next of batch) this.#safely(() => this.#events.fire(next));
    }
    this.#isDelivering = false;
    this.changed();
  }

  /**
   * Coalesced, since listeners go through whole runs: once per task, ten thousand ends at once
   * would take half a minute.
   */
  changed(): void {
    if (this.#willTellChange) return;
    this.#willTellChange = true;
    queueMicrotask(() => {
      this.#willTellChange = false;
      this.#safely(() => this.#changes.fire());
    });
  }

  dispose(): void {
    this.#events.dispose();
    this.#changes.dispose();
  }

  #safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#reportBug(error);
    }
  }
}
