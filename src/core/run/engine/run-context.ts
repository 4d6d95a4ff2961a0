import type { LimitFunction } from 'p-limit';
import type { TaskId } from '../../task.ts';
import type { AgentLimiter } from './agent-limiter.ts';
import type { FilesInUse } from './files-in-use.ts';
import type { RunEvent } from '../run-events.ts';
import type { RunnerWorld } from './run-world.ts';

/** What all runs of one backlog share. */
export interface RunContext {
  readonly world: RunnerWorld;
  /** The slots: as many as the cap. */
  readonly limit: LimitFunction;
  readonly limiter: AgentLimiter;
  readonly files: FilesInUse;
  /** By task at work, its run: never two agents on one task. */
  readonly active: Map<TaskId, string>;
  /** True after the window detached from its runs: no further events, no further starts. */
  readonly isDetached: () => boolean;
  readonly tell: (event: RunEvent) => void;
  /** Released files or agents may unblock any run. */
  readonly letOthersGoOn: (freed: readonly string[]) => void;
  /** Agents of this kind start again then (epoch ms). */
  readonly coolDown: (agent: string, until: number) => void;
}
