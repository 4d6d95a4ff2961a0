import type { Change } from '../../core/edit/change.ts';
import { taskId } from '../../core/task.ts';
import { type EditContext, readEditRow, readPairs } from './edit-row.ts';
import { columnNames } from './table-columns.ts';
import type { WrittenStatus } from './writer-protocol.ts';

/**
 * True where the store is as these changes leave it. They are atomic, so a repeated request tells
 * by this whether the first try was committed.
 */
export function areApplied(context: EditContext, changes: readonly Change[]): boolean {
  return changes.every((change) => isMade(context, change));
}

/** The statuses that these applied changes have written. */
export function writtenBy(
  context: EditContext,
  changes: readonly Change[],
): readonly WrittenStatus[] {
  return changes.flatMap((change) => {
    if (change.kind === 'setStatus') return [{ id: change.id, status: change.to }];
    const isReopened =
      change.kind === 'clearLock' && readEditRow(context, change.id)?.status === 'Todo';
    return isReopened ? [{ id: change.id, status: 'Todo' as const }] : [];
  });
}

function isMade(context: EditContext, change: Change): boolean {
  const { db } = context;
  const row = readEditRow(context, taskId(change.id));
  switch (change.kind) {
    case 'delete':
      return row === undefined;
    case 'create':
    case 'setTitle':
      return row?.title === (change.kind === 'create' ? change.title : change.to);
    case 'setDescription':
      return row?.description === change.to;
    case 'setStatus':
      return row?.status === change.to;
    case 'setPriority':
      return row?.priority === change.to;
    case 'setTags':
      return (
        JSON.stringify(readPairs(db, 'task_tags', change.id)) ===
        JSON.stringify([...new Set(change.to)].sort())
      );
    case 'addDependency':
      return readPairs(db, 'task_dependencies', change.id).includes(change.on);
    case 'removeDependency':
      return !readPairs(db, 'task_dependencies', change.id).includes(change.on);
    case 'setParent':
      return row !== undefined && row.parentId === change.to;
    case 'setProject':
      return row?.projectId === change.to;
    case 'fillNull':
      return (
        columnNames(db, 'tasks').has(change.column) &&
        db
          .prepare(`SELECT 1 FROM tasks WHERE id = ? AND ${change.column} IS NOT NULL`)
          .get(change.id) !== undefined
      );
    case 'clearLock':
      return row?.locks.every((lock) => lock.holder !== change.holder) === true;
    case 'removeOrphan':
      return !readPairs(db, change.table, taskId(change.id)).includes(change.value);
  }
}
