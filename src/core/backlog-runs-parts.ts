import type { Options } from './config.ts';
import type { Failure } from './failure.ts';
import type { Clock, Job, RunHistory, WorkPreview } from './ports.ts';
import type { Result } from './result.ts';
import type { DryRunOptions } from './run/engine/dry-run.ts';
import type { WaveRunner } from './run/engine/wave-runner.ts';
import type { Isolation } from './run/isolation-port.ts';
import type { AgentAssignment } from './run/run-options.ts';
import type { Snapshot } from './snapshot.ts';
import type { TaskId } from './task.ts';
import type { Plan } from './waves/waves.ts';

/** What the runs of a backlog are made of. */
export interface BacklogRunsParts {
  readonly runner: Pick<
    WaveRunner,
    'runs' | 'cap' | 'onDidChange' | 'start' | 'steer' | 'stopAll' | 'clear' | 'setCap' | 'isHolder'
  >;
  readonly history: RunHistory;
  readonly completions: ManualCompletionPort;
  readonly clock: Clock;
  readonly options: () => Options;
  readonly snapshot: () => Snapshot | undefined;
  readonly plan: () => Plan | undefined;
  /** Undefined while tasks can be claimed, else why not. */
  readonly whyReadOnly: () => Promise<Failure | undefined>;
  /** Undefined while such an agent can be started, else why not. */
  readonly findAgent: (assignment: AgentAssignment) => Promise<Failure | undefined>;
  /** What an attempt would start; nothing is started or written for it. */
  readonly preview: (job: Job) => Promise<Result<WorkPreview, Failure>>;
  readonly isolation: Pick<Isolation, 'decide'>;
  readonly readiness: DryRunOptions['readiness'];
  readonly caseFoldPaths: boolean;
  /** See `DryRunOptions`. */
  readonly settle: () => Promise<void>;
  /** When the agent of a task wrote something last, epoch ms. */
  readonly lastOutputAt: (id: TaskId) => number | undefined;
}

/** Takes the user's word that a task of a run is finished; see `WindowWorker`. */
export interface ManualCompletionPort {
  /** True for a task that ends when the user of this window says so. */
  awaitsManualCompletion(id: TaskId): boolean;
  complete(id: TaskId, as?: 'Review' | 'Done'): Promise<Result<undefined, Failure>>;
}
