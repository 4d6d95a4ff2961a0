import { execFile } from 'node:child_process';
import { readWholeSync } from '../disk/read-whole.ts';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkState } from '../core/run/journal/work-state.ts';

const run = promisify(execFile);

/** A process at one moment. `started` distinguishes it from a later one with the same id. */
interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly started: string;
  /** Its command and environment, where both came with the list. */
  readonly environment?: string;
}

/** How often to check whether a process is gone. */
const LOOK_EVERY_MS = 40;
const FORCED_MS = 2000;

/** The environment variable that identifies an agent and all processes that it starts. */
export const MARK = 'TODO2_WAVES_WORK';
/** Random, so that no other process has the same mark, by chance or by intent. */
const IS_MARK = /^[0-9a-f]{32}$/;

/** The processes to end. */
export interface Tree {
  /**
   * The first process, where it may be signalled; undefined where only the mark identifies the
   * processes.
   */
  readonly leader: number | undefined;
  /** False where it is in the group of its parent, as in a terminal. */
  readonly leadsGroup?: boolean;
  /** The value of `MARK` in all of their environments; undefined where they have none. */
  readonly mark?: string | undefined;
  /** See `ticksOf`: a process that began earlier is not one of them. Undefined: not known. */
  readonly since?: number | undefined;
}

/**
 * Ends a process, its whole group, what else descends from it, and everything that carries the
 * mark, wherever it went: SIGTERM, then SIGKILL for what is still there after the grace. Resolves
 * when all of it is gone, or cannot be ended.
 *
 * A program that left the group and whose parent has ended already is found by its mark alone: on
 * Linux in /proc, on macOS where `ps -E` shows the environment (own programs that are not protected
 * by the system). One that wiped its environment too is missed. On Windows there is no polite
 * request and no mark to be seen: `taskkill /T /F` ends the tree by force at once. (macOS and
 * Windows were reasoned about from the manuals; the tests of this ran on Linux.)
 */
export async function endTree(tree: Tree, graceMs: number): Promise<void> {
  const { leader } = tree;
  if (process.platform === 'win32') {
    if (leader !== undefined) await endTreeOnWindows(leader);
    return;
  }
  const strays = straysOf(tree, await listProcesses());
  signalAll(tree, strays, 'SIGTERM');
  if (await waitUntilGone(tree, strays, graceMs)) return;
  // Looked up again: ids may have been given to other processes, and children may have been added.
  const now = await listProcesses();
  const alive = strays.filter((stray) => now.some((p) => isSame(stray, p)));
  const added = alive.flatMap(({ pid }) => descendantsOf(pid, now));
  const all = [...new Set([...alive, ...added, ...straysOf(tree, now)])];
  signalAll(tree, all, 'SIGKILL');
  await waitUntilGone(tree, all, FORCED_MS);
}

/**
 * Ends the rest of an agent whose supervisor was killed, from its state file. The process is only
 * signalled if its start time matches, and others only if they carry the mark: ids are reused, and
 * the file is not trusted.
 */
export async function endOrphan(
  state: Pick<WorkState, 'agentPid' | 'agentBegin' | 'mark'>,
  processStartTime: (pid: number) => Promise<string | undefined>,
  graceMs: number,
): Promise<void> {
  const { agentPid, agentBegin } = state;
  const mark = IS_MARK.test(state.mark) ? state.mark : undefined;
  // To the system, 0 and -1 are whole groups; and this process is never an agent.
  const mayBeAgent = agentPid !== undefined && agentPid > 1 && agentPid !== process.pid;
  const isAgent =
    mayBeAgent && agentBegin !== null && (await processStartTime(agentPid)) === agentBegin;
  await endTree(
    { leader: isAgent ? agentPid : undefined, mark, leadsGroup: isAgent && leadsGroup(agentPid) },
    graceMs,
  );
}

/** True where something that carries the mark has not ended. */
export async function isMarkAlive(tree: Pick<Tree, 'mark' | 'since'>): Promise<boolean> {
  return markedIn(await listProcesses(), tree).length > 0;
}

/**
 * When a process began, in ticks since the system did; undefined where that cannot be seen (other
 * systems than Linux).
 */
export function ticksOf(pid: number): number | undefined {
  const ticks = process.platform === 'linux' ? statusOf(pid)[19] : undefined;
  return ticks === undefined ? undefined : Number(ticks);
}

/**
 * True for a zombie, an ended process that its parent has not reaped: in a container it can stay
 * for ever.
 */
export function isZombie(pid: number): boolean {
  return process.platform === 'linux' && hasEnded(statusOf(pid)[0]);
}

/**
 * Ends a whole group by force, at once; for the moments in which nothing can be waited for. Does
 * nothing on Windows.
 */
export function killGroup(leader: number): void {
  if (process.platform !== 'win32') signalGroup(leader, 'SIGKILL');
}

/** True while the group of this leader has a member, even after the leader itself has ended. */
export function isGroupAlive(leader: number): boolean {
  return process.platform !== 'win32' && leadsGroup(leader);
}

async function endTreeOnWindows(pid: number): Promise<void> {
  const taskkill = join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'taskkill.exe');
  try {
    await run(taskkill, ['/PID', String(pid), '/T', '/F'], { windowsHide: true });
  } catch (error) {
    // 128: there is no such process any more.
    if ((error as { code?: unknown }).code !== 128) throw error;
  }
}

