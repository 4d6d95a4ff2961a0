import type { WorkEnd } from '../core/ports.ts';
import type { VerifyResult } from '../core/run/evidence.ts';
import { NOT_MERGED, type TaskChanges } from '../core/run/isolation.ts';
import { oneLine } from '../core/text.ts';
import { tipOf } from '../git/branch-home.ts';
import type { CommittedWork, UnfinishedWork } from '../git/commit-work.ts';
import { filesOf } from '../git/diff.ts';
import { run } from '../git/git-failure.ts';
import { backlogOf } from '../git/repository.ts';
import type { RunPlace } from './run-place.ts';
import type { MergedTask } from './task-commits.ts';

export const REMOVED = 'Its worktree was removed meanwhile.';

/** The end of an attempt with what its work changed, where its end has evidence. */
export async function withChanges(
  end: WorkEnd,
  place: RunPlace,
  { branch, base }: Pick<TaskChanges, 'branch' | 'base'>,
  { commit, ...work }: Pick<CommittedWork, 'commit' | 'files' | 'added' | 'removed'>,
): Promise<WorkEnd> {
  if (!hasEvidence(end) || end.evidence === undefined) return end;
  const { top, prefix } = place.repository;
  // Where the work of others was merged into it, that is none of its changes.
  const own = await ownBase(top, place.branch, commit);
  const isOwn = own === undefined || own === base;
  const since = isOwn ? undefined : await filesOf(top, own, commit, backlogOf(prefix));
  const known = since?.ok === true ? since.value : work;
  const { files, added, removed } = known;
  const from = since?.ok === true && own !== undefined ? own : base;
  const changes: TaskChanges = { branch, base: from, commit, files: files.length, added, removed };
  return { ...end, evidence: { ...end.evidence, changes } };
}

/**
 * The latest state of a run that the work on a task is built on; undefined where that cannot be
 * told.
 */
async function ownBase(top: string, branch: string, work: string): Promise<string | undefined> {
  const args = [
    'rev-list',
    '--first-parent',
    '--parents',
    `refs/heads/${branch}`,
    `^${work}`,
    '--',
  ];
  const since = await run(top, args);
  if (!since.ok) return undefined;
  const oldest = since.value.split('\n').at(-1) ?? '';
  if (oldest !== '') return oldest.split(' ')[1];
  // All that the run has is in the work.
  const tip = await tipOf(top, branch);
  return tip.ok && tip.value !== work ? tip.value : undefined;
}

/** As a remark. */
export function halfDone({ operation }: UnfinishedWork): string {
  return `It left a ${operation} half done in its worktree`;
}

/** A success that left something half done, or in conflict, is none; `why` as a remark. */
export function inConflict(end: WorkEnd, files: readonly string[], why: string): WorkEnd {
  if (end.kind !== 'succeeded') return end;
  const { status, evidence } = end;
  return { ...{ kind: 'conflict', files, status }, evidence: withRemark(evidence, why) };
}

/** As a remark. */
export function unmergedRemark(detail: string): string {
  return `${NOT_MERGED}${oneLine(detail)}`;
}

/** Of a conflict that waits for a person. */
export const WHAT_TO_DO = 'Choose Resolve Conflict… on its row';

/** As a remark: no window was there in time. */
export const NOT_ASKED = unmergedRemark(
  `its agent was not asked to resolve the conflict. ${WHAT_TO_DO}`,
);

/** The work still lies in its worktree; it was not merged, and that must be seen. */
export function notKept(end: WorkEnd, detail: string): WorkEnd {
  if (end.kind !== 'succeeded' && end.kind !== 'conflict') return end;
  const { status, evidence } = end;
  return {
    ...{ kind: 'conflict', files: [], status },
    evidence: withRemark(evidence, unmergedRemark(detail)),
  };
}

/** More are in the log alone. */
const MOST_REMARKS = 10;

type Ended = Extract<WorkEnd, { kind: 'succeeded' | 'conflict' | 'failed' }>;

/** A merge that did not pass, as the end of its task tells it. */
export function brokenBy({ verified }: MergedTask): {
  readonly files: readonly [];
  readonly reason: string;
  readonly verify: VerifyResult | undefined;
} {
  const verify = verified?.kind === 'broken' ? verified.result : undefined;
  const name = oneLine(verify?.command ?? 'what verifies it');
  return { files: [], reason: `its work breaks ${name} once merged with earlier work`, verify };
}

/** As remarks: why what was merged was not verified, and what the command did beside that. */
export function verifyRemarks(merged: MergedTask): readonly string[] {
  const { verified } = merged;
  const notRun = verified?.kind === 'notRun';
  return [
    ...(notRun ? [`What was merged is not verified: ${verified.why}`] : []),
    ...('changed' in merged ? [merged.changed] : []),
  ];
}

function hasEvidence(end: WorkEnd): end is Ended {
  return end.kind === 'succeeded' || end.kind === 'conflict' || end.kind === 'failed';
}

/** The end of an attempt with what else the user should know. */
export function withRemarks(end: WorkEnd, all: readonly string[]): WorkEnd {
  if (!hasEvidence(end) || end.evidence === undefined) return end;
  const remarks = [...(end.evidence.remarks ?? []), ...all.slice(0, MOST_REMARKS)];
  return remarks.length === 0 ? end : { ...end, evidence: { ...end.evidence, remarks } };
}

function withRemark(evidence: Ended['evidence'], remark: string): Ended['evidence'] {
  return evidence && { ...evidence, remarks: [...(evidence.remarks ?? []), remark] };
}
