import type { WorkEnd, WorkListener } from '../../ports.ts';
import type { Entry } from './run-entry.ts';

/** What one attempt came to. */
export interface AttemptResult {
  readonly end: WorkEnd;
  readonly wasClaimed: boolean;
}

/** Hears of an attempt, once each and in order, as long as it goes on. */
export interface AttemptListener {
  readonly claimed: (holder: string) => void;
  readonly started: () => void;
}

/**
 * Has an attempt worked on and tells of it. A worker may be late or repeat itself; the story is told once and in order.
 * `before` is what was told of it already, where an earlier window began it.
 */
export async function runAttempt(
  work: (signal: AbortSignal, listener: WorkListener) => Promise<WorkEnd>,
  entry: Entry,
  onProgress: AttemptListener,
  before: { readonly claimed: boolean; readonly started: boolean } = { claimed: false, started: false },
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
    // What the worker still has going must not work on unwatched.
    control.abort();
    throw error;
  } finally {
    isOver = true;
  }
}
