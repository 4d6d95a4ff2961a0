import { existsSync } from 'node:fs';
import { lstat, readdir, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isAbsence } from '../disk/file-fault.ts';
import { readWholeText } from '../disk/read-whole.ts';
import { removeFile } from '../disk/replace-file.ts';
import type { GitOptions } from './git-command.ts';
import { gitFailure, run, type GitResult } from './git-failure.ts';

/**
 * A work tree by its own Git folder, which is found without the `.git` in the work tree: an agent
 * may have deleted that, or have made a repository of its own there.
 */
export interface WorkTree {
  readonly folder: string;
  readonly gitDir: string;
  readonly commonDir: string;
}

/** Runs Git on exactly this work tree, as `run` does. */
export function runIn(
  { folder, gitDir }: WorkTree,
  args: readonly string[],
  options?: GitOptions,
): Promise<GitResult<string>> {
  return run(folder, [`--git-dir=${gitDir}`, `--work-tree=${folder}`, ...args], options);
}

/** The work tree of a folder; fails where the repository has none there. */
export async function findWorkTree(
  commonDir: string,
  folder: string,
): Promise<GitResult<WorkTree>> {
  const gitDir = await gitDirOf(commonDir, folder);
  return gitDir === undefined
    ? gitFailure('refused', `${folder} is no worktree of the repository.`)
    : { ok: true, value: { folder, gitDir, commonDir } };
}

/** The Git folder of a worktree, whose folder may be gone; undefined where there is none. */
export async function gitDirOf(commonDir: string, folder: string): Promise<string | undefined> {
  const wanted = await realOf(folder);
  if (basename(commonDir) === '.git' && (await realOf(dirname(commonDir))) === wanted)
    return commonDir;
  for (const name of await namesIn(join(commonDir, 'worktrees'))) {
    const gitDir = join(commonDir, 'worktrees', name);
    const read = await readWholeText(join(gitDir, 'gitdir'), { mostBytes: 64 * 1024 });
    if (!read.ok || read.value === undefined) continue;
    const pointed = resolve(gitDir, read.value.replace(/\r?\n$/, ''));
    if ((await realOf(dirname(pointed))) === wanted) return gitDir;
  }
  return undefined;
}

/** True where a folder is there, and a worktree of the repository. */
export async function isWorkTree(commonDir: string, folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && (await gitDirOf(commonDir, folder)) !== undefined;
}

/** The other parents of a merge that is half done. */
export async function mergeHeadsOf({ gitDir }: WorkTree): Promise<readonly string[]> {
  const read = await readWholeText(join(gitDir, 'MERGE_HEAD'), { mostBytes: 64 * 1024 });
  const lines = read.ok ? (read.value ?? '').split('\n') : [];
  return lines.filter((line) => /^[0-9a-f]{40,64}$/.test(line));
}

const MERGE_STATE = [
  ...['MERGE_HEAD', 'MERGE_MSG', 'MERGE_MODE', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'AUTO_MERGE'],
];

/** Ends what is half done, as `git commit` does once there is a commit. */
export async function removeMergeState({ gitDir }: WorkTree): Promise<void> {
  for (const name of MERGE_STATE) await removeFile(join(gitDir, name));
}

/** Writes the `.git` of a worktree again where it is missing; what is there stays. */
export async function mendLink({ folder, gitDir, commonDir }: WorkTree): Promise<void> {
  const link = join(folder, '.git');
  if (gitDir === commonDir || existsSync(link)) return;
  await writeFile(link, `gitdir: ${gitDir}\n`, { flag: 'wx' });
}

/** A path without links, as Git names it. */
export async function realOf(path: string): Promise<string> {
  // The last part may be gone.
  const parent = await realpath(dirname(path)).catch(() => dirname(path));
  return realpath(path).catch(() => join(parent, basename(path)));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