/** The processes that a signal to the group may not reach. */
function straysOf(tree: Tree, processes: readonly ProcessEntry[]): readonly ProcessEntry[] {
  const { leader } = tree;
  const own = leader === undefined ? [] : processes.filter(({ pid }) => pid === leader);
  const below = leader === undefined ? [] : descendantsOf(leader, processes);
  return [...new Set([...own, ...below, ...markedIn(processes, tree)])].filter(
    ({ pid }) => pid !== process.pid,
  );
}

function signalAll(tree: Tree, strays: readonly ProcessEntry[], name: NodeJS.Signals): void {
  if (tree.leader !== undefined && tree.leadsGroup !== false) signalGroup(tree.leader, name);
  // Members of the group have the signal already; a second one could interrupt their clean-up.
  const others =
    tree.leadsGroup === false ? strays : strays.filter(({ group }) => group !== tree.leader);
  for (const { pid } of others) signal(pid, name);
}

async function waitUntilGone(
  tree: Tree,
  strays: readonly ProcessEntry[],
  ms: number,
): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await isGone(tree, strays))) {
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return true;
}

async function isGone(tree: Tree, strays: readonly ProcessEntry[]): Promise<boolean> {
  const group = tree.leadsGroup === false ? undefined : tree.leader;
  const seen =
    (group !== undefined && isGroupAlive(group)) || strays.some(({ pid }) => signal(pid, 0));
  if (!seen && tree.mark === undefined) return true;
  // A zombie still takes signals; in a container that can be for ever.
  const now = await listProcesses();
  if (now.length === 0) return !seen;
  const isLeft = (p: ProcessEntry): boolean =>
    p.group === group || strays.some((stray) => isSame(stray, p));
  return !now.some(isLeft) && markedIn(now, tree).length === 0;
}

/** Those of the processes whose environment has the mark; never this process itself. */
function markedIn(
  processes: readonly ProcessEntry[],
  { mark, since = 0 }: Pick<Tree, 'mark' | 'since'>,
): readonly ProcessEntry[] {
  if (mark === undefined) return [];
  const entry = `${MARK}=${mark}`;
  return processes.filter(({ pid, started, environment }) => {
    if (pid === process.pid || Number(started) < since) return false;
    if (environment !== undefined) return environment.split(' ').includes(entry);
    // A process of another user is unreadable, and so not ours.
    return readProc(`${pid}/environ`)?.split('\0').includes(entry) === true;
  });
}

function leadsGroup(pid: number): boolean {
  return signal(-pid, 0);
}

function isSame(a: ProcessEntry, b: ProcessEntry): boolean {
  return a.pid === b.pid && a.started === b.started;
}

function signalGroup(leader: number, name: NodeJS.Signals): void {
  signal(-leader, name);
}

/** False where there was no process to signal. */
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

/**
 * All processes that have not ended: from /proc where there is one, else from `ps`; none where
 * neither can be had.
 */
async function listProcesses(): Promise<readonly ProcessEntry[]> {
  try {
    return process.platform === 'linux' ? await listFromProc() : await listFromPs();
  } catch {
    // Without a list the group is still ended, which is nearly always enough.
    return [];
  }
}

async function listFromProc(): Promise<readonly ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // One after the other and at once: such a file is made from memory when it is read, and a promise
  // costs more than it.
  return pids.flatMap((pid): ProcessEntry[] => {
    const fields = statusOf(pid);
    const [state, parent, group] = fields;
    if (fields.length < 20 || hasEnded(state)) return [];
    return [
      { pid: Number(pid), parent: Number(parent), group: Number(group), started: fields[19] ?? '' },
    ];
  });
}

/**
 * The fields of proc(5) from the state on: state, parent, group, ... start time. The name before
 * them, in brackets, may hold anything, so they begin after the last bracket.
 */
function statusOf(pid: string | number): readonly string[] {
  const stat = readProc(`${pid}/stat`);
  // It has ended, or may not be asked.
  if (stat === undefined) return [];
  return stat.slice(stat.lastIndexOf(')') + 2).trim().split(' '); // prettier-ignore
}

/** More than the system lets an environment have. */
const MAX_PROC_BYTES = 8 * 1024 * 1024;

function readProc(name: string): string | undefined {
  const read = readWholeSync(`/proc/${name}`, { mostBytes: MAX_PROC_BYTES });
  return read.ok ? read.value?.bytes.toString('latin1') : undefined;
}

function hasEnded(state: string | undefined): boolean {
  return state === 'Z' || state === 'X';
}

async function listFromPs(): Promise<readonly ProcessEntry[]> {
  const options = { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } };
  const columns = 'pid=,ppid=,pgid=,stat=,lstart=,command=';
  // `-E` puts the environment behind the command; with `-ww` nothing is cut off.
  const { stdout } = await run('/bin/ps', ['-axwwE', '-o', columns], options);
  return stdout.split('\n').flatMap((line) => {
    const [pid, parent, group, state, ...rest] = line.trim().split(/\s+/);
    if (rest.length < 5 || state?.startsWith('Z') === true) return [];
    const [started, environment] = [rest.slice(0, 5).join(' '), rest.slice(5).join(' ')];
    return [
      { pid: Number(pid), parent: Number(parent), group: Number(group), started, environment },
    ];
  });
}
