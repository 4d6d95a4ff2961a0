import type { UnreadableCause } from '../../core/failure.ts';
import type { Notice } from '../../core/snapshot.ts';
import type { Task } from '../../core/task.ts';
import type { TaskLinks } from '../../core/waves/task-links.ts';

/** The content of a store. */
export interface StoreContent {
  /** Each id once, in the order of the store. */
  readonly tasks: readonly Task[];
  readonly notices: readonly Notice[];
  /**
   * The references between tasks, where they were resolved; the same object while they are
   * unchanged.
   */
  readonly links?: TaskLinks | undefined;
  /** When competing leases may change their meaning, epoch ms; undefined for never. */
  readonly holdsUntil?: number | undefined;
}

/** Why the content of a file cannot be read. */
export interface ContentFault {
  readonly cause: UnreadableCause;
  readonly detail: string;
}
