import type { Failure } from '../core/failure.ts';
import type { TaskId } from '../core/task.ts';
import type { Repository } from '../git/repository.ts';
import type { AddedWorktree } from '../git/worktrees.ts';

/** Where the work of a run is brought together: its branch, and the worktree of that. */
export interface RunPlace extends Pick<AddedWorktree, 'branch' | 'folder'> {
  readonly repository: Repository;
  /** Where the worktrees of its tasks lie. */
  readonly worktrees: string;
}

export const NO_WORKTREE = 'This task has no worktree any more.';

/** Who works in a worktree, for its record. */
export function ownerOf(runId: string, id?: TaskId): string {
  return id === undefined ? `run ${runId}` : `run ${runId} task ${id}`;
}

/** A failure of Git, in its own words. */
export function plainFailure({ detail }: { readonly detail: string }): Failure {
  return { kind: 'isolation', detail };
}

/** The same where it kept a worktree from being made. */
export function failureOf({ detail }: { readonly detail: string }): Failure {
  return { kind: 'isolation', detail: `The worktree could not be made. ${detail}` };
}
