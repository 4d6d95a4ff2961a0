import type { TaskId } from '../task.ts';
import type { FollowUp } from './follow-up.ts';
import type { RunIsolation } from './isolation.ts';
import type { RunBudget } from './run-budget.ts';

/**
 * `strict`: a wave starts when the one before it has ended. `flow`: a task starts when its own
 * dependencies are satisfied.
 */
export type RunMode = 'strict' | 'flow';

/** What a failure does to the rest of a run: nothing, no further wave, or no further task. */
export type OnFailure = 'continue' | 'stopAfterWave' | 'stopAtOnce';

/**
 * How a task is worked on: by an agent of its own process, `unattended` or `interactive` in a
 * terminal with the user; by a `subagent` of the editor; or by the `human` at this window, for whom
 * it is claimed and opened.
 */
export type AgentMode = 'unattended' | 'interactive' | 'subagent' | 'human';

/** Every agent mode, the default first. */
export const AGENT_MODES: readonly [AgentMode, ...AgentMode[]] = [
  'unattended',
  'interactive',
  'subagent',
  'human',
];

/**
 * Who works on a task: a kind of agent (`claude`, `auto`, …), its model, and the agent mode.
 * Subagents and the user are kinds of their own.
 */
export interface AgentAssignment {
  readonly agent: string;
  readonly model: string | undefined;
  readonly agentMode: AgentMode;
}

/** The kinds that are not programs: they are counted, capped and estimated by these names. */
export const KIND_OF: Readonly<Record<'subagent' | 'human', string>> = {
  subagent: 'subagent',
  human: 'human',
};

/** True for work that a window does or follows itself, without a supervisor process. */
export function isWindowWork({ agentMode }: Pick<AgentAssignment, 'agentMode'>): boolean {
  return agentMode === 'subagent' || agentMode === 'human';
}

/** How many tasks the user works on at a time; they take no slots. */
export const HUMAN_CAP = 3;

/** The options of a run; changed settings apply from the next run on. Durations in ms, 0: never. */
export interface RunOptions {
  readonly runMode: RunMode;
  readonly onFailure: OnFailure;
  /** The run pauses by itself whenever a wave has ended and another one is to come. */
  readonly pauseBetweenWaves: boolean;
  /** What happens to a task that another holder has when it is to start. */
  readonly heldTasks: 'skip' | 'wait';
  /**
   * Which dependencies in Review count as satisfied: those that this run brought there, all, or
   * none.
   */
  readonly reviewGate: 'inRun' | 'always' | 'never';
  /** How often a failed task is retried. */
  readonly retries: number;
  /** Before the first retry; doubled each time, 10 minutes at most. */
  readonly retryAfterMs: number;
  /** Nothing further starts after this many equal failures in a row, over all tasks. */
  readonly maxEqualFailures: number;
  readonly leaseMs: number;
  /** The status after success. Done is written only if the verify command passed. */
  readonly statusOnSuccess: 'Review' | 'Done';
  /** How long one attempt may take before it is ended. */
  readonly timeLimitMs: number;
  /** After how long without output an agent looks stuck. */
  readonly stuckAfterMs: number;
  /** The limit of each kind of agent, in addition to the cap of all. */
  readonly agentCaps: readonly (readonly [agent: string, cap: number])[];
  /** The run pauses by itself when it has used so much; undefined: never. */
  readonly budget: RunBudget | undefined;
  /** How its tasks are kept apart; undefined: all work in the folder of the backlog. */
  readonly isolation: RunIsolation | undefined;
  /** True where an agent is asked to resolve a conflict of its work, in a run with worktrees. */
  readonly resolveConflicts?: boolean | undefined;
  /**
   * What it means in a run with worktrees that tasks name the same files: they wait for each other,
   * or only tend to start apart. Undefined: they wait.
   */
  readonly sameFiles?: SameFiles | undefined;
}

export type SameFiles = 'advise' | 'wait';

/** Every choice, the default first. */
export const SAME_FILES: readonly [SameFiles, ...SameFiles[]] = ['advise', 'wait'];

/** What to run: waves in order, each a set of tasks that may run side by side. */
export interface RunRequest {
  readonly title: string;
  readonly waves: readonly (readonly TaskId[])[];
  readonly options: RunOptions;
  /** For every task of the waves. */
  readonly agents: ReadonlyMap<TaskId, AgentAssignment>;
  /** The run whose rest this is, where it was resumed. */
  readonly resumes?: string | undefined;
  /** For tasks whose work was looked at and is to go on. */
  readonly followUps?: ReadonlyMap<TaskId, FollowUp> | undefined;
}
