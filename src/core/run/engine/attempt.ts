import type { WorkEnd, WorkListener } from '../../ports.ts';
import type { Entry } from './run-entry.ts';

/** What one attempt came to. */
export interface AttemptResult {
  readonly end: WorkEnd;
  readonly wasClaimed: boolean;
}

/** Notified of the phases of an attempt, once each and in order, until it ends. */
export interface AttemptListener {
  readonly claimed: (holder: string) => void;
  readonly started: () => void;
}

/**
 * Runs an attempt and notifies its listener. A worker may notify late or twice; the listener is
 * notified once and in order. `before` is what the listener has heard already, where an earlier
 * window began the attempt.
 */
export async function runAttempt(
  work: (signal: AbortSignal, listener: WorkListener) => Promise<WorkEnd>,
  entry: Entry,
  onProgress: AttemptListener,
  before: { readonly claimed: boolean; readonly started: boolean } = {
    claimed: false,
    started: false,
  },
): Promise<AttemptResult> {
  const control = (entry.control ??= new AbortController());
  let { claimed, started } = before;
  let isOver = false;
  const listener: WorkListener = {
    onClaimed: (holder) => {
      if (claimed || isOver) return;
      claimed = true;
      onProgress.claimed(holder);
    },
    onStarted: () => {
      if (!claimed || started || isOver) return;
      started = true;
      onProgress.started();
    },
  };
  try {
    return { end: await work(control.signal, listener), wasClaimed: claimed };
  } catch (error) {
    // The worker must not continue unwatched.
    control.abort();
    throw error;
  } finally {
    isOver = true;
  }
}
