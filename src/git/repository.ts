import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand, THIS_DISK } from '../disk/find-command.ts';
import { readWholeText } from '../disk/read-whole.ts';
import { git } from './git-command.ts';
import { holds, parts, run } from './git-failure.ts';

/** A repository as a folder of it shows it. */
export interface Repository {
  /** The top of the work tree that the folder lies in. */
  readonly top: string;
  /** The `.git` that all work trees of the repository share. */
  readonly commonDir: string;
  /** The folder below `top`: '' or `sub/folder/`. */
  readonly prefix: string;
  /** Without `refs/heads/`; undefined where HEAD is detached. */
  readonly branch: string | undefined;
  /** Of HEAD. */
  readonly commit: string;
  /** Uncommitted or untracked files, those of the backlog aside. */
  readonly isDirty: boolean;
  /** `top` is a worktree beside the main one. */
  readonly isLinkedWorktree: boolean;
  /** What is handled in a way of its own, in a plain sentence each. */
  readonly remarks: readonly string[];
}

/** Why a folder cannot have a worktree per task. */
export type UnusableCause =
  | 'noGit'
  | 'oldGit'
  | 'noRepository'
  | 'notOurs'
  | 'bare'
  | 'noCommit'
  | 'ignored'
  | 'underWay'
  | 'failed';

/** `detail` is a plain sentence, or what Git said. */
export type Inspected =
  | { readonly kind: 'usable'; readonly repository: Repository }
  | { readonly kind: 'unusable'; readonly why: UnusableCause; readonly detail: string };

/** The first with `git merge-tree --write-tree`. */
const OLDEST: readonly [number, number] = [2, 38];

/**
 * Looks at the repository of a folder, and changes nothing. `whileUnderWay`: a merge or rebase that
 * the user has not finished there is no obstacle.
 */
export async function inspectRepository(
  root: string,
  { whileUnderWay = false }: { readonly whileUnderWay?: boolean } = {},
): Promise<Inspected> {
  const version = await git(root, ['version']);
  if (version.kind === 'missing') return unusable('noGit', 'Git was not found.');
  if (version.kind !== 'ok') return unusable('failed', 'Git does not tell its version.');
  const [, major = '', minor = ''] = /^git version (\d{1,4})\.(\d{1,4})/.exec(version.stdout) ?? [];
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]))
    return unusable(
      'oldGit',
      `Git ${OLDEST.join('.')} or newer is needed, this is ${major}.${minor}.`,
    );

  const gitDir = await run(root, ['rev-parse', '--absolute-git-dir']);
  if (!gitDir.ok)
    return /dubious ownership/.test(gitDir.failure.detail)
      ? unusable('notOurs', 'Git does not trust this repository, since another user owns it.')
      : unusable('noRepository', 'The folder is in no Git repository.');
  const top = await run(root, ['rev-parse', '--show-toplevel']);
  if (!top.ok) return unusable('bare', 'The repository has no work tree here.');
  const [commonDir, prefix, commit, branch] = await Promise.all([
    run(root, ['rev-parse', '--path-format=absolute', '--git-common-dir']),
    run(root, ['rev-parse', '--show-prefix']),
    run(root, ['rev-parse', '--quiet', '--verify', 'HEAD^{commit}']),
    run(root, ['symbolic-ref', '--quiet', '--short', 'HEAD']),
  ]);
  if (!commit.ok) return unusable('noCommit', 'The repository has no commit yet.');
  if (!commonDir.ok) return unusable('failed', commonDir.failure.detail);
  if (!prefix.ok) return unusable('failed', prefix.failure.detail);
  if (await isIgnored(top.value, prefix.value))
    return unusable('ignored', 'Git ignores this folder of the repository.');
  const underWay = operationUnderWay(gitDir.value);
  if (underWay !== undefined && !whileUnderWay)
    return unusable('underWay', `In the repository, a ${underWay} is not finished.`);

  const [isDirty, remarks] = await Promise.all([
    hasChanges(top.value, backlogOf(prefix.value)),
    remarksOn(top.value),
  ]);
  const repository: Repository = {
    top: top.value,
    commonDir: commonDir.value,
    prefix: prefix.value,
    branch: branch.ok ? branch.value : undefined,
    commit: commit.value,
    isDirty,
    isLinkedWorktree: gitDir.value !== commonDir.value,
    remarks,
  };
  return { kind: 'usable', repository };
}

function unusable(why: UnusableCause, detail: string): Inspected {
  return { kind: 'unusable', why, detail };
}

/** The folder of the backlog from the top of a repository, with a slash at its end. */
export function backlogOf(prefix: string): string {
  return `${prefix}.todo2/`;
}

/** True for a folder of which a worktree would have nothing. */
async function isIgnored(top: string, prefix: string): Promise<boolean> {
  if (prefix === '') return false;
  const ignored = await holds(top, ['check-ignore', '--quiet', `./${prefix}`], { isPattern: true });
  if (!ignored.ok || !ignored.value) return false;
  const tracked = await run(top, ['ls-files', '--', prefix]);
  return tracked.ok && tracked.value === '';
}

const UNDER_WAY: readonly (readonly [file: string, name: string])[] = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_LOG', 'bisect'],
];

/** What is half done in a work tree, by its own Git folder; undefined where nothing is. */
export function operationUnderWay(gitDir: string): string | undefined {
  return UNDER_WAY.find(([file]) => existsSync(join(gitDir, file)))?.[1];
}

async function hasChanges(top: string, backlog: string): Promise<boolean> {
  const args = ['status', '--porcelain', '-z', '--no-renames', '--ignore-submodules=dirty'];
  const status = await git(top, args);
  // So many changes that they are not listed are changes.
  if (status.kind !== 'ok') return true;
  return parts(status.stdout).some((record) => !record.slice(3).startsWith(backlog));
}

async function remarksOn(top: string): Promise<readonly string[]> {
  const [submodules, sparse, partial, isLfs] = await Promise.all([
    holds(top, ['cat-file', '-e', 'HEAD:.gitmodules']),
    run(top, ['config', '--type=bool', '--get', 'core.sparseCheckout']),
    run(top, ['config', '--get-regexp', '^remote\\..*\\.promisor$']),
    hasLfs(top),
  ]);
  const remarks: string[] = [];
  if (submodules.ok && submodules.value)
    remarks.push('Submodules: a worktree gets those that are already on this computer.');
  if (sparse.ok && sparse.value === 'true')
    remarks.push('Sparse checkout: a worktree has the same part of the files.');
  if (partial.ok) remarks.push('Partial clone: Git may fetch files for a worktree.');
  if (
    isLfs &&
    (await findCommand('git-lfs', process.env, process.platform, THIS_DISK)) === undefined
  )
    remarks.push('Git LFS is not installed: large files are pointers in a worktree.');
  return remarks;
}

async function hasLfs(top: string): Promise<boolean> {
  const read = await readWholeText(join(top, '.gitattributes'), {
    mostBytes: 1024 * 1024,
    root: top,
  });
  return read.ok && /\bfilter=lfs\b/.test(read.value ?? '');
}
