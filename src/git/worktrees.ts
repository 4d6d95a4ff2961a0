import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { removeFile } from '../disk/replace-file.ts';
import { gitFailure, run, type GitResult } from './git-failure.ts';
import { BRANCHES } from './names.ts';
import { withRepositoryLock } from './repository-lock.ts';
import type { Repository } from './repository.ts';
import { removeOldFiles } from './stage.ts';
import { bringSubmodules } from './submodules.ts';
import { bringBackUnmerged } from './unresolved.ts';
import { gitDirOf, mendLink, runIn, type WorkTree } from './work-tree.ts';
import {
  readRecords,
  recordOf,
  removeRecord,
  writeRecord,
  type WorktreeRecord,
} from './worktree-records.ts';

export interface AddWorktree {
  readonly repository: Pick<Repository, 'top' | 'commonDir'>;
  /** As `names.ts` makes them. */
  readonly folder: string;
  readonly branch: string;
  /** The commit that the branch begins at. */
  readonly base: string;
  /** Who works in it, such as a run and a task: what these left from earlier is adopted. */
  readonly owner: string;
}

export interface AddedWorktree {
  readonly folder: string;
  readonly branch: string;
  /** The commit that the branch began at: an adopted one has its own. */
  readonly base: string;
  readonly isAdopted: boolean;
  /** An agent has begun to work in this folder, see `markReady`. */
  readonly isReady: boolean;
  /** What is missing in it, in a plain sentence each. */
  readonly remarks: readonly string[];
}

/** So many names are tried where branches or folders of others stand in the way. */
const MOST_NAMES = 50;

/**
 * Makes a branch and a worktree for it, one at a time in a repository. What the same owner left is
 * adopted as it is; what anyone else left stays, and a free name with a number is taken.
 */
export function addWorktree(request: AddWorktree): Promise<GitResult<AddedWorktree>> {
  const { repository } = request;
  return withRepositoryLock(repository.commonDir, async () => {
    try {
      await removeOldFiles(repository.commonDir);
      const record = await reserve(request);
      if (!record.ok) return record;
      const made = await makeOrRepair(repository, record.value.record);
      if (!made.ok) return made;
      const remarks = await bringSubmodules(repository, made.value.folder);
      const { branch, folder, base, isReady = false } = made.value;
      return ok({ branch, folder, base, isAdopted: record.value.isOld, isReady, remarks });
    } catch (error) {
      return gitFailure('file', messageOf(error));
    }
  });
}

/** Notes that an agent has begun to work in the worktree of an owner, where that has one. */
export function markReady(
  { commonDir }: Pick<Repository, 'commonDir'>,
  owner: string,
): Promise<GitResult<undefined>> {
  return withRepositoryLock(commonDir, async () => {
    try {
      const record = await recordOf(commonDir, owner);
      if (record !== undefined && record.isReady !== true)
        await writeRecord(commonDir, { ...record, isReady: true });
      return ok(undefined);
    } catch (error) {
      return gitFailure('file', messageOf(error));
    }
  });
}

/** Writes down what is about to be made, under a free name; or finds what the owner has. */
async function reserve(
  request: AddWorktree,
): Promise<GitResult<{ readonly record: WorktreeRecord; readonly isOld: boolean }>> {
  const { owner, base } = request;
  const { commonDir, top } = request.repository;
  const records = await readRecords(commonDir);
  const old = records.find((record) => record.owner === owner);
  if (old !== undefined) return ok({ record: old, isOld: old.state !== 'making' });
  const root = BRANCHES.slice(0, -1);
  if ((await run(top, ['rev-parse', '--quiet', '--verify', `refs/heads/${root}`])).ok)
    return gitFailure('inTheWay', `A branch named ${root} is in the way of branches ${BRANCHES}….`);
  for (let number = 1; number <= MOST_NAMES; number++) {
    const suffix = number === 1 ? '' : `-${number}`;
    const branch = request.branch + suffix;
    const folder = request.folder + suffix;
    const isTaken =
      records.some((record) => record.branch === branch || record.folder === folder) ||
      (await branchExists(top, branch)) ||
      (await lstat(folder).catch(() => undefined)) !== undefined;
    if (isTaken) continue;
    const state = { state: 'making', aside: null, isReady: false, brought: [] } as const;
    const record: WorktreeRecord = { branch, folder, owner, base, ...state };
    await writeRecord(commonDir, record);
    return ok({ record, isOld: false });
  }
  return gitFailure('inTheWay', `${request.folder} and ${MOST_NAMES - 1} more are in the way.`);
}

