import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Merged, Resolving } from '../core/run/review.ts';
import type { TaskId } from '../core/task.ts';
import { beginMerge } from '../git/begin-merge.ts';
import { recordOf } from '../git/worktree-records.ts';
import { NO_WORKTREE, ownerOf, plainFailure, type RunPlace } from './run-place.ts';
import { type BringInParts, commitTask, mergeTask } from './task-commits.ts';
import type { VerifiedAttempt } from './verify-merged.ts';
import { verifyRemarks } from './work-end.ts';

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

const NOT_JUDGED = 'The merged state was not judged, so nothing is merged.';

/** Commits what a person has done in the worktree of a task, and merges it into the run. */
export async function mergeResolved(
  parts: BringInParts,
  place: RunPlace,
  attempt: VerifiedAttempt,
  signal: AbortSignal,
): Promise<Result<Merged, Failure>> {
  const { runId, id } = attempt;
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return fail(plainFailure({ detail: NO_WORKTREE }));
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return fail(plainFailure(work.failure));
  if (work.value.kind === 'unfinished') return ok({ kind: 'conflict', files: work.value.files });
  const merged = await mergeTask(parts, place, { attempt, work: work.value.commit, signal });
  if (!merged.ok) return fail(plainFailure(merged.failure));
  const remarks = verifyRemarks(merged.value);
  const { verified } = merged.value;
  const verify = verified === undefined || verified.kind === 'notRun' ? undefined : verified.result;
  switch (merged.value.kind) {
    case 'conflict':
      return ok(merged.value);
    case 'stopped':
      return ok({ kind: 'stopped' });
    case 'broken':
      return verify === undefined
        ? fail(plainFailure({ detail: NOT_JUDGED }))
        : ok({ kind: 'broken', verify, remarks });
    case 'merged':
    case 'nothing':
      return ok({ kind: 'merged', verify, remarks });
  }
}
