import type { Snapshot } from '../../core/snapshot.ts';
import type { TaskId } from '../../core/task.ts';

const known = new WeakMap<Snapshot, ReadonlySet<TaskId>>();

/**
 * The tasks that exarp-go does not list in this folder, as they belong to another project or to
 * none.
 */
export function foreignTasks(snapshot: Snapshot): ReadonlySet<TaskId> {
  const found = known.get(snapshot);
  if (found !== undefined) return found;
  const isDatabase = snapshot.source === 'sqlite';
  const foreign = new Set(
    snapshot.notices.flatMap((notice) =>
      isDatabase && notice.kind === 'foreignProject' ? [notice.id] : [],
    ),
  );
  known.set(snapshot, foreign);
  return foreign;
}
