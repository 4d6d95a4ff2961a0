import type { Failure } from '../failure.ts';
import type { Result } from '../result.ts';
import type { TaskId } from '../task.ts';
import type { VerifyResult } from './evidence.ts';
import type { RunState } from './run-events.ts';

/** How accepted work gets into the branch of the user. */
export type AcceptWay = 'merge' | 'fastForward' | 'squash';

/** Every way, the default first. */
export const ACCEPT_WAYS: readonly [AcceptWay, ...AcceptWay[]] = ['merge', 'fastForward', 'squash'];

/** A file that work changed; paths are relative to the repository, with `/`. */
export interface ReviewedFile {
  readonly path: string;
  /** Where a renamed file was. */
  readonly from: string | undefined;
  readonly kind: 'added' | 'deleted' | 'modified' | 'renamed';
  readonly added: number;
  readonly removed: number;
}

/** A part of the work of a run: that on a task, or what came in with a wave, by its index. */
export type WorkPart = TaskId | { readonly wave: number };

/** What a task, a wave, or a run as a whole, changed between two commits. */
export interface Review {
  /** The top of the repository, absolute. */
  readonly top: string;
  readonly base: string;
  readonly commit: string;
  readonly branch: string;
  readonly files: readonly ReviewedFile[];
  /**
   * Whose work comes with `commit` and is not in the target branch yet: of a task also that of those
   * it was built on, of a wave also that of the waves before it.
   */
  readonly tasks: readonly TaskId[];
}

/** What an accept did; `inTheWay` and the rest of them did nothing. */
export type AcceptOutcome =
  | { readonly kind: 'accepted'; readonly commit: string; readonly before: string }
  /** The branch has it already. */
  | { readonly kind: 'nothing' }
  /** It has commits of its own, so it cannot be fast-forwarded. */
  | { readonly kind: 'diverged' }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  | { readonly kind: 'inTheWay'; readonly reason: string; readonly files: readonly string[] };

/** What the undo of an accept did; `movedOn`: something came after it. */
export type UndoOutcome =
  | { readonly kind: 'undone' }
  | { readonly kind: 'movedOn' }
  | Extract<AcceptOutcome, { readonly kind: 'inTheWay' }>;

/** A worktree in which a merge waits for a person; `files` are those in conflict. */
export interface Resolving {
  readonly folder: string;
  readonly files: readonly string[];
}

/**
 * What came of merging the work of a task into its run once more. `verify`: how the command that
 * verifies it judged the merged state, `remarks`: what else is to be known of that, without full
 * stops. `broken`: it did not pass, so nothing is merged; nor is it where it was `stopped`.
 */
export type Merged =
  | {
      readonly kind: 'merged';
      readonly verify: VerifyResult | undefined;
      readonly remarks: readonly string[];
    }
  | {
      readonly kind: 'broken';
      readonly verify: VerifyResult;
      readonly remarks: readonly string[];
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/** Where discarded work is kept. */
export interface DiscardedWork {
  readonly ref: string;
  /** Why its worktree is still there, a plain sentence; undefined where it was removed. */
  readonly stays: string | undefined;
}

/** A worktree of ours, and why it is still there. */
export interface KeptWorktree {
  readonly branch: string;
  readonly folder: string;
  /** In bytes, and when something in it changed last (epoch ms, 0 where the folder is gone). */
  readonly size: number;
  readonly changedAt: number;
  /** Undefined: it can be removed, nothing is lost. Else a plain sentence. */
  readonly why: string | undefined;
}

/** A branch of the user with what was accepted into it, for an undo. */
export interface AcceptedWork {
  readonly target: string;
  readonly before: string;
  readonly commit: string;
}

/**
 * The work of isolated runs, for a person who decides about it. `part` undefined means all that a
 * run has merged. Fails with `isolation`.
 */
export interface Reviews {
  changes(run: RunState, part?: WorkPart): Promise<Result<Review, Failure>>;
  /** A file as a commit has it; undefined where it has none, or one that is too large for text. */
  textAt(commit: string, path: string): Promise<string | undefined>;
  /** Begins a merge of what the run has into the worktree of a task, for a person to conclude. */
  resolve(run: RunState, id: TaskId): Promise<Result<Resolving, Failure>>;
  /**
   * Commits what is in the worktree of a task, and merges it into the run, verified as any merge.
   * Aborting gives it up, unless it is merged by then.
   */
  mergeAgain(run: RunState, id: TaskId, signal: AbortSignal): Promise<Result<Merged, Failure>>;
  /** Brings it into the branch that the run was started for. */
  accept(
    run: RunState,
    part: WorkPart | undefined,
    way: AcceptWay,
  ): Promise<Result<AcceptOutcome, Failure>>;
  undo(run: RunState, work: AcceptedWork): Promise<Result<UndoOutcome, Failure>>;
  /** The tasks of the run whose work is in its target branch. */
  acceptedOf(run: RunState): Promise<Result<readonly TaskId[], Failure>>;
  /**
   * Whether the same agent can go on with its work on a task. Fails where its run is at work, where
   * the work was accepted or discarded, and where it goes on already.
   */
  mayGoOn(run: RunState, id: TaskId): Promise<Result<undefined, Failure>>;
  /** Keeps the work under a ref of ours, and removes worktree and branch where nothing is lost. */
  discard(run: RunState, id: TaskId): Promise<Result<DiscardedWork, Failure>>;
  /** Those of the repository. */
  worktrees(): Promise<Result<readonly KeptWorktree[], Failure>>;
  /** Removes one that nothing keeps; answers why it stays, or undefined. */
  remove(branch: string): Promise<Result<string | undefined, Failure>>;
}
