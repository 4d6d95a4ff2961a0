import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hostname } from 'node:os';
import { objectOf, orNull, parseAs, positive, text, type FieldsOf } from '../core/shape.ts';
import { messageOf } from '../core/text.ts';
import { isAbsence } from '../disk/file-fault.ts';
import { readPlainFile } from '../disk/plain-file.ts';
import { isProcessAlive } from '../disk/process-identity.ts';
import { processStartTime, systemProcesses } from '../disk/processes.ts';
import { gitFailure, type GitResult } from './git-failure.ts';

export interface LockOptions {
  /** Another lock of the same repository; signs `a-z`, `0-9` and `-`. */
  readonly name?: string;
  /** Undefined: two minutes. */
  readonly waitMs?: number;
}

const WAIT_MS = 120_000;
/**
 * A holder renews the time of its file, and counts as gone once that is so old, where its process
 * cannot be asked for: in another container, or on Windows.
 */
const REFRESH_MS = 30_000;
const STALE_MS = 180_000;
const MOST_BYTES = 4096;

const HOLDER = {
  pid: positive,
  /** Process start time; null where the system does not report it. */
  begin: orNull(text),
  host: text,
};
const holderShape = objectOf<FieldsOf<typeof HOLDER>>(HOLDER);

/** Of this process: the last in the queue for each lock. */
const queues = new Map<string, Promise<unknown>>();

/** The folder of ours in the `.git` of a repository: locks, records of worktrees, passing files. */
export async function ownFolder(commonDir: string): Promise<string> {
  const folder = join(commonDir, 'waves');
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * Runs `body` while no other process of ours on this machine runs one for this repository. Fails
 * with `busy` where it does not come to its turn in time. Must not be called within itself.
 *
 * The lock is a file `<name>.<number>.lock` per holder. It is created atomically with the number
 * after the highest, so that of processes that see the same state one succeeds. Another one may have
 * seen an older state: after creating it, a process looks again, and has the lock only where its own
 * file is still there and every other is of a process that is gone. Of two that created files at the
 * same time, the later one sees the other. Only a holder removes files of others, of processes that
 * are gone.
 */
export async function withRepositoryLock<T>(
  commonDir: string,
  body: () => Promise<GitResult<T>>,
  { name = 'repository', waitMs = WAIT_MS }: LockOptions = {},
): Promise<GitResult<T>> {
  const key = `${commonDir}\0${name}`;
  const before = queues.get(key) ?? Promise.resolve();
  const turn = before.then(() => locked(commonDir, name, waitMs, body));
  // A bug in one body is no reason to keep the next waiting.
  const settled = turn.catch(() => undefined);
  queues.set(key, settled);
  try {
    return await turn;
  } finally {
    if (queues.get(key) === settled) queues.delete(key);
  }
}

async function locked<T>(
  commonDir: string,
  name: string,
  waitMs: number,
  body: () => Promise<GitResult<T>>,
): Promise<GitResult<T>> {
  let file: string | undefined;
  try {
    file = await take(await ownFolder(commonDir), name, waitMs);
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
  if (file === undefined)
    return gitFailure('busy', 'Another process works on this repository for a long time.');
  const held = file;
  const refresh = setInterval(() => {
    const now = new Date();
    // On its own machine it is the process that counts.
    void utimes(held, now, now).catch(() => undefined);
  }, REFRESH_MS);
  refresh.unref();
  try {
    return await body();
  } finally {
    clearInterval(refresh);
    await remove(held);
  }
}

/**
 * Removes the lock files of processes that are gone, as the next holder would: the lock of a
 * run that has ended may have none. What is held stays.
 */
export async function removeLeftLocks(commonDir: string): Promise<void> {
  const folder = await ownFolder(commonDir);
  const names = (await readdir(folder)).flatMap((entry) => {
    const [, name] = /^([a-z0-9-]+)\.\d{1,12}\.lock$/.exec(entry) ?? [];
    return name === undefined ? [] : [name];
  });
  const record = await recordOfThis();
  for (const name of new Set(names)) {
    const file = await tryOnce(folder, name, record);
    if (file !== undefined) await remove(file);
  }
}

async function take(folder: string, name: string, waitMs: number): Promise<string | undefined> {
  const end = performance.now() + waitMs;
  const record = await recordOfThis();
  for (let attempt = 0; ; attempt++) {
    const file = await tryOnce(folder, name, record);
    if (file !== undefined) return file;
    if (performance.now() > end) return undefined;
    // Different pauses, so that two that withdrew for each other do not meet again.
    await pause(Math.min(10 * 2 ** Math.min(attempt, 5), 200) * (0.5 + Math.random()));
  }
}

async function recordOfThis(): Promise<string> {
  const { pid } = process;
  const begin = (await processStartTime(pid)) ?? null;
  return JSON.stringify({ pid, begin, host: hostname() });
}

async function tryOnce(folder: string, name: string, record: string): Promise<string | undefined> {
  const seen = await filesOf(folder, name);
  const written = join(folder, `.${name}.${randomUUID()}.tmp`);
  try {
    // Complete before it is seen.
    await writeFile(written, record, { flag: 'wx' });
    // By the clock that the files of others are dated with.
    const now = (await stat(written)).mtimeMs;
    for (const { file } of seen) if (await isHeld(file, now)) return undefined;
    const number = Math.max(0, ...seen.map((found) => found.number)) + 1;
    const own = join(folder, `${name}.${number}.lock`);
    await link(written, own);
    if (await isAlone(folder, name, own, now)) return own;
    await remove(own);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  } finally {
    await remove(written);
  }
}

/** The second look; removes what processes that are gone have left. */
async function isAlone(folder: string, name: string, own: string, now: number): Promise<boolean> {
  const all = await filesOf(folder, name);
  if (!all.some(({ file }) => file === own)) return false;
  const others = all.map(({ file }) => file).filter((file) => file !== own);
  for (const file of others) if (await isHeld(file, now)) return false;
  for (const file of others) await remove(file);
  return true;
}

async function filesOf(
  folder: string,
  name: string,
): Promise<readonly { readonly file: string; readonly number: number }[]> {
  return (await readdir(folder)).flatMap((entry) => {
    const [own, digits, end, ...rest] = entry.split('.');
    const isOne = own === name && end === 'lock' && rest.length === 0;
    return isOne && /^\d{1,12}$/.test(digits ?? '')
      ? [{ file: join(folder, entry), number: Number(digits) }]
      : [];
  });
}

/** False where its process is gone, or the file is. */
async function isHeld(file: string, now: number): Promise<boolean> {
  const read = await readPlainFile(file, 0, MOST_BYTES);
  if (read === undefined) return exists(file);
  const holder = parseAs(holderShape, read.bytes.toString('utf8'));
  const isFresh = now - read.modifiedAt < STALE_MS;
  if (holder?.host !== hostname()) return isFresh;
  // Without a start time, a later process with that id is told by the age alone.
  if (holder.begin === null) return isFresh && systemProcesses.isAlive(holder.pid) !== false;
  const { pid } = process;
  return isProcessAlive(holder, { pid, processes: systemProcesses, processStartTime });
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    return !isAbsence(error);
  }
}

async function remove(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
}
