import { ok } from '../core/result.ts';
import { messageOf } from '../core/text.ts';
import { tipOf } from './branch-home.ts';
import { gitFailure, run, type GitResult } from './git-failure.ts';
import { keepWork, nameOf } from './kept-commits.ts';
import { REFS } from './names.ts';
import { withRepositoryLock } from './repository-lock.ts';
import type { Repository } from './repository.ts';
import { readRecords, type WorktreeRecord, writeRecord } from './worktree-records.ts';

export interface AdoptWorktree {
  readonly repository: Pick<Repository, 'top' | 'commonDir'>;
  readonly owner: string;
  /** Who may have worked in it before, the latest first; nobody works in it now. */
  readonly from: readonly string[];
  /** The branch that work is accepted into, if there is one. */
  readonly target: string | undefined;
}

/**
 * Gives an owner that has no worktree yet the one that the latest of the earlier owners has left,
 * as it is; nothing where that work was accepted or discarded. Its commits are kept by a ref, and
 * it is one write of one record, so a crash leaves the worktree with the one or the other.
 */
export function adoptWorktree(request: AdoptWorktree): Promise<GitResult<undefined>> {
  const { repository, owner, from, target } = request;
  const { commonDir } = repository;
  return withRepositoryLock(commonDir, async () => {
    try {
      const records = await readRecords(commonDir);
      const of = (name: string): WorktreeRecord | undefined =>
        records.find((record) => record.owner === name);
      const left = of(owner) === undefined ? from.map(of).find(Boolean) : undefined;
      if (left === undefined) return ok(undefined);
      const settled = await isSettled(repository, left, target);
      if (!settled.ok) return settled;
      if (settled.value) return ok(undefined);
      const kept = await keepEarlier(repository, left);
      if (kept.ok) await writeRecord(commonDir, { ...left, owner });
      return kept;
    } catch (error) {
      return gitFailure('file', messageOf(error));
    }
  });
}

/** Keeps the commits of earlier work: who goes on with it could reset its branch. */
async function keepEarlier(
  { top }: AdoptWorktree['repository'],
  { branch, base }: WorktreeRecord,
): Promise<GitResult<undefined>> {
  const tip = await tipOf(top, branch);
  if (!tip.ok || tip.value === base) return ok(undefined);
  const kept = await keepWork(
    top,
    branch,
    tip.value,
    `Work of ${branch} before it was gone on with`,
  );
  return kept.ok ? ok(undefined) : kept;
}

/** True for work that was accepted or discarded; also where its branch is gone. */
export async function isSettled(
  { top }: Pick<Repository, 'top'>,
  { branch, base }: Pick<WorktreeRecord, 'branch' | 'base'>,
  target: string | undefined,
): Promise<GitResult<boolean>> {
  const tip = await tipOf(top, branch);
  if (!tip.ok) return ok(true);
  // Without a commit of its own, every branch has all of it.
  if (tip.value === base) return ok(false);
  const discarded = `${REFS}discarded/${nameOf(branch)}`;
  const refs = [
    ...(target === undefined ? [] : [`refs/heads/${target}`]),
    ...[`${REFS}accepted/`, discarded, `${discarded}-*`],
  ];
  const args = ['for-each-ref', '--count=1', '--format=%(refname)', '--contains', tip.value];
  const found = await run(top, [...args, ...refs]);
  return found.ok ? ok(found.value !== '') : found;
}
