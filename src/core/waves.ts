import type { Task, TaskId } from './task.ts';

/** How a backlog is put into waves. */
export interface WaveOptions {
  /**
   * `open` numbers the levels of the open tasks 0..n without gaps; `exarp` groups and numbers as exarp-go does, by the
   * level in the graph of all tasks, finished ones included, so that numbers may have gaps.
   */
  readonly numbering: 'open' | 'exarp';
  /** A wave with more tasks is split into consecutive waves, which are then numbered 0..n; 0 is no limit. */
  readonly maxTasksPerWave: number;
  /** What a dependency that no task has means for the task that names it. */
  readonly missing: 'satisfied' | 'blocked';
  /** `exarp` never puts a child into the wave of its parent; `ignore` leaves the parent out of the ordering. */
  readonly parentEdges: 'exarp' | 'ignore';
}

export const DEFAULT_WAVE_OPTIONS: WaveOptions = {
  numbering: 'open',
  maxTasksPerWave: 0,
  missing: 'satisfied',
  parentEdges: 'exarp',
};

/** Tasks that have no ordering between them. */
export interface Wave {
  readonly number: number;
  /** By priority, then numeric id, then id. Never empty. */
  readonly tasks: readonly Task[];
}

/** Why an open task is in no wave. Member lists are in id order. */
export type BlockReason =
  | { readonly kind: 'cycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'behindCycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'missing'; readonly ids: readonly TaskId[] }
  | { readonly kind: 'behindMissing'; readonly via: TaskId };

/** An open task that no wave can hold, and why. */
export interface BlockedTask {
  readonly task: Task;
  readonly reason: BlockReason;
}

/** Every task of a backlog in its place: a wave, blocked, or settled. */
export interface Plan {
  readonly options: WaveOptions;
  readonly waves: readonly Wave[];
  readonly blocked: readonly BlockedTask[];
  /** Done and Cancelled tasks, in id order. */
  readonly settled: readonly Task[];
  /** The wave number of each task that is in a wave. */
  readonly waveOf: ReadonlyMap<TaskId, number>;
  /** exarp-go's level of each open task outside cycles and what is behind them, whatever the numbering. */
  readonly exarpLevelOf: ReadonlyMap<TaskId, number>;
  /** Dependencies that no task has, by the task that names them. */
  readonly missing: ReadonlyMap<TaskId, readonly TaskId[]>;
  /** Tasks that name themselves as a dependency or parent; the edge is left out. */
  readonly selfDependent: readonly TaskId[];
  /** Each cycle once, its members in id order. */
  readonly cycles: readonly (readonly TaskId[])[];
}
