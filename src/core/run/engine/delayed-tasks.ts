import type { Disposable } from '../../events.ts';
import type { Entry } from './run-entry.ts';
import type { RunnerWorld } from './run-world.ts';

/** After a claim that was refused although the backlog showed nobody, the next look takes at least so long. */
const UNSURE_MS = 5_000;
/** A wait is looked at this often, however long it is: a lease may have got a new end, and clocks may jump. */
const LONGEST_WAIT_MS = 60 * 60_000;

/** Tasks of one run that wait without a slot: for a moment, or for somebody else to let go of them. */
export class DelayedTasks implements Disposable {
  readonly #world: Pick<RunnerWorld, 'source' | 'clock'>;
  readonly #comeBack: (entries: readonly Entry[]) => void;
  readonly #timers = new Map<Entry, Disposable>();
  /** By whom a task is held, as the backlog showed it. */
  readonly #held = new Map<Entry, string>();
  #watch: Disposable | undefined;

  /** `comeBack` gets tasks that may have their turn again. */
  constructor(world: Pick<RunnerWorld, 'source' | 'clock'>, comeBack: (entries: readonly Entry[]) => void) {
    this.#world = world;
    this.#comeBack = comeBack;
  }

  waitFor(entry: Entry, ms: number): void {
    this.leave(entry);
    const waitMs = Math.min(Math.max(0, ms), LONGEST_WAIT_MS);
    this.#timers.set(entry, this.#world.clock.after(waitMs, () => this.#return([entry]))); // prettier-ignore
  }

  /**
   * Until the holder lets go, or its lease ends (epoch ms). `isSeen` is false where only a claim told of it: the backlog
   * may not show it yet, and would bring the task back at once.
   */
  waitForHolder(entry: Entry, holder: string, until: number, isSeen: boolean): void {
    this.waitFor(entry, isSeen ? until - this.#world.clock.now() : UNSURE_MS);
    if (!isSeen) return;
    this.#held.set(entry, holder);
    this.#watch ??= this.#world.source.onDidChange(() => this.#look());
  }

  /** It waits no more, for whatever reason. */
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
