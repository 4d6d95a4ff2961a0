import type { TaskId } from '../task.ts';

/** `strict`: a wave starts when the one before it has ended. `flow`: a task starts when its own dependencies are satisfied. */
export type RunMode = 'strict' | 'flow';

/** What a failure does to the rest of a run: nothing, no further wave, or no further task. */
export type OnFailure = 'continue' | 'stopAfterWave' | 'stopAtOnce';

/**
 * How a task is worked on: by an agent of its own process, `unattended` or `interactive` in a terminal with a person; by a
 * `subagent` of the editor; or by the `human` at this window, for whom it is claimed and opened.
 */
export type AgentMode = 'unattended' | 'interactive' | 'subagent' | 'human';

/** Every way, the usual one first. */
export const AGENT_MODES: readonly [AgentMode, ...AgentMode[]] = ['unattended', 'interactive', 'subagent', 'human'];

/** Who works on a task: a kind of agent (`claude`, `auto`, …), its model, and how. Subagents and people are kinds of their own. */
export interface AgentAssignment {
  readonly agent: string;
  readonly model: string | undefined;
  readonly agentMode: AgentMode;
}

/** The kinds of those that are no programs: by these names they are counted, capped and estimated. */
export const KIND_OF: Readonly<Record<'subagent' | 'human', string>> = { subagent: 'subagent', human: 'human' };

/** True for work that a window does or follows itself, without a process that outlives it. */
export function isWindowWork({ agentMode }: Pick<AgentAssignment, 'agentMode'>): boolean {
  return agentMode === 'subagent' || agentMode === 'human';
}

/** A person begins no more than so many tasks at a time; they take none of the slots that the cap is about. */
export const HUMAN_CAP = 3;

/** What holds for a whole run; settings that change meanwhile count from the next run on. Durations in ms, 0: never. */
export interface RunOptions {
  readonly runMode: RunMode;
  readonly onFailure: OnFailure;
  /** The run pauses by itself whenever a wave has ended and another one is to come. */
  readonly pauseBetweenWaves: boolean;
  /** What happens to a task that somebody else holds when its turn comes. */
  readonly heldTasks: 'skip' | 'wait';
  /** Which dependencies in Review count as satisfied: those that this run brought there, all, or none. */
  readonly reviewGate: 'inRun' | 'always' | 'never';
  /** How often a task that failed is tried again. */
  readonly retries: number;
  /** Before the first of them; doubled each time, 10 minutes at most. */
  readonly retryAfterMs: number;
  /** After so many equal failures in a row, by whichever tasks, nothing further starts. */
  readonly maxEqualFailures: number;
  readonly leaseMs: number;
  /** Where a task goes whose work ended well. Done is written only with evidence that its verify command passed. */
  readonly statusOnSuccess: 'Review' | 'Done';
  /** How long one attempt may take before it is ended. */
  readonly timeLimitMs: number;
  /** After how long without output an agent looks stuck. */
  readonly stuckAfterMs: number;
  /** At most so many agents of a kind at a time, beside the cap of all. */
  readonly agentCaps: readonly (readonly [agent: string, cap: number])[];
}

/** What to run: waves in order, each a set of tasks that may run side by side. */
export interface RunRequest {
  readonly title: string;
  readonly waves: readonly (readonly TaskId[])[];
  readonly options: RunOptions;
  /** For every task of the waves. */
  readonly agents: ReadonlyMap<TaskId, AgentAssignment>;
  /** The run whose rest this is, where it was resumed. */
  readonly resumes?: string | undefined;
}
