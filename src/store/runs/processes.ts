import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import type { Processes } from '../../core/ports.ts';

/** The processes of this machine, as far as a signal that does nothing tells. */
export const systemProcesses: Processes = {
  hostname: hostname(),
  isAlive: (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Somebody else's process may not be signalled, so it is there.
      return code === 'EPERM' ? true : code === 'ESRCH' ? false : undefined;
    }
  },
};

const run = promisify(execFile);

/** Whether only who is on this machine, since it was started, can know what `processStartTime` says: on Linux a random id is part of it. */
export const isBeginSecret = process.platform === 'linux';

/**
 * When a process began, in words that stay the same as long as it lives and that no later process with its id has;
 * undefined where there is no such process, or where the system does not tell (Windows).
 */
export async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') {
      const [stat, boot] = await Promise.all([
        readFile(`/proc/${pid}/stat`, 'utf8'),
        readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      ]);
      // The name of the program, in brackets, may hold blanks; what follows it does not. The 22nd field, in clock ticks since boot.
      const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      return ticks === undefined ? undefined : `${boot.trim()} ${ticks}`;
    }
    if (process.platform === 'win32') return undefined;
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { env: { ...process.env, LC_ALL: 'C' } });
    return stdout.trim() || undefined;
  } catch {
    return undefined; // no such process, or nobody to ask
  }
}
