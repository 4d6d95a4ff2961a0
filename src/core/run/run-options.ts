import type { TaskId } from '../task.ts';

/** `strict`: a wave starts when the one before it has ended. `flow`: a task starts when its own dependencies are satisfied. */
export type RunMode = 'strict' | 'flow';

/** What a failure does to the rest of a run: nothing, no further wave, or no further task. */
export type OnFailure = 'continue' | 'stopAfterWave' | 'stopAtOnce';

/** Who works on a task: a kind of agent (`claude`, `auto`, …), its model, and whether a person sits in its terminal. */
export interface AgentAssignment {
  readonly agent: string;
  readonly model: string | undefined;
  readonly how: 'unattended' | 'interactive';
}

/** What holds for a whole run; settings that change meanwhile count from the next run on. Durations in ms, 0: never. */
export interface RunOptions {
  readonly mode: RunMode;
  readonly onFailure: OnFailure;
  /** The run pauses by itself whenever a wave has ended and another one is to come. */
  readonly pauseBetweenWaves: boolean;
  /** What happens to a task that somebody else holds when its turn comes. */
  readonly held: 'skip' | 'wait';
  /** Which dependencies in Review count as satisfied: those that this run brought there, all, or none. */
  readonly gate: 'inRun' | 'always' | 'never';
  /** How often a task that failed is tried again. */
  readonly retries: number;
  /** Before the first of them; doubled each time, 10 minutes at most. */
  readonly retryAfterMs: number;
  /** After so many equal failures in a row, by whichever tasks, nothing further starts. */
  readonly breakAfter: number;
  readonly leaseMs: number;
  /** Where a task goes whose work ended well. Done is written only with evidence that its verify command passed. */
  readonly successStatus: 'Review' | 'Done';
  /** How long one attempt may take before it is ended. */
  readonly wallMs: number;
  /** After how long without output an agent looks stuck. */
  readonly idleMs: number;
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
