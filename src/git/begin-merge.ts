import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { gitFailure, holds, parts, type GitResult } from './git-failure.ts';
import { operationUnderWay, type Repository } from './repository.ts';
import { findWorkTree, mendLink, mergeHeadsOf, runIn, type WorkTree } from './work-tree.ts';

export interface BeginMerge {
  readonly repository: Pick<Repository, 'commonDir'>;
  /** A worktree of ours, with nothing uncommitted in it, in which no agent works. */
  readonly folder: string;
  /** The commit that is to be merged into what is checked out there. */
  readonly other: string;
  readonly message: string;
}

/**
 * Begins a merge in a worktree and leaves it for a person to conclude, with the marks of conflicts
 * in its files. Answers the files in conflict; none where it only has to be committed. One that is
 * under way goes on.
 */
export async function beginMerge(request: BeginMerge): Promise<GitResult<readonly string[]>> {
  const { repository, folder, other, message } = request;
  try {
    const work = await findWorkTree(repository.commonDir, folder);
    if (!work.ok) return work;
    await mendLink(work.value);
    const operation = operationUnderWay(work.value.gitDir);
    if (operation !== undefined && operation !== 'merge')
      return gitFailure('inTheWay', `In ${folder}, a ${operation} is not finished.`);
    if (operation === undefined) {
      const merge = ['merge', '--quiet', '--no-ff', '--no-commit', '--no-stat', '--no-autostash'];
      const begun = await runIn(work.value, [...merge, '-m', message, other]);
      if (!begun.ok && operationUnderWay(work.value.gitDir) === undefined) return begun;
    }
    return await filesInConflict(work.value);
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
}

/** True where a merge is under way in a worktree, of commits that `other` has. */
export async function isMergeOf({
  repository,
  folder,
  other,
}: Pick<BeginMerge, 'repository' | 'folder' | 'other'>): Promise<boolean> {
  const work = await findWorkTree(repository.commonDir, folder);
  if (!work.ok || operationUnderWay(work.value.gitDir) !== 'merge') return false;
  for (const head of await mergeHeadsOf(work.value)) {
    const isIn = await holds(repository.commonDir, ['merge-base', '--is-ancestor', head, other]);
    if (!isIn.ok || !isIn.value) return false;
  }
  return true;
}

/** The files in conflict of a merge that is under way in a worktree; undefined where none is. */
export async function mergeUnderWay({
  repository,
  folder,
}: Pick<BeginMerge, 'repository' | 'folder'>): Promise<GitResult<readonly string[] | undefined>> {
  try {
    const work = await findWorkTree(repository.commonDir, folder);
    if (!work.ok) return work;
    return operationUnderWay(work.value.gitDir) === undefined
      ? ok(undefined)
      : await filesInConflict(work.value);
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
}

async function filesInConflict(work: WorkTree): Promise<GitResult<readonly string[]>> {
  const unmerged = ['diff', '--name-only', '-z', '--diff-filter=U', '--no-ext-diff'];
  const files = await runIn(work, unmerged);
  return files.ok ? ok(parts(files.value)) : files;
}
