import type { TaskId } from '../task.ts';
import type { OnFailure, RunMode, AgentMode } from './run-options.ts';

/** What a person chose for one run; what is left out is as the settings have it. */
export interface RunChoice {
  readonly runMode?: RunMode;
  /** For every task of the run, whatever the rules say. */
  readonly agent?: string;
  readonly model?: string;
  readonly agentMode?: AgentMode;
  readonly onFailure?: OnFailure;
  readonly pauseBetweenWaves?: boolean;
  /** Agents at a time, over all runs of the window, from then on. */
  readonly cap?: number;
}

/** What is to be run. */
export type RunScope =
  | { readonly kind: 'wave'; readonly number: number }
  | { readonly kind: 'task'; readonly id: TaskId }
  /** As one wave, such as a file asks for. */
  | { readonly kind: 'tasks'; readonly title: string; readonly ids: readonly TaskId[] }
  | { readonly kind: 'all' };
