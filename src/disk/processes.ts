import { execFile } from 'node:child_process';
import { readWhole } from './read-whole.ts';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import type { Processes } from '../core/ports.ts';

/** The processes of this machine, as reported by signal 0. */
export const systemProcesses: Processes = {
  hostname: hostname(),
  isAlive: (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // EPERM: the process exists and belongs to another user.
      return code === 'EPERM' ? true : code === 'ESRCH' ? false : undefined;
    }
  },
};

const run = promisify(execFile);

/**
 * Whether `processStartTime` contains a secret of this machine's boot, which other machines cannot
 * know: on Linux it has the boot id.
 */
export const isBeginSecret = process.platform === 'linux';

/**
 * The start time of a process as text that is constant for its lifetime and unique to it; undefined
 * where the process does not exist, or where the system does not report it (Windows).
 */
export async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') {
      const [stat, boot] = await Promise.all([
        readProc(`${pid}/stat`),
        readProc('sys/kernel/random/boot_id'),
      ]);
      if (stat === undefined || boot === undefined) return undefined;
      // The program name, in brackets, may contain blanks. The 22nd field is the start in clock
      // ticks since boot.
      const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      return ticks === undefined ? undefined : `${boot.trim()} ${ticks}`;
    }
    if (process.platform === 'win32') return undefined;
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    });
    return stdout.trim() || undefined;
  } catch {
    return undefined; // no such process, or no `ps`
  }
}

async function readProc(name: string): Promise<string | undefined> {
  const read = await readWhole(`/proc/${name}`, { mostBytes: 64 * 1024 });
  return read.ok ? read.value?.bytes.toString('utf8') : undefined;
}