/** True also where branches below that name stand in its way. */
async function branchExists(top: string, branch: string): Promise<boolean> {
  const args = ['for-each-ref', '--count=1', '--format=%(refname)', `refs/heads/${branch}`];
  const found = await run(top, args);
  // In doubt another name is taken.
  return !found.ok || found.value !== '';
}

/**
 * Makes what a record says; where Git was killed on its way, it is told once more. A worktree that
 * is not made then is left without the lock that Git gives it for the time: nothing is in it yet, so
 * that it can be cleaned up.
 */
async function makeOrRepair(
  repository: AddWorktree['repository'],
  given: WorktreeRecord,
): Promise<GitResult<WorktreeRecord>> {
  const made = await make(repository, given);
  if (made.ok) return made;
  const records = await readRecords(repository.commonDir);
  const left = records.find(({ branch }) => branch === given.branch);
  if (left?.state !== 'making' || !(await isBegun(repository.commonDir, left))) return made;
  const again = await make(repository, left);
  const gitDir = again.ok ? undefined : await gitDirOf(repository.commonDir, left.folder);
  if (gitDir !== undefined) await removeFile(join(gitDir, 'locked'));
  return again;
}

/** True where something of a worktree is there. */
async function isBegun(commonDir: string, { folder }: WorktreeRecord): Promise<boolean> {
  return existsSync(folder) || (await gitDirOf(commonDir, folder)) !== undefined;
}

