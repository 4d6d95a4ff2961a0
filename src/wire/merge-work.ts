import type { VerifyResult } from '../core/run/evidence.ts';
import type { MergingAttempt } from '../core/run/isolation-port.ts';
import type { MergeOutcome } from '../core/run/isolation.ts';
import { beginMerge, isMergeOf } from '../git/begin-merge.ts';
import type { CommittedWork } from '../git/commit-work.ts';
import { keepWork, keptRef } from '../git/kept-commits.ts';
import { recordOf, type WorktreeRecord } from '../git/worktree-records.ts';
import { mergesOf } from './reviewed-work.ts';
import { ownerOf, type RunPlace } from './run-place.ts';
import { type BringInParts, commitTask, mergeTask } from './task-commits.ts';
import {
  brokenBy,
  halfDone,
  REMOVED,
  unmergedRemark,
  verifyRemarks,
  WHAT_TO_DO,
} from './work-end.ts';

const ASKED = 'Its agent was asked to resolve the conflict';
const INTERACTIVE = unmergedRemark(
  `agents in terminals are not asked to resolve a conflict. ${WHAT_TO_DO}`,
);
const RESOLVED = 'It did not fit to earlier work, and its agent resolved the conflict';

/** What is known of the merge of an attempt before it is over. */
export interface Noted {
  /** For the user, a plain sentence each. */
  readonly remarks: readonly string[];
  /** In conflict; undefined where it is merged, or was given up. */
  readonly files?: readonly string[];
  /** See `TaskOutcome`. */
  readonly reason?: string | undefined;
  /** What it did not pass once merged. */
  readonly verify?: VerifyResult | undefined;
  /** The work, once it is merged. */
  readonly merged?: { readonly record: WorktreeRecord; readonly work: CommittedWork };
}

/** What came of a merge, and what is to be known of it once the attempt is over. */
interface Merging {
  readonly outcome: MergeOutcome;
  readonly noted: Noted;
}

/** Commits the work of an attempt that is well, and merges it into the branch of its run. */
export async function mergeWork(
  parts: BringInParts,
  place: RunPlace,
  attempt: MergingAttempt,
  again: boolean,
  signal: AbortSignal,
): Promise<Merging> {
  const { runId, id, agent, options } = attempt;
  const asked = again ? [ASKED] : [];
  const conflict = (files: readonly string[], ...remarks: readonly string[]): Merging => ({
    outcome: { kind: 'conflict' },
    noted: { remarks: [...asked, ...remarks], files },
  });
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return conflict([], unmergedRemark(REMOVED));
  const work = await commitTask(parts, place, record, runId, id, again);
  if (!work.ok) return conflict([], unmergedRemark(work.failure.detail));
  const { remarks } = work.value;
  for (const remark of remarks) parts.log(`${id}: ${remark}`);
  const isAsked = options.resolveConflicts === true && agent.agentMode === 'unattended';
  const { repository, branch } = place;
  const other = `refs/heads/${branch}`;
  // Where its agent ends badly, this is all.
  const asking = (files: readonly string[]): Merging => ({
    outcome: { kind: 'resolve', files },
    noted: { remarks: [...remarks, ASKED], files },
  });
  if (work.value.kind === 'unfinished') {
    const { files } = work.value;
    if (again) return conflict(files, ...remarks);
    // A window that was killed has begun it, and asked nobody.
    if (isAsked && (await isMergeOf({ repository, folder: record.folder, other })))
      return asking(files);
    return conflict(files, ...remarks, halfDone(work.value));
  }
  const request = { attempt, work: work.value.commit, isVerified: !again, signal };
  const merged = await mergeTask(parts, place, request);
  if (!merged.ok) return conflict([], ...remarks, unmergedRemark(merged.failure.detail));
  const hasNothing = again && merged.value.kind === 'nothing';
  if (hasNothing && !(await isMergedBy(place, record, work.value.commit)))
    return conflict([], ...remarks, dropped(record.branch));
  switch (merged.value.kind) {
    case 'merged':
    case 'nothing':
      return {
        outcome: { kind: 'merged' },
        noted: {
          remarks: [...(again ? [RESOLVED] : []), ...remarks, ...verifyRemarks(merged.value)],
          merged: { record, work: work.value },
        },
      };
    case 'stopped':
      return { outcome: { kind: 'stopped' }, noted: { remarks } };
    case 'broken':
      return {
        outcome: { kind: 'conflict' },
        noted: {
          remarks: [...remarks, ...verifyRemarks(merged.value)],
          ...brokenBy(merged.value),
        },
      };
    case 'conflict':
  }
  const { files } = merged.value;
  if (!again && options.resolveConflicts === true && agent.agentMode === 'interactive')
    return conflict(files, ...remarks, INTERACTIVE);
  if (again || !isAsked) return conflict(files, ...remarks);
  // Its agent could reset its branch.
  const before = `Work of ${record.branch} before its agent was asked to resolve a conflict`;
  const kept = await keepWork(repository.top, record.branch, work.value.commit, before);
  if (!kept.ok) return conflict(files, ...remarks, unmergedRemark(kept.failure.detail));
  const begun = await beginMerge({
    ...{ repository, folder: record.folder },
    ...{ other, message: `Merge ${branch}` },
  });
  if (!begun.ok) return conflict(files, ...remarks, unmergedRemark(begun.failure.detail));
  return begun.value.length === 0
    ? mergeWork(parts, place, attempt, true, signal)
    : asking(begun.value);
}

/** True where a merge into the run brought this work in. */
async function isMergedBy(
  { repository, branch }: RunPlace,
  { base }: WorktreeRecord,
  commit: string,
): Promise<boolean> {
  const merges = await mergesOf(repository.top, branch, base);
  return merges.ok && merges.value.some(({ work }) => work === commit);
}

/** As a remark. */
function dropped(branch: string): string {
  return `Its agent dropped its own work, which is kept under ${keptRef(branch)}`;
}
