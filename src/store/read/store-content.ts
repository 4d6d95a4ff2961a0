import type { UnreadableCause } from '../../core/failure.ts';
import type { Notice } from '../../core/snapshot.ts';
import type { Task } from '../../core/task.ts';
import type { TaskLinks } from '../../core/waves/task-links.ts';

/** What a store holds. */
export interface StoreContent {
  /** Each id once, in the order of the store. */
  readonly tasks: readonly Task[];
  readonly notices: readonly Notice[];
  /** Whom the tasks name, where that was looked up; the same object as before where it is the same. */
  readonly links?: TaskLinks | undefined;
  /** When leases that stand beside each other may come to mean something else; epoch ms, not there for never. */
  readonly holdsUntil?: number | undefined;
}

/** Why the content of a file cannot be had. */
export interface ContentFault {
  readonly cause: UnreadableCause;
  readonly detail: string;
}
