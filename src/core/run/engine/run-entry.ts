import type { TaskId } from '../../task.ts';
import { countsAsFailure, isStoreBusy } from './retry-policy.ts';
import type { FollowUp } from '../follow-up.ts';
import type { TaskOutcome, TaskRun, WaitReason } from '../run-events.ts';
import type { AgentAssignment } from '../run-options.ts';

/** One task of an active run. */
export interface Entry {
  readonly id: TaskId;
  readonly wave: number;
  readonly agent: AgentAssignment;
  readonly followUp: FollowUp | undefined;
  /** `waiting` for its turn, `begun` from the turn to the end of the attempt. */
  phase: 'waiting' | 'begun' | 'ended';
  /** True from the first event of an attempt until it ended. */
  isAtWork: boolean;
  isStopped: boolean;
  isRequeued: boolean;
  /** Ends the attempt. */
  control: AbortController | undefined;
  holder: string | undefined;
  /** Names the files of the latest attempt. */
  attemptNo: number | undefined;
  tryNo: number;
  failures: number;
  /** In a row. */
  rateLimits: number;
  /** How often in a row the store was too busy to claim it. */
  refusals: number;
  waits: WaitReason | undefined;
  outcome: TaskOutcome | undefined;
  readonly whenEnded: (() => void)[];
}

/** The entry of a task: new, or from an earlier window. */
export function entryFrom(task: TaskRun): Entry {
  const { id, wave, agent, followUp, tryNo, attemptNo, outcome, waits, holder, phase } = task;
  const entry: Entry = {
    id,
    wave,
    agent,
    followUp,
    tryNo,
    attemptNo,
    outcome,
    waits,
    holder,
    phase: phase === 'ended' ? 'ended' : 'waiting',
    isAtWork: false,
    isStopped: false,
    isRequeued: false,
    control: undefined,
    failures: 0,
    rateLimits: 0,
    refusals: 0,
    whenEnded: [],
  };
  for (const attempt of task.earlier) countAttempt(entry, attempt.outcome);
  return entry;
}

/** Counts an attempt that another one may follow. */
export function countAttempt(entry: Entry, outcome: TaskOutcome): void {
  if (countsAsFailure(outcome)) entry.failures++;
  entry.rateLimits = outcome.kind === 'rateLimited' ? entry.rateLimits + 1 : 0;
  entry.refusals = isStoreBusy(outcome) ? entry.refusals + 1 : 0;
}

export function isEqualReason(a: WaitReason | undefined, b: WaitReason | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}
