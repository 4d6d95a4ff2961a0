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
  /** The run that works on a task right now: never two agents on one task. */
  readonly active: Map<TaskId, string>;
  /** True after the window let go of its runs: nobody is told anything any more, and nothing further starts. */
  readonly isDetached: () => boolean;
  readonly tell: (event: RunEvent) => void;
  /** Something is there again that any run may wait for: these files, an agent of a kind. */
  readonly letOthersGoOn: (freed: readonly string[]) => void;
  /** Agents of this kind start again then (epoch ms). */
  readonly coolDown: (agent: string, until: number) => void;
}

/** What an event of one run says, without what all of them say. */
export type EventOf<E extends RunEvent = RunEvent> = E extends RunEvent ? Omit<E, 'runId' | 'at'> : never;
