import type { Snapshot } from '../../core/snapshot.ts';
import type { TaskId } from '../../core/task.ts';

const known = new WeakMap<Snapshot, ReadonlySet<TaskId>>();

/** Tasks of another project or of none, which exarp-go does not list in this folder. */
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
