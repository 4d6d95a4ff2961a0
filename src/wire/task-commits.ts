import type { TaskId } from '../core/task.ts';
import { cut, oneLine } from '../core/text.ts';
import { commitWork } from '../git/commit-work.ts';
import { integrate } from '../git/integration.ts';
import type { WorktreeRecord } from '../git/worktree-records.ts';
import type { RunPlace } from './run-place.ts';

/** What commits of ours need of a window. */
export interface BringInParts {
  readonly titleOf: (id: TaskId) => string;
  readonly log: (line: string) => void;
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

/** Merges the work of a task into the branch of its run; see `integrate`. */
export function mergeTask(
  parts: BringInParts,
  { repository, branch, folder }: RunPlace,
  work: string,
  runId: string,
  id: TaskId,
  signal?: AbortSignal,
): ReturnType<typeof integrate> {
  const message = `Merge ${messageFor(parts, id)}`;
  const trailers = trailersFor(runId, id);
  return integrate({ repository, branch, folder, work, message, trailers, signal });
}
