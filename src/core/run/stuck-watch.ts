import { Emitter, type Disposable, type Event } from '../events.ts';
import type { Clock } from '../ports.ts';
import type { TaskId } from '../task.ts';
import type { RunState } from './run-events.ts';

export interface StuckWatchOptions {
  readonly runs: () => readonly RunState[];
  /** When the agent of a task wrote something last, epoch ms; undefined where nobody knows. */
  readonly lastOutputAt: (id: TaskId) => number | undefined;
  readonly clock: Clock;
}

const LOOK_EVERY_MS = 15_000;

/** Notices agents at work that have been silent for longer than their run allows: they look stuck, and nobody ends them for that. */
export class StuckWatch implements Disposable {
  readonly #options: StuckWatchOptions;
  readonly #changed = new Emitter<undefined>();
  #stuck: ReadonlyMap<TaskId, number> = new Map();
  #timer: Disposable | undefined;

  /** After another task looked stuck, or did so no more. */
  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(options: StuckWatchOptions) {
    this.#options = options;
  }

  /** When the agent of a task that looks stuck wrote something last, epoch ms. */
  since(id: TaskId): number | undefined {
    return this.#stuck.get(id);
  }

  /** To be called when runs have changed: looks now, and from time to time as long as an agent is at work. */
  look(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
    const { clock } = this.#options;
    const { stuck, isAnyAtWork } = this.#findStuck();
    const isSame = stuck.size === this.#stuck.size && [...stuck.keys()].every((id) => this.#stuck.has(id));
    this.#stuck = stuck;
    if (isAnyAtWork) this.#timer = clock.after(LOOK_EVERY_MS, () => this.look());
    if (!isSame) this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#changed.dispose();
  }

  #findStuck(): { readonly stuck: Map<TaskId, number>; readonly isAnyAtWork: boolean } {
    const { runs, lastOutputAt, clock } = this.#options;
    const stuck = new Map<TaskId, number>();
    let isAnyAtWork = false;
    for (const run of runs()) {
      if (run.phase === 'ended') continue;
      for (const { id, phase, startedAt, agent } of run.tasks.values()) {
        if (phase !== 'running') continue;
        isAnyAtWork = true;
        // Whoever sits in its terminal sees for themselves.
        if (run.options.idleMs === 0 || agent.how === 'interactive') continue;
        const at = Math.max(lastOutputAt(id) ?? 0, startedAt ?? 0);
        if (clock.now() - at >= run.options.idleMs) stuck.set(id, at);
      }
    }
    return { stuck, isAnyAtWork };
  }
}
