import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ok } from '../core/result.ts';
import { git } from './git-command.ts';
import { parts, printed, run, type GitResult } from './git-failure.ts';
import { removeFile } from '../disk/replace-file.ts';
import { ownFolder } from './repository-lock.ts';
import { backlogOf, type Repository } from './repository.ts';

/** The tree that two commits merge to, or the files that they conflict in. */
export type MergedTree =
  | { readonly kind: 'tree'; readonly tree: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/**
 * Merges two commits without a work tree. The backlog stays as `ours` has it, whatever `theirs` did
 * to it.
 */
export async function mergeTrees(
  repository: Pick<Repository, 'top' | 'commonDir' | 'prefix'>,
  ours: string,
  theirs: string,
): Promise<GitResult<MergedTree>> {
  const { top, prefix } = repository;
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs];
  const answer = await git(top, args);
  const isConflict = answer.kind === 'failed' && answer.code === 1;
  if (answer.kind !== 'ok' && !isConflict) {
    const failed = printed(answer, args);
    return failed.ok ? ok({ kind: 'tree', tree: failed.value }) : failed;
  }
  const [tree = '', ...conflicts] = parts(answer.stdout);
  const files = conflicts.filter((path) => !path.startsWith(backlogOf(prefix)));
  if (files.length > 0) return ok({ kind: 'conflict', files: [...new Set(files)].sort() });
  const kept = await withBacklogOf(repository, tree, ours);
  return kept.ok ? ok({ kind: 'tree', tree: kept.value }) : kept;
}

/** The tree with the backlog of another commit. */
async function withBacklogOf(
  { top, commonDir, prefix }: Pick<Repository, 'top' | 'commonDir' | 'prefix'>,
  tree: string,
  commit: string,
): Promise<GitResult<string>> {
  const folder = backlogOf(prefix).slice(0, -1);
  const [now, wanted] = await Promise.all([
    run(top, ['rev-parse', '--quiet', '--verify', `${tree}:${folder}`]),
    run(top, ['rev-parse', '--quiet', '--verify', `${commit}:${folder}`]),
  ]);
  if (now.ok === wanted.ok && (!now.ok || !wanted.ok || now.value === wanted.value))
    return ok(tree);
  const index = join(await ownFolder(commonDir), `index.${randomUUID()}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    const read = await run(top, ['read-tree', tree], { env });
    if (!read.ok) return read;
    const remove = ['rm', '--cached', '--quiet', '-r', '--force', '--ignore-unmatch', '--', folder];
    const removed = await run(top, remove, { env });
    if (!removed.ok) return removed;
    if (wanted.ok) {
      const put = await run(top, ['read-tree', `--prefix=${folder}/`, wanted.value], { env });
      if (!put.ok) return put;
    }
    return await run(top, ['write-tree'], { env });
  } finally {
    await removeFile(index);
  }
}
