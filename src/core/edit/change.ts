import { parseStatus, type Priority, type Status, type TaskId } from '../task.ts';

/** The statuses that may be written: the canonical spellings. */
export type WritableStatus = Exclude<Status, 'Unknown'>;

/** The columns that exarp-go reads into types without a null. */
export type NeverNullColumn = 'content' | 'long_description' | 'status' | 'priority' | 'completed';

/**
 * Parts of a task that an update of exarp-go to In Progress has emptied, as they were known before.
 */
export interface LostParts {
  readonly parentId: TaskId | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * One change of a backlog as the user or an agent saw it. `from` is what the store held then, in
 * its own spelling: the change is made only while that still holds, and fails with
 * `changedMeanwhile` otherwise.
 *
 * Several changes are made in one transaction, all or none of them.
 */
export type Change =
  | {
      readonly kind: 'create';
      readonly id: TaskId;
      readonly title: string;
      readonly description: string;
      readonly priority: Exclude<Priority, 'other'>;
      readonly tags: readonly string[];
      readonly dependencies: readonly TaskId[];
      readonly parentId: TaskId | undefined;
    }
  /**
   * Removes the row with its tags, dependencies in both directions and comments. Refused while
   * another holder has the task.
   */
  | { readonly kind: 'delete'; readonly id: TaskId; readonly version: number }
  | { readonly kind: 'setTitle'; readonly id: TaskId; readonly from: string; readonly to: string }
  | {
      readonly kind: 'setDescription';
      readonly id: TaskId;
      readonly from: string;
      readonly to: string;
    }
  /** `from` and `to` as stored. While another holder has the task, only the spelling may change. */
  | {
      readonly kind: 'setStatus';
      readonly id: TaskId;
      readonly from: string;
      readonly to: WritableStatus;
    }
  | {
      readonly kind: 'setPriority';
      readonly id: TaskId;
      readonly from: string;
      readonly to: Exclude<Priority, 'other'>;
    }
  | {
      readonly kind: 'setTags';
      readonly id: TaskId;
      readonly from: readonly string[];
      readonly to: readonly string[];
    }
  /** Refused where it would close a cycle, name itself, or name a missing task. */
  | { readonly kind: 'addDependency'; readonly id: TaskId; readonly on: TaskId }
  /** `on` may be a missing task. */
  | { readonly kind: 'removeDependency'; readonly id: TaskId; readonly on: string }
  | {
      readonly kind: 'setParent';
      readonly id: TaskId;
      readonly from: TaskId | undefined;
      readonly to: TaskId | undefined;
    }
  /**
   * Makes exarp-go list the task: `to` is the project of this root. `from` is undefined where the
   * row has none.
   */
  | {
      readonly kind: 'setProject';
      readonly id: TaskId;
      readonly from: string | undefined;
      readonly to: string;
      /** What the row has lost with its project, and is given back where it has nothing else. */
      readonly lost?: LostParts | undefined;
    }
  /** Writes exarp-go's default where the column is NULL; a column that is not NULL stays. */
  | { readonly kind: 'fillNull'; readonly id: TaskId; readonly column: NeverNullColumn }
  /**
   * Clears the lock of any holder while it is still that lock; `until` in epoch ms. In Progress
   * becomes Todo. Adds a row to `task_activities` where that table exists.
   */
  | {
      readonly kind: 'clearLock';
      readonly id: TaskId;
      readonly holder: string;
      readonly until: number | undefined;
      readonly reason: string;
    }
  /** Removes a row that names a missing task. */
  | {
      readonly kind: 'removeOrphan';
      readonly table: 'task_tags' | 'task_dependencies';
      readonly id: string;
      readonly value: string;
    };

/**
 * False where only the spelling of a status changes, which does not concern the holder of the task.
 */
export function isRealStatusChange({
  from,
  to,
}: Pick<Extract<Change, { kind: 'setStatus' }>, 'from' | 'to'>): boolean {
  return parseStatus(from) !== to;
}

/**
 * Changes of the row that do not concern its holder: they are made while another holder has the
 * task.
 */
export function isAllowedWhileHeld(change: Change): boolean {
  switch (change.kind) {
    case 'setStatus':
      return !isRealStatusChange(change);
    case 'create':
    case 'setProject':
    case 'fillNull':
    case 'clearLock':
    case 'removeOrphan':
      return true;
    case 'delete':
    case 'setTitle':
    case 'setDescription':
    case 'setPriority':
    case 'setTags':
    case 'addDependency':
    case 'removeDependency':
    case 'setParent':
      return false;
  }
}
