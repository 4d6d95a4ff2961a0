import { lifeOf } from '../core/lease/holder-life.ts';
import type { Processes } from '../core/ports.ts';
import type { TaskId } from '../core/task.ts';
import { endOrphan } from '../agent-process/process-tree.ts';
import type { RunTakeoverOptions } from './run-takeover.ts';
import { isProcessAlive } from '../disk/process-identity.ts';

export interface TrustParts {
  /** Our own. */
  readonly pid: number;
  readonly processes: Processes;
  /** See `processes.ts`. */
  readonly processStartTime: (pid: number) => Promise<string | undefined>;
  /** True where such a start time can only be known on this machine, since its last boot. */
  readonly isBeginSecret: boolean;
  readonly begun: Pick<RunTakeoverOptions['begun'], 'has'>;
  /** Releases a lock, as far as this holder still has it. */
  readonly releaseFor: (holder: string, id: TaskId) => Promise<void>;
  readonly graceMs: number;
  readonly log: (line: string) => void;
}

/**
 * What the files of past runs permit. They are not trusted, as they may come with a downloaded
 * folder: they can name any process as a supervisor or an agent, and any lock as left behind.
 *
 * So of a run that was not begun here, a supervisor counts only by a start time that cannot be
 * forged, an agent is found by its mark alone, and a lock is released only where the process of its
 * holder, on this machine, has surely ended. What another machine holds is left to its lease: its
 * processes cannot be seen from here.
 */
export function trustRuns(
  parts: TrustParts,
): Pick<RunTakeoverOptions, 'isAlive' | 'endOrphan' | 'releaseFor'> {
  const { processes, begun, processStartTime, log } = parts;
  /** Holders of our runs whose processes have ended, even if their ids were reused. */
  const gone = new Set<string>();
  return {
    isAlive: async (state) => {
      if (state.host !== processes.hostname) return false;
      if (!begun.has(state.runId)) {
        return (
          parts.isBeginSecret &&
          state.begin !== null &&
          (await processStartTime(state.pid)) === state.begin
        );
      }
      const isAlive = await isProcessAlive(state, parts);
      if (!isAlive) gone.add(state.holder);
      return isAlive;
    },
    endOrphan: async (state) => {
      if (state.host !== processes.hostname) return;
      const known = begun.has(state.runId) ? state : { ...state, agentPid: undefined };
      await endOrphan(known, processStartTime, parts.graceMs);
    },
    releaseFor: async (holder, id) => {
      if (gone.has(holder) || lifeOf(holder, processes) === 'gone')
        await parts.releaseFor(holder, id);
      else
        log(
          `The lock of ${holder} on ${id} is left to its lease: nothing shows that its process has ended.`,
        );
    },
  };
}
