import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A process that has to do with the runs of a folder. */
export interface WorkProcess {
  readonly kind: 'supervisor' | 'agent';
  readonly pid: number;
  readonly command: string;
}

/**
 * What is at work on the tasks of a folder: supervisors by what they wrote down, and everything
 * that their agents started, by its mark and where it works. Only on Linux, where a process can be
 * asked; elsewhere nothing is found.
 */
export function workIn(folder: string): readonly WorkProcess[] {
  if (process.platform !== 'linux') return [];
  const supervisors = supervisorsIn(folder);
  return readdirSync('/proc').flatMap((name): readonly WorkProcess[] => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    const command = read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
    if (supervisors.has(pid) && command.includes('supervisor.cjs'))
      return [{ kind: 'supervisor', pid, command }];
    const isMarked = read(`/proc/${name}/environ`).includes('TODO2_WAVES_WORK=');
    return isMarked && workingFolderOf(name) === folder ? [{ kind: 'agent', pid, command }] : [];
  });
}

/** The agents at work on a folder. */
export function agentsIn(folder: string): readonly number[] {
  return workIn(folder).flatMap(({ kind, pid }) => (kind === 'agent' ? [pid] : []));
}

/** Ends what is at work on a folder, and answers what that was. */
export async function endWorkIn(folder: string): Promise<readonly WorkProcess[]> {
  const left = workIn(folder);
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by now.
    }
  }
  for (const end = Date.now() + 2000; Date.now() < end && workIn(folder).length > 0;)
    await pause(50);
  return left;
}

function supervisorsIn(folder: string): ReadonlySet<number> {
  const runs = join(folder, '.todo2', 'waves', 'runs');
  if (!existsSync(runs)) return new Set();
  const states = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.state.json'),
  );
  return new Set(states.map((name) => Number(/"pid":\s*(\d+)/.exec(read(join(runs, name)))?.[1])));
}

function workingFolderOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // gone by now
  }
}
