import type { Processes } from '../../core/ports.ts';

/** A process as it noted itself: `begin` tells it from a later one with the same id, null where the system does not tell. */
export interface NotedProcess {
  readonly pid: number;
  readonly begin: string | null;
}

export interface ProcessLifeOptions {
  /** Our own. */
  readonly pid: number;
  readonly processes: Pick<Processes, 'isAlive'>;
  /** See `processes.ts`. */
  readonly processStartTime: (pid: number) => Promise<string | undefined>;
}

/** Whether the very process that noted itself on this machine lives; yes, where the system does not tell. */
export async function isProcessAlive(
  { pid, begin }: NotedProcess,
  { pid: own, processes, processStartTime }: ProcessLifeOptions,
): Promise<boolean> {
  // Not `false` alone: where the system does not tell, its locks are left to their leases.
  if (processes.isAlive(pid) === false) return false;
  const now = await processStartTime(pid);
  if (begin !== null && now !== undefined) return begin === now;
  // Without a beginning to compare, our own id in a record that is not ours is that of a process before us.
  return pid !== own;
}
