import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process at one moment. `started` tells it from a later one with the same id. */
interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly started: string;
}

/** How often to look whether a process is gone. */
const LOOK_EVERY_MS = 40;

/**
 * Ends a process that leads its own group, the whole group, and what else descends from it: SIGTERM, then SIGKILL for
 * what is still there after the grace. Resolves when all of it is gone, or cannot be ended.
 *
 * Descendants that left the group are found through their parents, so those are missed that left the group and whose
 * parent has ended already. On Windows there is no polite request: the tree is ended by force at once.
 */
export async function endTree(leader: number, graceMs: number): Promise<void> {
  if (process.platform === 'win32') {
    await endTreeOnWindows(leader);
    return;
  }
  const strays = descendantsOf(leader, await listProcesses());
  signalGroup(leader, 'SIGTERM');
  for (const { pid } of strays) signal(pid, 'SIGTERM');
  if (await waitUntilGone(leader, strays, graceMs)) return;
  // Looked up again: ids may have been given to other processes, and children may have been added.
  const now = await listProcesses();
  const alive = strays.filter((stray) => now.some((p) => isSame(stray, p)));
  const added = [leader, ...alive.map(({ pid }) => pid)].flatMap((pid) => descendantsOf(pid, now));
  signalGroup(leader, 'SIGKILL');
  for (const { pid } of [...alive, ...added]) signal(pid, 'SIGKILL');
  await waitUntilGone(leader, alive, 2000);
}

/** Ends a whole group by force, at once; for the moments in which nothing can be waited for. Does nothing on Windows. */
export function killGroup(leader: number): void {
  if (process.platform !== 'win32') signalGroup(leader, 'SIGKILL');
}

/** True while the group of this leader has a member, even after the leader itself has ended. */
export function isGroupAlive(leader: number): boolean {
  return process.platform !== 'win32' && signal(-leader, 0);
}

async function endTreeOnWindows(pid: number): Promise<void> {
  const taskkill = join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'taskkill.exe');
  try {
    await run(taskkill, ['/PID', String(pid), '/T', '/F'], { windowsHide: true });
  } catch (error) {
    // 128: there is no such process any more, which is what was wanted.
    if ((error as { code?: unknown }).code !== 128) throw error;
  }
}

async function waitUntilGone(leader: number, strays: readonly ProcessEntry[], ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await isGone(leader, strays))) {
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return true;
}

async function isGone(leader: number, strays: readonly ProcessEntry[]): Promise<boolean> {
  if (!isGroupAlive(leader) && !strays.some(({ pid }) => signal(pid, 0))) return true;
  // What has ended and was not collected by its parent still takes signals; in a container that can be for ever.
  const now = await listProcesses();
  return now.length > 0 && !now.some((p) => p.group === leader || strays.some((stray) => isSame(stray, p)));
}

function isSame(a: ProcessEntry, b: ProcessEntry): boolean {
  return a.pid === b.pid && a.started === b.started;
}

function signalGroup(leader: number, name: NodeJS.Signals): void {
  signal(-leader, name);
}

/** False where nothing was there to get it. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // macOS answers EPERM for a group of which only zombies are left.
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

/** Everything below a process, without itself. */
function descendantsOf(pid: number, processes: readonly ProcessEntry[]): readonly ProcessEntry[] {
  const found: ProcessEntry[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const entry of processes) {
      if (entry.parent !== parent || found.includes(entry)) continue;
      found.push(entry);
      parents.push(entry.pid);
    }
  }
  return found;
}

/** All processes that have not ended: from /proc where there is one, else from `ps`; none where neither can be had. */
async function listProcesses(): Promise<readonly ProcessEntry[]> {
  try {
    return process.platform === 'linux' ? await listFromProc() : await listFromPs();
  } catch {
    // Without a list the group is still ended, which is nearly always all there is.
    return [];
  }
}

async function listFromProc(): Promise<readonly ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries = await Promise.all(
    pids.map(async (pid): Promise<ProcessEntry[]> => {
      const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // proc(5): the name in brackets may hold anything, so count from the last bracket: state, parent, group, ... start time.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const [state, parent, group] = fields;
      if (fields.length < 20 || state === 'Z') return [];
      return [{ pid: Number(pid), parent: Number(parent), group: Number(group), started: fields[19] ?? '' }];
    }),
  );
  return entries.flat();
}

async function listFromPs(): Promise<readonly ProcessEntry[]> {
  const { stdout } = await run('/bin/ps', ['-axo', 'pid=,ppid=,pgid=,stat=,lstart='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, group, state, ...started] = line.trim().split(/\s+/);
    if (started.length === 0 || state?.startsWith('Z') === true) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), started: started.join(' ') }];
  });
}
