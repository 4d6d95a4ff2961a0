import type { Failure } from '../core/failure.ts';
import type { WorkEnd } from '../core/ports.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { NOT_MERGED, type TaskChanges } from '../core/run/isolation.ts';
import type { Merged, Resolving } from '../core/run/review.ts';
import type { TaskId } from '../core/task.ts';
import { cut, oneLine } from '../core/text.ts';
import { beginMerge } from '../git/begin-merge.ts';
import { commitWork, type CommittedWork, type UnfinishedWork } from '../git/commit-work.ts';
import { integrate } from '../git/integration.ts';
import { recordOf, type WorktreeRecord } from '../git/worktree-records.ts';
import { NO_WORKTREE, ownerOf, plainFailure, type RunPlace } from './run-place.ts';

export interface BringInParts {
  readonly titleOf: (id: TaskId) => string;
  readonly log: (line: string) => void;
}

/** Commits what an attempt left in its worktree, and merges it where the attempt succeeded. */
export async function bringIn(
  parts: BringInParts,
  place: RunPlace,
  runId: string,
  id: TaskId,
  end: WorkEnd,
): Promise<WorkEnd> {
  const record = await recordOf(place.repository.commonDir, ownerOf(runId, id));
  if (record === undefined) return notKept(end, 'Its worktree was removed meanwhile.');
  const work = await commitTask(parts, place, record, runId, id);
  if (!work.ok) return notKept(end, work.failure.detail);
  for (const remark of work.value.remarks) parts.log(`${id}: ${remark}`);
  const remarked = withRemarks(end, work.value.remarks);
  if (work.value.kind === 'unfinished') return unfinished(remarked, work.value);
  const withWork = withChanges(remarked, record, work.value);
  if (withWork.kind !== 'succeeded') return withWork;
  const merged = await mergeTask(parts, place, work.value.commit, runId, id);
  if (!merged.ok) return notKept(withWork, merged.failure.detail);
  if (merged.value.kind !== 'conflict') return withWork;
  const { status, evidence } = withWork;
  return { kind: 'conflict', files: merged.value.files, status, evidence };
}

function messageFor({ titleOf }: BringInParts, id: TaskId): string {
  const title = cut(oneLine(titleOf(id)), 100);
  return title === '' || title === id ? id : `${title} (${id})`;
}

function trailersFor(runId: string, id: TaskId): Readonly<Record<string, string>> {
  return { 'Todo2-Task': id, 'Todo2-Run': runId };
}

function commitTask(
  parts: BringInParts,
  { repository }: RunPlace,
  { folder, branch, base }: WorktreeRecord,
  runId: string,
  id: TaskId,
): ReturnType<typeof commitWork> {
  const message = messageFor(parts, id);
  const trailers = trailersFor(runId, id);
  return commitWork({ repository, folder, branch, base, message, trailers });
}

function mergeTask(
  parts: BringInParts,
  { repository, branch, folder }: RunPlace,
  work: string,
  runId: string,
  id: TaskId,
): ReturnType<typeof integrate> {
  const message = `Merge ${messageFor(parts, id)}`;
  const trailers = trailersFor(runId, id);
  return integrate({ repository, branch, folder, work, message, trailers });
}

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
  const merged = await mergeTask(parts, place, work.value.commit, runId, id);
  if (!merged.ok) return fail(plainFailure(merged.failure));
  return ok(merged.value.kind === 'conflict' ? merged.value : { kind: 'merged' });
}

function withChanges(
  end: WorkEnd,
  { branch, base }: Pick<TaskChanges, 'branch' | 'base'>,
  { commit, files, added, removed }: CommittedWork,
): WorkEnd {
  if ((end.kind !== 'succeeded' && end.kind !== 'failed') || end.evidence === undefined) return end;
  const changes: TaskChanges = { branch, base, commit, files: files.length, added, removed };
  return { ...end, evidence: { ...end.evidence, changes } };
}

function unfinished(end: WorkEnd, { operation, files }: UnfinishedWork): WorkEnd {
  if (end.kind !== 'succeeded') return end;
  const { status, evidence } = end;
  const remark = `It left a ${operation} half done in its worktree`;
  return { kind: 'conflict', files, status, evidence: withRemark(evidence, remark) };
}

/** The work still lies in its worktree; it was not merged, and that must be seen. */
export function notKept(end: WorkEnd, detail: string): WorkEnd {
  if (end.kind !== 'succeeded') return end;
  const { status, evidence } = end;
  const remark = `${NOT_MERGED}${oneLine(detail)}`;
  return { kind: 'conflict', files: [], status, evidence: withRemark(evidence, remark) };
}

/** More are in the log alone. */
const MOST_REMARKS = 10;

function withRemarks(end: WorkEnd, all: readonly string[]): WorkEnd {
  if ((end.kind !== 'succeeded' && end.kind !== 'failed') || end.evidence === undefined) return end;
  const remarks = [...(end.evidence.remarks ?? []), ...all.slice(0, MOST_REMARKS)];
  return remarks.length === 0 ? end : { ...end, evidence: { ...end.evidence, remarks } };
}

type Evidence = Extract<WorkEnd, { kind: 'succeeded' }>['evidence'];

function withRemark(evidence: Evidence, remark: string): Evidence {
  return evidence && { ...evidence, remarks: [...(evidence.remarks ?? []), remark] };
}
