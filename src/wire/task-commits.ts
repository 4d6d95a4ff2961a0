import { ok } from '../core/result.ts';
import type { TaskId } from '../core/task.ts';
import { cut, oneLine } from '../core/text.ts';
import { commitWork } from '../git/commit-work.ts';
import type { GitResult } from '../git/git-failure.ts';
import { integrate, type Integration, undoIntegration } from '../git/integration.ts';
import { markedFiles } from '../git/unresolved.ts';
import type { WorktreeRecord } from '../git/worktree-records.ts';
import type { RunPlace } from './run-place.ts';
import type { Verified, VerifiedAttempt, VerifyMerged } from './verify-merged.ts';

/** What commits of ours need of a window. */
export interface BringInParts {
  readonly titleOf: (id: TaskId) => string;
  readonly log: (line: string) => void;
  /** Judges what is merged; without it nothing does. */
  readonly verifyMerged?: VerifyMerged;
}

function messageFor({ titleOf }: BringInParts, id: TaskId): string {
  const title = cut(oneLine(titleOf(id)), 100);
  return title === '' || title === id ? id : `${title} (${id})`;
}

function trailersFor(runId: string, id: TaskId): Readonly<Record<string, string>> {
  return { 'Todo2-Task': id, 'Todo2-Run': runId };
}

/** Commits what lies in the worktree of a task; see `commitWork`. */
export function commitTask(
  parts: BringInParts,
  { repository }: RunPlace,
  { folder, branch, base }: WorktreeRecord,
  runId: string,
  id: TaskId,
  isResolving = false,
): ReturnType<typeof commitWork> {
  const message = messageFor(parts, id);
  const trailers = trailersFor(runId, id);
  return commitWork({ repository, folder, branch, base, message, trailers, isResolving });
}

/** Takes the merge of a task back, as far as it is the last one; see `undoIntegration`. */
export function unmergeTask(
  { repository, branch, folder }: RunPlace,
  runId: string,
  id: TaskId,
): ReturnType<typeof undoIntegration> {
  return undoIntegration({ repository, branch, folder, trailers: trailersFor(runId, id) });
}

/** What else is to be known of a merge. */
interface MergeRequest {
  readonly attempt: VerifiedAttempt;
  readonly work: string;
  /** See `Integrate`. */
  readonly isVerified?: boolean;
  readonly signal?: AbortSignal;
}

/** A merge, and how its state was judged; undefined where nothing did. */
export type MergedTask = Integration & { readonly verified?: Verified | undefined };

/**
 * Merges the work of a task into the branch of its run; see `integrate`. Work with marks of a
 * conflict with that branch in it is still in conflict.
 */
export async function mergeTask(
  parts: BringInParts,
  place: RunPlace,
  { attempt, work, isVerified, signal = NEVER }: MergeRequest,
): Promise<GitResult<MergedTask>> {
  const { repository, branch, folder } = place;
  const { runId, id } = attempt;
  const marked = await markedFiles(repository.top, branch, work);
  if (!marked.ok) return marked;
  if (marked.value.length > 0) return ok({ kind: 'conflict', files: marked.value });
  const message = `Merge ${messageFor(parts, id)}`;
  const trailers = trailersFor(runId, id);
  const judge = parts.verifyMerged?.(place, attempt, signal);
  let verified: Verified | undefined;
  const verify =
    judge &&
    (async (at: string) => (verified = await judge(at)).kind !== 'broken' && !signal.aborted);
  const merged = await integrate({
    ...{ repository, branch, folder, work, message, trailers },
    ...{ signal, verify, isVerified },
  });
  return merged.ok ? ok({ ...merged.value, verified }) : merged;
}

const NEVER = new AbortController().signal;
