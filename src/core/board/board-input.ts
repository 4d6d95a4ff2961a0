import type { TaskOfRun } from '../run/task-of-run.ts';
import type { Lease } from '../lease/lease.ts';
import type { RunState } from '../run/run-events.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Task, TaskId } from '../task.ts';
import type { Readiness } from '../waves/readiness.ts';
import type { Plan } from '../waves/waves.ts';

/** What a board is made of: a backlog at one moment, and what its window knows of its runs. */
export interface BoardInput {
  readonly name: string;
  /** Epoch ms. */
  readonly now: number;
  readonly trouble: string | undefined;
  readonly isReadOnly: boolean;
  readonly snapshot: Pick<Snapshot, 'tasks' | 'byId'>;
  readonly plan: Plan;
  /** Live ones, and those that have ended in this window. */
  readonly runs: readonly RunState[];
  /** Those that ended before. */
  readonly past: readonly RunState[];
  /** The run that the user wants to see; undefined: the newest that is live, else the newest. */
  readonly chosen: string | undefined;
  /** Agents at a time. */
  readonly cap: number;
  readonly readinessOf: (task: Task) => Readiness;
  readonly leaseOf: (task: Task) => Lease;
  /** What the runs tell of a task: its part in one that has it open, else its latest attempt. */
  readonly workOf: (id: TaskId) => TaskOfRun | undefined;
  /** How long an attempt takes, by what is known, in ms. */
  readonly durationOf: (id: TaskId) => number;
  /** Since when a task at work looks stuck. */
  readonly stuckSince: (id: TaskId) => number | undefined;
  /** What its agent is doing, in a line. */
  readonly activityOf: (id: TaskId) => string | undefined;
  readonly hasTerminal: (id: TaskId) => boolean;
  /** True for a task at work that ends when the user of this window says so. */
  readonly awaitsManualCompletion: (id: TaskId) => boolean;
  readonly isLedElsewhere: (runId: string) => boolean;
  /** What of an ended run can be run again. */
  readonly restOf: (run: RunState) => readonly TaskId[];
}
