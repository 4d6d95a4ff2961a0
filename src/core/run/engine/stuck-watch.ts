import { Emitter, type Disposable, type Event } from '../../events.ts';
import type { Clock } from '../../ports.ts';
import type { TaskId } from '../../task.ts';
import type { RunState } from '../run-events.ts';

export interface StuckWatchOptions {
  readonly runs: () => readonly RunState[];
  /**
   * When the agent of a task wrote its last output, epoch ms; undefined where that is not known.
   */
  readonly lastOutputAt: (id: TaskId) => number | undefined;
  readonly clock: Clock;
}

const LOOK_EVERY_MS = 15_000;
/**
 * A task for subagents that claim for themselves is reported as stuck when none of them claims it
 * in this time.
 */
const CLAIMED_WITHIN_MS = 10 * 60_000;
/** Runs change many times a second, and a check goes through all of their tasks. */
const LOOKS_APART_MS = 1_000;

/**
 * Notices agents without output for longer than their run allows. They are reported as stuck, not
 * ended.
 */
export class StuckWatch implements Disposable {
  readonly #options: StuckWatchOptions;
  readonly #changed = new Emitter<undefined>();
  #stuck: ReadonlyMap<TaskId, number> = new Map();
  #timer: Disposable | undefined;
  #lookedAt = -Infinity;
  /** The timer rings within `LOOKS_APART_MS`. */
  #isSoon = false;

  /** After the set of stuck tasks changed. */
  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(options: StuckWatchOptions) {
    this.#options = options;
  }

  /** When the agent of a stuck task wrote its last output, epoch ms. */
  since(id: TaskId): number | undefined {
    return this.#stuck.get(id);
  }

  /**
   * To be called when runs have changed: checks now or within a second, and then regularly while an
   * agent is at work.
   */
  look(): void {
    if (this.#isSoon) return;
    this.#isSoon = Math.abs(this.#options.clock.now() - this.#lookedAt) < LOOKS_APART_MS;
    if (this.#isSoon) this.#lookIn(LOOKS_APART_MS);
    else this.#look();
  }

  #lookIn(ms: number): void {
    this.#timer?.dispose();
    this.#timer = this.#options.clock.after(ms, () => this.#look());
  }

  #look(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
    this.#isSoon = false;
    this.#lookedAt = this.#options.clock.now();
    const { stuck, isAnyAtWork } = this.#findStuck();
    const isSame =
      stuck.size === this.#stuck.size && [...stuck.keys()].every((id) => this.#stuck.has(id));
    this.#stuck = stuck;
    if (isAnyAtWork) this.#lookIn(LOOK_EVERY_MS);
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
        const isUnclaimed = agent.agentMode === 'subagent' && phase === 'starting';
        if (phase !== 'running' && !isUnclaimed) continue;
        isAnyAtWork = true;
        // The user sees these themselves.
        if (agent.agentMode === 'interactive' || agent.agentMode === 'human') continue;
        if (isUnclaimed) {
          const since = lastOutputAt(id);
          if (since !== undefined && clock.now() - since >= CLAIMED_WITHIN_MS) stuck.set(id, since);
          continue;
        }
        if (run.options.stuckAfterMs === 0) continue;
        const at = Math.max(lastOutputAt(id) ?? 0, startedAt ?? 0);
        if (clock.now() - at >= run.options.stuckAfterMs) stuck.set(id, at);
      }
    }
    return { stuck, isAnyAtWork };
  }
}
