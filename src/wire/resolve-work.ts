import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Merged, Resolving } from '../core/run/review.ts';
import type { TaskId } from '../core/task.ts';
import { beginMerge } from '../git/begin-merge.ts';
import { recordOf } from '../git/worktree-records.ts';
import { NO_WORKTREE, ownerOf, plainFailure, type RunPlace } from './run-place.ts';
import { type BringInParts, commitTask, mergeTask } from './task-commits.ts';

/** Merges what the run has into the worktree of a task, for a person to resolve the conflicts. */
export async function beginResolving(
  parts: BringInParts,
  place: RunPlace,
  runId: string,
  id: TaskId,
): Promise<Result<Resolving, Failure>> {
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
  const { repository, branch } = place;
  const { folder } = record;
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return fail(plainFailure(work.failure));
  const message = `Merge ${branch}`;
  const files = await beginMerge({ repository, folder, other: `refs/heads/${branch}`, message });
  return files.ok ? ok({ folder, files: files.value }) : fail(plainFailure(files.failure));
}

/** Commits what a person has done in the worktree of a task, and merges it into the run. */
export async function mergeResolved(
  parts: BringInParts,
  place: RunPlace,
  runId: string,
  id: TaskId,
): Promise<Result<Merged, Failure>> {
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return fail(plainFailure(work.failure));
  if (work.value.kind === 'unfinished') return ok({ kind: 'conflict', files: work.value.files });
  const merged = await mergeTask(parts, place, {
    ...{ attempt: { runId, id }, work: work.value.commit, isByHand: true },
  });
  if (!merged.ok) return fail(plainFailure(merged.failure));
  return ok(merged.value.kind === 'conflict' ? merged.value : { kind: 'merged' });
}