/** Makes what a record says, from whatever state an earlier attempt or a crash left it in. */
async function make(
  repository: AddWorktree['repository'],
  given: WorktreeRecord,
): Promise<GitResult<WorktreeRecord>> {
  const { commonDir, top } = repository;
  let record = await resumeRemoval(commonDir, given);
  const gitDir = await gitDirOf(commonDir, record.folder);
  const isThere = existsSync(record.folder);
  if (isThere && !(await lstat(record.folder)).isDirectory())
    return gitFailure('inTheWay', `${record.folder} is no folder any more.`);
  if (gitDir !== undefined && isThere) {
    const work = { folder: record.folder, gitDir, commonDir };
    if (record.state !== 'making') {
      await mendLink(work);
      return ok(record);
    }
    if ((await runIn(work, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'])).ok) {
      // Git was killed on its way. Nothing has worked here yet, so every file is Git's own.
      await removeFile(join(gitDir, 'index.lock'));
      await mendLink(work);
      const filled = await runIn(work, ['read-tree', '--reset', '-u', 'HEAD']);
      if (!filled.ok) return filled;
      await removeFile(join(gitDir, 'locked'));
      return finish(commonDir, record);
    }
    await removeEmpty(record.folder);
  }
  if (gitDir !== undefined && !existsSync(record.folder)) {
    // Its HEAD and its index may have what no branch has.
    if (record.state !== 'making')
      return checkOutAgain({ folder: record.folder, gitDir, commonDir }, record);
    // Registered, and gone: Git was killed before there was anything in it.
    await removeFile(join(gitDir, 'locked'));
    const dropped = await run(top, ['worktree', 'remove', '--', record.folder]);
    if (!dropped.ok) return dropped;
  }
  if (existsSync(record.folder)) await removeEmpty(record.folder);
  if (existsSync(record.folder)) {
    const folder = await freeFolder(record.folder);
    if (folder === undefined) return gitFailure('inTheWay', `${record.folder} is in the way.`);
    record = { ...record, folder };
    await writeRecord(commonDir, record);
  }
  return add(repository, record);
}

/** In a folder that was deleted there is nothing of what had been made ready. */
const BARE = { brought: [], isReady: false } as const;

/** Makes the folder of a worktree again that was deleted, with all that was committed or staged. */
async function checkOutAgain(
  work: WorkTree,
  record: WorktreeRecord,
): Promise<GitResult<WorktreeRecord>> {
  await makeFolders(work.folder);
  await mendLink(work);
  const filled = existsSync(join(work.gitDir, 'index'))
    ? await runIn(work, ['checkout-index', '--all', '--quiet'])
    : await runIn(work, ['read-tree', '--reset', '-u', 'HEAD']);
  const unmerged = filled.ok ? await bringBackUnmerged(work) : filled;
  return unmerged.ok ? finish(work.commonDir, { ...record, ...BARE }) : unmerged;
}

/**
 * Makes a worktree of ours again that an agent or the user has deleted, from its branch, or from
 * what Git still knows of it; answers its folder.
 */
export function bringBackWorktree(
  repository: AddWorktree['repository'],
  branch: string,
): Promise<GitResult<string>> {
  const { commonDir } = repository;
  return withRepositoryLock(commonDir, async () => {
    try {
      const record = (await readRecords(commonDir)).find((one) => one.branch === branch);
      if (record === undefined) return gitFailure('refused', `${branch} has no worktree any more.`);
      const made = await make(repository, record);
      return made.ok ? ok(made.value.folder) : made;
    } catch (error) {
      return gitFailure('file', messageOf(error));
    }
  });
}

async function add(
  { top, commonDir }: AddWorktree['repository'],
  record: WorktreeRecord,
): Promise<GitResult<WorktreeRecord>> {
  const ref = `refs/heads/${record.branch}`;
  const isNew = !(await branchExists(top, record.branch));
  if (isNew) {
    // All zeros: only where there is none.
    const zeros = '0'.repeat(record.base.length);
    const reason = ['-m', 'Todo2 Waves: branch of a task'];
    const made = await run(top, ['update-ref', ...reason, ref, record.base, zeros]);
    if (!made.ok) {
      await removeRecord(commonDir, record.branch);
      return made;
    }
  }
  const args = ['worktree', 'add', '--quiet', '--no-guess-remote', '--'];
  const above = await makeFolders(dirname(record.folder)).then(
    () => ok(''),
    (error: unknown) => gitFailure('file', messageOf(error)),
  );
  const added = above.ok ? await run(top, [...args, record.folder, record.branch]) : above;
  if (added.ok) return finish(commonDir, { ...record, ...BARE });
  // Git takes away what it began, unless it was killed: then the record explains what is left.
  if (isNew && !(await isBegun(commonDir, record))) {
    const removed = await run(top, ['update-ref', '-d', ref, record.base]);
    if (removed.ok) await removeRecord(commonDir, record.branch);
  }
  return added;
}

async function finish(
  commonDir: string,
  record: WorktreeRecord,
): Promise<GitResult<WorktreeRecord>> {
  const made = { ...record, state: 'made', aside: null } as const;
  await writeRecord(commonDir, made);
  return ok(made);
}

/**
 * Undoes a removal that a crash has interrupted; one that had begun to delete goes on, since a ref
 * keeps everything. Answers the record as it is then.
 */
export async function resumeRemoval(
  commonDir: string,
  record: WorktreeRecord,
): Promise<WorktreeRecord> {
  if (record.state !== 'removing' && record.state !== 'deleting') return record;
  const { aside, folder } = record;
  if (aside !== null && existsSync(aside)) {
    if (record.state === 'deleting') await removeTree(aside);
    else if (!existsSync(folder)) await rename(aside, folder);
  }
  const made = { ...record, state: 'made', aside: null } as const;
  await writeRecord(commonDir, made);
  return made;
}

/** Deletes a folder whose whole content is kept elsewhere; links in it are not followed. */
export async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Removes a folder that has nothing in it but a `.git` file of ours. */
async function removeEmpty(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.some((name) => name !== '.git')) return;
  if (names.length > 0) {
    if (!(await lstat(join(folder, '.git'))).isFile()) return;
    await unlink(join(folder, '.git'));
  }
  await rmdir(folder);
}

/** Node.js itself never comes back from this in folders such as `/proc`. */
async function makeFolders(folder: string): Promise<void> {
  const code = await codeOfMaking(folder);
  if (code === 'ENOENT' && dirname(folder) !== folder) {
    await makeFolders(dirname(folder));
    const again = await codeOfMaking(folder);
    if (again !== undefined && again !== 'EEXIST')
      throw new Error(`${folder} cannot be made (${again}).`);
  } else if (code !== undefined && code !== 'EEXIST')
    throw new Error(`${folder} cannot be made (${code}).`);
}

async function codeOfMaking(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? messageOf(error);
  }
}

async function freeFolder(folder: string): Promise<string | undefined> {
  for (let number = 2; number <= MOST_NAMES; number++) {
    const free = `${folder}-${number}`;
    if ((await lstat(free).catch(() => undefined)) === undefined) return free;
  }
  return undefined;
}
