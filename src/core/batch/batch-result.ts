import type { Conflicts } from '../analysis/conflicts.ts';
import type { ToolRun } from './run-parallel.ts';

/** What a tool found, for people. All of it may hold text of others. */
export interface ToolReport {
  /** One sentence. */
  readonly summary: string;
  readonly lines: readonly string[];
  /** The same as data, in the names that exarp-go uses where it has them. */
  readonly output: Readonly<Record<string, unknown>>;
  /** True where a person should look at it. */
  readonly wantsLook: boolean;
}

/** One step as it went. */
export type StepRun = { readonly id: string } & ToolRun<ToolReport>;

/**
 * How a batch went as a whole: `success` only where every step did, `partial` where some did,
 * `cancelled` where somebody ended it before all had begun or ended.
 */
export type BatchStatus = 'success' | 'partial' | 'failed' | 'cancelled';

export interface BatchResult {
  readonly action: string;
  readonly title: string;
  readonly status: BatchStatus;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly seconds: number;
  readonly steps: readonly StepRun[];
  /** Of the beginning. */
  readonly conflicts: Conflicts;
}
