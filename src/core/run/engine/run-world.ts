import type { BacklogSource, Clock, Job, TaskWorker } from '../../ports.ts';
import type { Readiness } from '../../waves/readiness.ts';
import type { Snapshot } from '../../snapshot.ts';
import type { TaskId } from '../../task.ts';
import type { VerifyResult } from '../evidence.ts';
import type { AgentAssignment } from '../run-options.ts';

/** The session that an attempt left behind. */
export type AgentSession = Pick<Job, 'sessionId' | 'sessionUsage'>;

/** What the wave runner needs of the world. */
export interface RunnerWorld {
  readonly source: Pick<BacklogSource, 'root' | 'state' | 'refresh' | 'onDidChange'>;
  readonly worker: TaskWorker;
  readonly clock: Clock;
  /**
   * May this task start, where a dependency in Review counts as satisfied if it is one of `opened`?
   */
  readonly readiness: (snapshot: Snapshot, id: TaskId, opened: ReadonlySet<TaskId>) => Readiness;
  /** A name that no other run has, fit for a file name. */
  readonly newRunId: () => string;
  /** Resolves when all events so far are durable: nothing is started before that. */
  readonly flushed: () => Promise<void>;
  /**
   * The result of the command that verifies a wave; undefined where there is none, or the signal
   * ended it.
   */
  readonly verifyWave?: (
    runId: string,
    wave: number,
    signal: AbortSignal,
  ) => Promise<VerifyResult | undefined>;
  /** The agent session of an earlier attempt at this task, to be resumed. */
  readonly sessionOf?: (runId: string, id: TaskId) => AgentSession | undefined;
  /** How long a task is likely to take, in ms; undefined where there is no estimate. */
  readonly estimate?: (id: TaskId) => number | undefined;
  /** Files that earlier attempts at a task touched, as `filesOf` names files. */
  readonly touched?: (id: TaskId) => readonly string[];
  /**
   * True for work that another process claims and this window only follows: a held lock does not
   * prevent the start.
   */
  readonly isFollowed?: (agent: AgentAssignment) => boolean;
  /** True where the file system does not tell `A` from `a`. */
  readonly caseFoldPaths: boolean;
  /** For internal errors; the run continues. */
  readonly reportBug: (error: unknown) => void;
}
