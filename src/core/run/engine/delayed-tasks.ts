import type { Disposable } from '../../events.ts';
import type { Entry } from './run-entry.ts';
import type { RunnerWorld } from './run-world.ts';

/** Shortest delay after a claim that was refused although the backlog showed no holder. */
const UNSURE_MS = 5_000;
/**
 * Waits are checked this often, however long they are: a lease may be renewed, and clocks may jump.
 */
const LONGEST_WAIT_MS = 60 * 60_000;

/** Tasks of one run that wait without a slot: for a delay, or for another holder's release. */
export class DelayedTasks implements Disposable {
  readonly #world: Pick<RunnerWorld, 'source' | 'clock'>;
  readonly #comeBack: (entries: readonly Entry[]) => void;
  readonly #timers = new Map<Entry, Disposable>();
  /** The holder of a task in the backlog. */
  readonly #held = new Map<Entry, string>();
  #watch: Disposable | undefined;

  /** `comeBack` gets tasks whose wait is over. */
  constructor(
    world: Pick<RunnerWorld, 'source' | 'clock'>,
    comeBack: (entries: readonly Entry[]) => void,
  ) {
    this.#world = world;
    this.#comeBack = comeBack;
  }

  waitFor(entry: Entry, ms: number): void {
    this.leave(entry);
    const waitMs = Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
    this.#timers.set(entry, this.#world.clock.after(waitMs, () => this.#return([entry]))); // prettier-ignore
  }

  /**
   * Until the holder releases the task, or its lease ends (epoch ms). `isSeen` is false where a
   * claim found the holder: the backlog may not show it yet, which would end the wait at once.
   */
  waitForHolder(entry: Entry, holder: string, until: number, isSeen: boolean): void {
    this.waitFor(entry, isSeen ? until - this.#world.clock.now() : UNSURE_MS);
    if (!isSeen) return;
    this.#held.set(entry, holder);
    this.#watch ??= this.#world.source.onDidChange(() => this.#look());
  }

  /** Ends the wait of a task. */
  leave(entry: Entry): void {
    this.#timers.get(entry)?.dispose();
    this.#timers.delete(entry);
    this.#held.delete(entry);
  }

  dispose(): void {
    for (const timer of this.#timers.values()) timer.dispose();
    this.#timers.clear();
    this.#held.clear();
    this.#watch?.dispose();
  }

  #look(): void {
    const { source, clock } = this.#world;
    const { state } = source;
    if (state.kind !== 'ready' || this.#held.size === 0) return;
    const free: Entry[] = [];
    for (const [entry, holder] of this.#held) {
      const lock = state.snapshot.byId.get(entry.id)?.lock;
      if (lock?.holder !== holder || (lock.until ?? Infinity) <= clock.now()) free.push(entry);
    }
    if (free.length > 0) this.#return(free);
  }

  #return(entries: readonly Entry[]): void {
    for (const entry of entries) this.leave(entry);
    this.#comeBack(entries);
  }
}
