import type { TaskId } from '../task.ts';
import type { IsolationChoice, IsolationStart } from './isolation.ts';
import type { OnFailure, RunMode, AgentMode } from './run-options.ts';

/** The user's choice for one run; the settings apply where a field is missing. */
export interface RunChoice {
  readonly runMode?: RunMode;
  /** For every task of the run; overrides the rules. */
  readonly agent?: string;
  readonly model?: string;
  readonly agentMode?: AgentMode;
  readonly onFailure?: OnFailure;
  readonly pauseBetweenWaves?: boolean;
  readonly isolation?: IsolationChoice;
  /** What worktrees begin with where something is not committed. */
  readonly isolationStart?: IsolationStart;
  /** Agents at a time, over all runs of the window, from then on. */
  readonly cap?: number;
}

/** What is to be run. */
export type RunScope =
  | { readonly kind: 'wave'; readonly number: number }
  | { readonly kind: 'task'; readonly id: TaskId }
  /** As one wave. */
  | { readonly kind: 'tasks'; readonly title: string; readonly ids: readonly TaskId[] }
  | { readonly kind: 'all' };
