import { parseStatus, type Priority, type Status, type TaskId } from '../task.ts';

/** The statuses that may be written: the canonical spellings. */
export type WritableStatus = Exclude<Status, 'Unknown'>;

/** The columns that exarp-go reads into types without a null. */
export type NeverNullColumn = 'content' | 'long_description' | 'status' | 'priority' | 'completed';

/**
 * One change of a backlog as somebody was shown it. `from` is what the store held then, in its own spelling: a change is
 * made only while that is still so, and fails with `changedMeanwhile` else.
 *
 * Several are made together in one transaction, all or none of them.
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
  /** Removes the row and all that hangs on it: tags, dependencies in both directions, comments. Refused while somebody else holds it. */
  | { readonly kind: 'delete'; readonly id: TaskId; readonly version: number }
  | { readonly kind: 'setTitle'; readonly id: TaskId; readonly from: string; readonly to: string }
  | { readonly kind: 'setDescription'; readonly id: TaskId; readonly from: string; readonly to: string }
  /** `from` and `to` as stored. Changing only the spelling is allowed while somebody else holds the task, changing more is not. */
  | { readonly kind: 'setStatus'; readonly id: TaskId; readonly from: string; readonly to: WritableStatus }
  | {
      readonly kind: 'setPriority';
      readonly id: TaskId;
      readonly from: string;
      readonly to: Exclude<Priority, 'other'>;
    }
  | { readonly kind: 'setTags'; readonly id: TaskId; readonly from: readonly string[]; readonly to: readonly string[] }
  /** Refused where it would close a cycle, name itself, or name a task that is not there. */
  | { readonly kind: 'addDependency'; readonly id: TaskId; readonly on: TaskId }
  /** `on` may be a task that is not there. */
  | { readonly kind: 'removeDependency'; readonly id: TaskId; readonly on: string }
  | {
      readonly kind: 'setParent';
      readonly id: TaskId;
      readonly from: TaskId | undefined;
      readonly to: TaskId | undefined;
    }
  /** Makes exarp-go list the task: `to` is the project of this root. `from` is undefined where the row has none. */
  | { readonly kind: 'setProject'; readonly id: TaskId; readonly from: string | undefined; readonly to: string }
  /** Puts what exarp-go would write where the column is NULL; a column that is not NULL stays. */
  | { readonly kind: 'fillNull'; readonly id: TaskId; readonly column: NeverNullColumn }
  /**
   * Takes a lock off a task whoever holds it, while it is still that lock; `until` in epoch ms. In Progress becomes Todo.
   * Leaves a line in `task_activities` where that table exists.
   */
  | {
      readonly kind: 'clearLock';
      readonly id: TaskId;
      readonly holder: string;
      readonly until: number | undefined;
      readonly reason: string;
    }
  /** Removes a row that names a task which is not there. */
  | {
      readonly kind: 'removeOrphan';
      readonly table: 'task_tags' | 'task_dependencies';
      readonly id: string;
      readonly value: string;
    };

/** False where only the spelling of a status changes: that is no news for whoever works on the task. */
export function isRealStatusChange({ from, to }: Pick<Extract<Change, { kind: 'setStatus' }>, 'from' | 'to'>): boolean {
  return parseStatus(from) !== to;
}

/** Changes of the row alone that whoever works on a task need not know of: they are made while somebody else holds it. */
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
