import type { WorkState } from '../core/run/journal/work-state.ts';
import { waitIn } from './output/wait-time.ts';

/**
 * The state of an attempt, with how long its provider refuses work where only its words say so. The
 * window reads them, since supervisors are many and each would carry all notations of times.
 */
export function withWait(state: WorkState): WorkState {
  const { end, refusal } = state;
  if (end?.kind !== 'rateLimited' || end.retryAfterMs !== undefined || refusal === undefined)
    return state;
  return { ...state, end: { ...end, retryAfterMs: waitIn(refusal.words, refusal.at) } };
}
