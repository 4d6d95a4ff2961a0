import type { WorkEnd, WorkListener } from '../core/ports.ts';
import { count } from '../core/text.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import { isOf, type AttemptRef } from './work-files.ts';
import type { WorkFiles } from './work-order.ts';

export interface WatchListener extends Omit<WorkListener, 'onMerging'> {
  /** Its work waits to be merged; `again`: after its agent was asked to resolve a conflict. */
  readonly onMerging: (again: boolean) => void;
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
  #doing: string | undefined;
  last: WorkState | undefined;
  /** In how many files its agent is asked to resolve a conflict, where that is known. */
  conflicts: number | undefined;

  constructor(attempt: AttemptRef, files: WorkFiles, signal: AbortSignal, listener: WatchListener) {
    this.attempt = attempt;
    this.files = files;
    this.signal = signal;
    this.#listener = listener;
  }

  /** Applies a state; returns the end in it. */
  note(state: WorkState): WorkEnd | undefined {
    if (!isOf(state, this.attempt)) return undefined;
    const doing = doingOf(state, this.conflicts);
    if (doing !== undefined && doing !== this.#doing)
      this.#listener.onActivity(this.attempt, doing);
    this.#doing = doing;
    const isNew = state.phase !== this.last?.phase;
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
    if (isNew && (state.phase === 'merging' || state.phase === 'mergingAgain'))
      this.#listener.onMerging(state.phase === 'mergingAgain');
    return state.end;
  }
}

/** What an attempt is doing, on one line, as far as that is known. */
function doingOf({ phase, activity }: WorkState, conflicts?: number): string | undefined {
  switch (phase) {
    case 'merging':
    case 'mergingAgain':
      return 'Merging its work';
    case 'resolving':
      return `Resolving a conflict${conflicts === undefined ? '' : ` in ${count(conflicts, 'file')}`}`;
    default:
      return activity;
  }
}
