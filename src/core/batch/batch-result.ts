import type { Conflicts } from '../analysis/conflicts.ts';
import type { ToolRun } from './run-parallel.ts';

/** What a tool found, for the user. May contain foreign text. */
export interface ToolReport {
  /** One sentence. */
  readonly summary: string;
  readonly lines: readonly string[];
  /** The same as data, in the names that exarp-go uses where it has them. */
  readonly output: Readonly<Record<string, unknown>>;
  /** True where the user should look at it. */
  readonly wantsLook: boolean;
}

/** One step as it went. */
export type StepRun = { readonly id: string } & ToolRun<ToolReport>;

/**
 * The result of a whole batch: `success` only where every step succeeded, `partial` where some did,
 * `cancelled` where it was stopped before every step had ended.
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
