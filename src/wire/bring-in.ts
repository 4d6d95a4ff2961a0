import type { WorkEnd } from '../core/ports.ts';
import type { TaskId } from '../core/task.ts';
import { isMergeOf, mergeUnderWay } from '../git/begin-merge.ts';
import { tipOf } from '../git/branch-home.ts';
import { filesOf } from '../git/diff.ts';
import { mergeTrees } from '../git/merge-trees.ts';
import { backlogOf } from '../git/repository.ts';
import { recordOf, type WorktreeRecord } from '../git/worktree-records.ts';
import type { Noted } from './merge-work.ts';
import { ownerOf, type RunPlace } from './run-place.ts';
import { type BringInParts, commitTask, mergeTask, unmergeTask } from './task-commits.ts';
import type { VerifiedAttempt } from './verify-merged.ts';
import {
  brokenBy,
  halfDone,
  inConflict,
  NOT_ASKED,
  notKept,
  verifyRemarks,
  REMOVED,
  withChanges,
  withRemarks,
} from './work-end.ts';

/**
 * Commits what an attempt left in its worktree, and merges it where the attempt succeeded and that
 * was not done before. `noted` is what is known of it already.
 */
export async function bringIn(
  parts: BringInParts,
  place: RunPlace,
  attempt: VerifiedAttempt,
  end: WorkEnd,
  noted?: Noted,
): Promise<WorkEnd> {
  const { runId, id } = attempt;
  if (end.kind === 'succeeded' && noted?.merged !== undefined) {
    const { record, work } = noted.merged;
    return withChanges(withRemarks(end, noted.remarks), place, record, work);
  }
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return notKept(end, REMOVED);
  if (end.kind === 'conflict')
    return leftInConflict(parts, place, runId, record, { id, end, noted });
  if (MERGED_TOO_EARLY.has(end.kind)) {
    const undone = await unmergeTask(place, runId, id);
    if (!undone.ok) parts.log(`${id}: ${undone.failure.detail}`);
  }
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return notKept(end, work.failure.detail);
  for (const remark of work.value.remarks) parts.log(`${id}: ${remark}`);
  const remarked = withRemarks(end, [...(noted?.remarks ?? []), ...work.value.remarks]);
  if (work.value.kind === 'unfinished') {
    const { repository, branch } = place;
    const merge = { repository, folder: record.folder, other: `refs/heads/${branch}` };
    const why = (await isMergeOf(merge)) ? NOT_ASKED : halfDone(work.value);
    return inConflict(remarked, work.value.files, why);
  }
  const withWork = await withChanges(remarked, place, record, work.value);
  if (withWork.kind !== 'succeeded') return withWork;
  const merged = await mergeTask(parts, place, { attempt, work: work.value.commit });
  if (!merged.ok) return notKept(withWork, merged.failure.detail);
  const { status, evidence } = withWork;
  if (merged.value.kind === 'conflict') return inConflict(withWork, merged.value.files, NOT_ASKED);
  const more = verifyRemarks(merged.value);
  if (merged.value.kind !== 'broken') return withRemarks(withWork, more);
  const { verify, ...broken } = brokenBy(merged.value);
  const told = evidence && { ...evidence, verify };
  return withRemarks({ kind: 'conflict', ...broken, status, evidence: told }, more);
}

/** Ends that may come between the merge of the work and the record of its success. */
const MERGED_TOO_EARLY: ReadonlySet<WorkEnd['kind']> = new Set([
  ...(['unknown', 'lockLost', 'notRecorded', 'stopped'] as const),
]);

/** The end of an attempt whose work its supervisor knows to be in conflict; it stays as it is. */
async function leftInConflict(
  parts: BringInParts,
  place: RunPlace,
  runId: string,
  record: WorktreeRecord,
  {
    id,
    end,
    noted,
  }: {
    readonly id: TaskId;
    readonly end: Extract<WorkEnd, { kind: 'conflict' }>;
    readonly noted: Noted | undefined;
  },
): Promise<WorkEnd> {
  const { repository, branch } = place;
  const underWay = await mergeUnderWay({ repository, folder: record.folder });
  if (!underWay.ok) return notKept(end, underWay.failure.detail);
  // What is half done waits for a person.
  if (underWay.value === undefined) {
    const work = await commitTask(parts, place, record, runId, id);
    if (!work.ok) return notKept(end, work.failure.detail);
  }
  const { top } = repository;
  const [tip, ours] = await Promise.all([tipOf(top, record.branch), tipOf(top, branch)]);
  if (!tip.ok || !ours.ok) return notKept(end, 'Its branch is gone.');
  const tried = await mergeTrees(repository, ours.value, tip.value);
  const found = tried.ok && tried.value.kind === 'conflict' ? tried.value.files : [];
  const files = noted?.files ?? underWay.value ?? found;
  const changes = await filesOf(top, record.base, tip.value, backlogOf(repository.prefix));
  if (!changes.ok) return notKept(end, changes.failure.detail);
  const { evidence } = end;
  const verify = noted?.verify ?? evidence?.verify;
  const told = {
    ...end,
    files,
    reason: noted?.reason,
    evidence: evidence && { ...evidence, verify },
  };
  const withWork = await withChanges(told, place, record, {
    ...changes.value,
    commit: tip.value,
  });
  return withRemarks(withWork, noted?.remarks ?? []);
}
