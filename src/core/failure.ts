import type { Status, TaskId } from './task.ts';

/** What is wrong with a file of the store, as far as its bytes tell. */
export type UnreadableCause = (typeof UNREADABLE_CAUSES)[number];

export const UNREADABLE_CAUSES = [
  'notADatabase',
  'empty',
  'truncated',
  'encrypted',
  'lfsPointer',
  'permission',
  'malformed',
  'noTasksTable',
  'busy',
  'io',
] as const;

/**
 * A store that could not be read: the file, what is wrong with it, and the reader's own words for a
 * log.
 */
export interface Unreadable {
  readonly kind: 'unreadable';
  readonly file: string;
  readonly cause: UnreadableCause;
  readonly detail: string;
}

/**
 * Why nothing can be written: no Node with SQLite, a store that is only JSON, or a workspace that
 * is not trusted.
 */
export type ReadOnlyCause =
  | { readonly kind: 'noSqlite'; readonly tried: readonly string[] }
  | { readonly kind: 'jsonOnly' }
  | { readonly kind: 'untrusted' };

/**
 * Everything that a user or the world can make fail, as data; `failureText` alone puts it into
 * words.
 */
export type Failure =
  | { readonly kind: 'held'; readonly id: TaskId; readonly holder: string; readonly until: number }
  | { readonly kind: 'unleased'; readonly id: TaskId; readonly holder: string }
  | {
      readonly kind: 'notClaimable';
      readonly id: TaskId;
      readonly status: Status;
      readonly rawStatus: string;
    }
  | { readonly kind: 'noSuchTask'; readonly id: TaskId }
  /** Not ours any more: `holder` is who has it now, undefined where it has no lock. */
  | { readonly kind: 'lockLost'; readonly id: TaskId; readonly holder: string | undefined }
  /** An agent of this window works on it and has to be stopped first. */
  | { readonly kind: 'agentAtWork'; readonly id: TaskId }
  | { readonly kind: 'changedMeanwhile'; readonly id: TaskId; readonly rawStatus: string }
  /**
   * A dependency that would make tasks wait for each other in a circle: `path` leads from `on` to
   * `id`.
   */
  | {
      readonly kind: 'wouldCycle';
      readonly id: TaskId;
      readonly on: TaskId;
      readonly path: readonly TaskId[];
    }
  /** A handoff that is gone, or is not what it was when it was shown. */
  | { readonly kind: 'handoffChanged'; readonly id: string }
  | { readonly kind: 'readOnly'; readonly cause: ReadOnlyCause }
  | { readonly kind: 'busy'; readonly file: string; readonly waitedMs: number }
  | { readonly kind: 'writerDied'; readonly detail: string }
  | { readonly kind: 'writeFailed'; readonly file: string; readonly detail: string }
  /** A file that stands where a plan would be written, and is none. */
  | {
      readonly kind: 'notAPlan';
      readonly file: string;
      /** The name of a file that the plan can be written to. */
      readonly instead?: string | undefined;
    }
  | { readonly kind: 'noAgent'; readonly tried: readonly string[] }
  | { readonly kind: 'agentNotStarted'; readonly command: string; readonly detail: string }
  /** No chat request is open that subagents could be started from. */
  | { readonly kind: 'noSubagents' }
  | { readonly kind: 'alreadyRunning' }
  | { readonly kind: 'nothingToRun' }
  /** No task is ready and free. */
  | { readonly kind: 'nothingReady' }
  /** Worktrees were to be used, and cannot be; `detail` is a plain sentence. */
  | { readonly kind: 'isolation'; readonly detail: string }
  /** Worktrees would begin without what is not committed, or with it: whoever starts it chooses. */
  | { readonly kind: 'uncommitted' }
  /**
   * A bug of ours that was caught for one task, so that the others continue; `detail` is for a log
   * and a report.
   */
  | { readonly kind: 'internal'; readonly detail: string }
  | Unreadable;
