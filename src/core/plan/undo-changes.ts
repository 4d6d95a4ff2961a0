import type { Change } from '../edit/change.ts';
import { parseStatus, type Task, type TaskId } from '../task.ts';

/**
 * The changes that undo these; undefined where one of the tasks has changed since, so that no later
 * change is lost. Only for changes of a status and added dependencies.
 */
export function undoChanges(
  changes: readonly Change[],
  byId: ReadonlyMap<TaskId, Task>,
): readonly Change[] | undefined {
  const back: Change[] = [];
  for (const change of [...changes].reverse()) {
    if (change.kind === 'addDependency') {
      const { id, on } = change;
      if (byId.get(id)?.dependencies.includes(on) !== true) return undefined;
      back.push({ kind: 'removeDependency', id, on });
    } else if (change.kind === 'setStatus') {
      const { id, from, to } = change;
      const status = parseStatus(from);
      if (byId.get(id)?.rawStatus !== to || status === 'Unknown') return undefined;
      back.push({ kind: 'setStatus', id, from: to, to: status });
    } else throw new Error(`Internal error: ${change.kind} cannot be taken back`);
  }
  return back;
}
