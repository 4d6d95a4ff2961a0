import { parseHolder } from './holder.ts';
import type { Processes } from '../ports.ts';

/**
 * Whether the process that a holder names lives: known for this machine alone, and not on every
 * system.
 */
export type HolderLife = 'alive' | 'gone' | 'elsewhere' | 'unknown';

/**
 * Judges a holder by its name. A holder of another machine is never judged by a local process id.
 */
export function lifeOf(holder: string, processes: Processes): HolderLife {
  const name = parseHolder(holder);
  if (name === undefined) return 'unknown';
  if (name.hostname !== processes.hostname) return 'elsewhere';
  const isAlive = processes.isAlive(name.pid);
  return isAlive === undefined ? 'unknown' : isAlive ? 'alive' : 'gone';
}
