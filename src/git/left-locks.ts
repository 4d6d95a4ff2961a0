import { lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAbsence } from '../disk/file-fault.ts';

/** A command of ours that was killed: when it was begun and when it was gone, in epoch ms. */
export interface KilledCommand {
  /** The `.git` that all work trees share. */
  readonly commonDir: string;
  /** Where the command was told to use it alone: the Git folder of one work tree. */
  readonly gitDir: string | undefined;
  readonly from: number;
  readonly to: number;
}

/** A lock that is held changes or goes in this time; one whose process was killed does not. */
const LOOK_AGAIN_MS = 1_000;
/** File systems round times. */
const ROUNDING_MS = 2_000;

/**
 * Removes the locks that a killed command of ours has left: on refs of ours, on the settings, on a
 * worktree that it had only begun, and on the work tree that it was told to use, made in its time
 * and unchanged since. The index and HEAD of the user are never among them.
 */
export async function removeLocksOf(command: KilledCommand): Promise<void> {
  const { commonDir, gitDir } = command;
  const refs = await Promise.all(
    ['refs/heads/waves', 'refs/waves'].map((name) => locksBelow(join(commonDir, name))),
  );
  const shared = ['config.lock', 'packed-refs.lock'].map((name) => join(commonDir, name));
  const own =
    gitDir === undefined || resolve(gitDir) === resolve(commonDir)
      ? []
      : ['HEAD.lock', 'index.lock'].map((name) => join(gitDir, name));
  const add = async (file: string, to: FoundLock[]): Promise<void> => {
    const lock = await lockAt(file);
    if (lock !== undefined && isIn(command, lock)) to.push([file, lock]);
  };
  const found: FoundLock[] = [];
  for (const file of [...refs.flat(), ...shared, ...own]) await add(file, found);
  const begun: FoundLock[] = [];
  for (const file of await begunWorktrees(commonDir)) await add(file, begun);
  await removeUnchanged(found);
  if (begun.length > 0) await removeBegun(commonDir, begun);
}

/** Removes what there is of worktrees that are still only begun after a while. */
async function removeBegun(commonDir: string, begun: readonly FoundLock[]): Promise<void> {
  await pause(LOOK_AGAIN_MS);
  const still = new Set(await begunWorktrees(commonDir));
  for (const [file, lock] of begun)
    if (still.has(file) && (await removeIfSame(file, lock)))
      // Where something has come into it, it stays.
      await rmdir(dirname(file)).catch(() => undefined);
}

/** The locks of worktrees that Git has only just begun: they have nothing else yet. */
async function begunWorktrees(commonDir: string): Promise<readonly string[]> {
  const folder = join(commonDir, 'worktrees');
  const names = await namesIn(folder);
  const begun = await Promise.all(
    names.map(async (name) => {
      const files = await namesIn(join(folder, name));
      return files.length === 1 && files[0] === 'locked' ? [join(folder, name, 'locked')] : [];
    }),
  );
  return begun.flat();
}

/**
 * Removes the locks of a worktree of ours and its branch in which nothing works any more: a Git that
 * an agent began may have been killed with it. True where there was one.
 */
export async function removeLocksIn(
  { gitDir, commonDir }: { readonly gitDir: string; readonly commonDir: string },
  branch: string,
): Promise<boolean> {
  const files = ['HEAD.lock', 'index.lock'].map((name) => join(gitDir, name));
  const found: FoundLock[] = [];
  for (const file of [...files, join(commonDir, 'refs/heads', `${branch}.lock`)]) {
    const lock = await lockAt(file);
    if (lock !== undefined) found.push([file, lock]);
  }
  return removeUnchanged(found);
}

async function removeUnchanged(found: readonly FoundLock[]): Promise<boolean> {
  if (found.length === 0) return false;
  await pause(LOOK_AGAIN_MS);
  const removed = await Promise.all(found.map(([file, lock]) => removeIfSame(file, lock)));
  return removed.includes(true);
}

type FoundLock = readonly [file: string, lock: Lock];

/** A lock file, told from a later one of the same name. */
export interface Lock {
  readonly inode: bigint;
  readonly madeAt: bigint;
}

/** The lock of a ref of ours that an error of Git names; undefined for any other. */
export function ownLockIn(stderr: string): string | undefined {
  const [, file] = /Unable to create '([^'\n]{1,4096}\.lock)': File exists/i.exec(stderr) ?? [];
  return file !== undefined && /[\\/]refs[\\/](?:heads[\\/])?waves[\\/][^\n]+$/.test(file)
    ? file
    : undefined;
}

export async function lockAt(file: string): Promise<Lock | undefined> {
  try {
    const { ino, mtimeNs } = await lstat(file, { bigint: true });
    return { inode: ino, madeAt: mtimeNs };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Removes a lock that is still the one that was seen. False where it is not. */
export async function removeIfSame(file: string, seen: Lock): Promise<boolean> {
  const now = await lockAt(file);
  if (now?.inode !== seen.inode || now.madeAt !== seen.madeAt) return false;
  await unlink(file);
  return true;
}

function isIn({ from, to }: KilledCommand, { madeAt }: Lock): boolean {
  const at = Number(madeAt / 1_000_000n);
  return at >= from - ROUNDING_MS && at <= to + ROUNDING_MS;
}

async function locksBelow(folder: string): Promise<readonly string[]> {
  const names = await namesIn(folder, true);
  return names.filter((name) => name.endsWith('.lock')).map((name) => join(folder, name));
}

/** None where there is no such folder. */
async function namesIn(folder: string, recursive = false): Promise<readonly string[]> {
  try {
    return await readdir(folder, { recursive });
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
