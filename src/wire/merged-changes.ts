import type { Failure } from '../core/failure.ts';
import { ok, type Result } from '../core/result.ts';
import type { TaskChanges } from '../core/run/isolation.ts';
import type { TaskId } from '../core/task.ts';
import { tipOf } from '../git/branch-home.ts';
import { filesOf } from '../git/diff.ts';
import { run as runGit } from '../git/git-failure.ts';
import { backlogOf, type Repository } from '../git/repository.ts';
import { recordOf } from '../git/worktree-records.ts';
import { failed, mergesOf } from './reviewed-work.ts';
import { NO_WORKTREE, ownerOf } from './run-place.ts';

/**
 * What a task itself changed, once a person has resolved its conflict and it is merged: what of the
 * run came into its branch for that is none of its work.
 */
export async function mergedChanges(
  { top, commonDir, prefix }: Repository,
  runId: string,
  id: TaskId,
): Promise<Result<TaskChanges, Failure>> {
  const record = await recordOf(commonDir, ownerOf(runId, id));
  const place = await recordOf(commonDir, ownerOf(runId));
  if (record === undefined || place === undefined) return failed({ detail: NO_WORKTREE });
  const { branch } = record;
  const tip = await tipOf(top, branch);
  if (!tip.ok) return failed(tip.failure);
  const merges = await mergesOf(top, place.branch, record.base);
  if (!merges.ok) return merges;
  const before = merges.value.find(({ work }) => work === tip.value)?.before ?? record.base;
  const base = await runGit(top, ['merge-base', before, tip.value]);
  if (!base.ok) return failed(base.failure);
  const found = await filesOf(top, base.value, tip.value, backlogOf(prefix));
  if (!found.ok) return failed(found.failure);
  const { files, added, removed } = found.value;
  const counts = { files: files.length, added, removed };
  return ok({ branch, base: base.value, commit: tip.value, ...counts });
}
