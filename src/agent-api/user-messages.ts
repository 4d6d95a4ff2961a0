import type { Failure } from '../core/failure.ts';
import type { Readiness } from '../core/waves/readiness.ts';
import type { TaskOutcome, WaitReason } from '../core/run/run-events.ts';
import type { BlockReason } from '../core/waves/waves.ts';

/** How things are called in front of people: as everywhere else in the window. Plain text, which may quote others; `now` is epoch ms. */
export interface UserMessages {
  failure(failure: Failure, now: number): string;
  readiness(readiness: Readiness, now: number): string;
  block(reason: BlockReason): string;
  outcome(outcome: TaskOutcome, now: number): string;
  wait(reason: WaitReason): string;
  /** A length of time. */
  duration(ms: number): string;
}
