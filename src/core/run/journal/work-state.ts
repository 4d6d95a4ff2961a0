import type { WorkEnd } from '../../ports.ts';
import { withStoredNames } from '../../stored-names.ts';
import type { TaskId } from '../../task.ts';
import type { Usage } from '../usage.ts';

/**
 * Where a supervisor is with its one attempt. `merging`: the work waits to be merged by a window,
 * and `mergingAgain` once more after its agent was at work on a conflict (`resolving`).
 */
export type WorkPhase =
  | 'claiming'
  | 'working'
  | 'verifying'
  | 'merging'
  | 'resolving'
  | 'mergingAgain'
  | 'recording'
  | 'ended';

/**
 * What a supervisor writes down of its attempt, replaced whole with each change:
 * `<start>.state.json` in the folder of the run. It survives when every process of the attempt is
 * killed. Times are epoch ms.
 */
export interface WorkState {
  readonly runId: string;
  readonly attemptNo: number;
  readonly taskId: TaskId;
  readonly phase: WorkPhase;
  /**
   * The supervisor's process; `begin` distinguishes it from a later one with the same id, null
   * where that is not known.
   */
  readonly pid: number;
  readonly begin: string | null;
  readonly host: string;
  /** The name in the lock columns. */
  readonly holder: string;
  /**
   * The process group of the agent, and then of what verifies its work; undefined before the agent
   * was started.
   */
  readonly agentPid: number | undefined;
  /** Of that process, as `begin`. */
  readonly agentBegin: string | null;
  /** Everything the agent starts has `TODO2_WAVES_WORK=<mark>` in its environment. */
  readonly mark: string;
  /** What the agent is called, and how its log is to be read (see `AgentOutput`). */
  readonly label: string;
  readonly output: string;
  readonly startedAt: number;
  /** The time of the agent's last output. */
  readonly lastOutputAt: number | undefined;
  /**
   * What the agent reports to be doing, on one line; undefined from a supervisor of an earlier
   * version.
   */
  readonly activity: string | undefined;
  readonly sessionId: string | undefined;
  /**
   * What the session used since its beginning, for an attempt that resumes it; known when the agent
   * has ended, and undefined where it does not say.
   */
  readonly sessionUsage: Usage | undefined;
  /**
   * The words in which its provider refuses work, and since when (epoch ms). Whoever reads this
   * looks for how long, so that `end` need not say it. Undefined where it does not refuse.
   */
  readonly refusal: { readonly words: string; readonly at: number } | undefined;
  /** Set with phase `ended`, when the lock is gone and everything is written. */
  readonly end: WorkEnd | undefined;
}

/** The names that fields have in a state file. */
export const STATE_AS = { attemptNo: 'start' } satisfies {
  readonly [K in keyof WorkState]?: string;
};

/** A state as `readWorkState` reads it, for a file or a channel. */
export function storedWorkState(state: WorkState): StoredWorkState {
  return withStoredNames(state, STATE_AS);
}

/** See `storedWorkState`. */
export type StoredWorkState = Readonly<Record<string, unknown>>;
