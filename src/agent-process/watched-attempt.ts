import type { WorkEnd, WorkListener } from '../core/ports.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import { isOf, type AttemptRef } from './work-files.ts';
import type { WorkFiles } from './work-order.ts';

export interface WatchListener extends WorkListener {
  readonly onActivity: (attempt: AttemptRef, activity: string) => void;
}

/**
 * One attempt as this window knows it: notifies each phase once and in order, however often and
 * late its states arrive.
 */
export class Watched {
  readonly attempt: AttemptRef;
  readonly files: WorkFiles;
  readonly signal: AbortSignal;
  readonly #listener: WatchListener;
  #told = 0;
  last: WorkState | undefined;

  constructor(attempt: AttemptRef, files: WorkFiles, signal: AbortSignal, listener: WatchListener) {
    this.attempt = attempt;
    this.files = files;
    this.signal = signal;
    this.#listener = listener;
  }

  /** Applies a state; returns the end in it. */
  note(state: WorkState): WorkEnd | undefined {
    if (!isOf(state, this.attempt)) return undefined;
    const { activity } = state;
    if (activity !== undefined && activity !== this.last?.activity)
      this.#listener.onActivity(this.attempt, activity);
    this.last = state;
    const hasClaimed =
      state.agentPid !== undefined || (state.phase !== 'claiming' && state.phase !== 'ended');
    if (hasClaimed && this.#told < 1) {
      this.#told = 1;
      this.#listener.onClaimed(state.holder);
    }
    if (state.agentPid !== undefined && this.#told < 2) {
      this.#told = 2;
      this.#listener.onStarted();
    }
    return state.end;
  }
}
