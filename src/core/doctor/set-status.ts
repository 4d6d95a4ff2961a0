import type { WritableStatus } from '../edit/change.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Task, TaskId } from '../task.ts';
import type { Changes } from './finding.ts';

/** The changes that move a task to another status. */
export function setStatus(
  { id, rawStatus }: Task,
  to: WritableStatus,
  snapshot: Snapshot,
): Changes {
  // A NULL status cannot be compared with `from`, so it is filled first.
  if (!hasNoStatus(snapshot, id)) return [{ kind: 'setStatus', id, from: rawStatus, to }];
  return [
    { kind: 'fillNull', id, column: 'status' },
    { kind: 'setStatus', id, from: 'Todo', to },
  ];
}

const known = new WeakMap<Snapshot, ReadonlySet<TaskId>>();

/** True where the status of a task is NULL in the store; the task has an empty one. */
export function hasNoStatus(snapshot: Snapshot, id: TaskId): boolean {
  let ids = known.get(snapshot);
  if (ids === undefined) {
    ids = new Set(
      snapshot.notices.flatMap((n) =>
        n.kind === 'nullColumn' && n.column === 'status' ? [n.id] : [],
      ),
    );
    known.set(snapshot, ids);
  }
  return ids.has(id);
}
