import type { Unreadable } from './failure.ts';
import type { Task, TaskId } from './task.ts';
import type { TaskLinks } from './waves/task-links.ts';

/**
 * Something in the store that is not as it should be, and that the rest does not suffer from.
 * Positions count from 1.
 */
export type Notice =
  | { readonly kind: 'unknownStatus'; readonly id: TaskId; readonly text: string }
  | { readonly kind: 'oddSpelling'; readonly id: TaskId; readonly text: string }
  /** `title` and `position` are those of the entry that is not shown. */
  | {
      readonly kind: 'duplicateId';
      readonly id: TaskId;
      readonly title: string;
      readonly position: number;
    }
  | { readonly kind: 'missingId'; readonly position: number }
  | { readonly kind: 'badEntry'; readonly position: number; readonly detail: string }
  | { readonly kind: 'foreignProject'; readonly id: TaskId; readonly project: string | undefined }
  | { readonly kind: 'nullColumn'; readonly id: TaskId; readonly column: string }
  | { readonly kind: 'badMetadata'; readonly id: TaskId; readonly detail: string }
  /**
   * Lock columns and the table of agent locks name different holders whose leases both run; the
   * columns count.
   */
  | {
      readonly kind: 'twoHolders';
      readonly id: TaskId;
      readonly holder: string;
      readonly other: string;
    }
  /** A tag or a dependency of a task that is not there. */
  | {
      readonly kind: 'orphanRow';
      readonly table: 'task_tags' | 'task_dependencies';
      readonly owner: string;
      readonly value: string;
    }
  /** Of the whole file, or of the value that is named. */
  | {
      readonly kind: 'badConfig';
      readonly file: string;
      readonly name?: string;
      readonly detail: string;
    }
  /** Two files say different things of these values; the first counts. */
  | {
      readonly kind: 'configsDiffer';
      readonly used: string;
      readonly passedOver: string;
      readonly names: readonly string[];
    };

/** Every task of one store at one committed moment. */
export interface Snapshot {
  /** The folder that holds `.todo2`, absolute. */
  readonly root: string;
  /** The file the tasks were read from, absolute. */
  readonly file: string;
  readonly source: 'sqlite' | 'json';
  /** The project that exarp-go would show for this root: the last part of its path. */
  readonly project: string;
  /** Each id once, in the order of the store. */
  readonly tasks: readonly Task[];
  readonly byId: ReadonlyMap<TaskId, Task>;
  /**
   * Whom these tasks name; the same object as before where that is the same. Not there where the
   * store has not looked it up.
   */
  readonly links?: TaskLinks | undefined;
  readonly notices: readonly Notice[];
  readonly readAt: number;
}

/** A task of a store, as far as its tasks are known. */
export function taskIn(state: StoreState, id: TaskId): Task | undefined {
  return state.kind === 'ready' ? state.snapshot.byId.get(id) : undefined;
}

/** What is known about a store: nothing yet, nothing there, its tasks, or why it cannot be read. */
export type StoreState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ready'; readonly snapshot: Snapshot }
  /**
   * `last` is what was read before the trouble began, so that a view can go on showing it as old.
   */
  | {
      readonly kind: 'unreadable';
      readonly failure: Unreadable;
      readonly last: Snapshot | undefined;
    };
