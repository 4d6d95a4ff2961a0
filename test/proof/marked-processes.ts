import { readdirSync, readFileSync } from 'node:fs';

/** One process that carries a variable. */
export interface Marked {
  readonly pid: number;
  /** Its command line, for people. */
  readonly command: string;
  readonly environment: readonly string[];
}

/** Whether processes can be found by what is in their environment. */
export const CAN_FIND = process.platform === 'linux';

/**
 * Every process that has not ended and has `NAME=value` in its environment; none where `CAN_FIND`
 * is false.
 */
export function processesWith(variable: string): readonly Marked[] {
  if (!CAN_FIND) return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      // Empty for one that has ended and was not collected.
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      if (!environment.includes(variable)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), command, environment }];
    } catch {
      return []; // it has ended meanwhile, or is somebody else's
    }
  });
}
