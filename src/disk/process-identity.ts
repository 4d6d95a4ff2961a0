import type { Processes } from '../core/ports.ts';

/**
 * A process as it recorded itself. `begin` tells it from a later process with the same id; null
 * where the system does not report it.
 */
export interface NotedProcess {
  readonly pid: number;
  readonly begin: string | null;
}

export interface ProcessLifeOptions {
  /** The id of this process. */
  readonly pid: number;
  readonly processes: Pick<Processes, 'isAlive'>;
  /** See `processes.ts`. */
  readonly processStartTime: (pid: number) => Promise<string | undefined>;
}

/**
 * Whether exactly the recorded process of this machine is alive; true where the system does not
 * report it.
 */
export async function isProcessAlive(
  { pid, begin }: NotedProcess,
  { pid: own, processes, processStartTime }: ProcessLifeOptions,
): Promise<boolean> {
  // Undefined means that the system does not report it: then the locks are left to their leases.
  if (processes.isAlive(pid) === false) return false;
  const now = await processStartTime(pid);
  if (begin !== null && now !== undefined) return begin === now;
  // Without a start time to compare, a foreign record with our own id is that of an earlier
  // process.
  return pid !== own;
}
