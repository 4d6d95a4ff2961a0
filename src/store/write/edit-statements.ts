// Changes of a backlog in SQL. All run inside one transaction that has the write lock, so a row
// stays as read until it is written; a failure rolls back everything.
import { type Change, isAllowedWhileHeld, isRealStatusChange } from '../../core/edit/change.ts';
import { wouldCycle } from '../../core/edit/cycle.ts';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { type TaskId, parseStatus, taskId } from '../../core/task.ts';
import { clearAgentLock } from './agent-locks.ts';
import { noteChange, noteCreation, noteDeletion } from './edit-history.ts';
import {
  changedMeanwhile,
  dropOurLock,
  type EditContext,
  type EditRow,
  exists,
  readEditRow,
  readPairs,
  writeColumns,
  writePairs,
} from './edit-row.ts';
import { insertTask } from './insert-task.ts';
import { clearLock } from './lock-audit.ts';
import { lockInTheWay } from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { columnNames } from './table-columns.ts';
import type { WrittenStatus } from './writer-protocol.ts';

type Of<Kind extends Change['kind']> = Extract<Change, { kind: Kind }>;
/** Undefined where the change is made. */
type Refusal = Failure | undefined;

/**
 * Applies the changes in order; fails with the first that cannot be made, and the caller rolls
 * back.
 */
export function applyChanges(
  context: EditContext,
  changes: readonly Change[],
): Result<{ readonly statuses: readonly WrittenStatus[] }, Failure> {
  const statuses: WrittenStatus[] = [];
  for (const change of changes) {
    const refusal = applyChange(context, change, statuses);
    if (refusal !== undefined) return fail(refusal);
  }
  return ok({ statuses });
}

function applyChange(context: EditContext, change: Change, statuses: WrittenStatus[]): Refusal {
  context.touch?.(taskId(change.id), change.kind === 'delete' ? 'deletion' : undefined);
  if (change.kind === 'create') return create(context, change);
  if (change.kind === 'removeOrphan') return removeOrphan(context, change);
  const row = readEditRow(context, change.id);
  if (row === undefined) return { kind: 'noSuchTask', id: change.id };
  if (change.kind === 'clearLock') {
    const cleared = clearLock(context, change);
    if (cleared.ok && cleared.value.changed)
      statuses.push({ id: change.id, status: cleared.value.status });
    return cleared.ok ? undefined : cleared.failure;
  }
  const held = isAllowedWhileHeld(change) ? undefined : lockInTheWay(row, context, change.id);
  const takesAway = change.kind === 'delete' || change.kind === 'setStatus';
  // An assignment without an end blocks only changes that would take the task from its holder.
  if (held !== undefined && (held.kind !== 'unleased' || takesAway)) return held;
  switch (change.kind) {
    case 'delete':
      return remove(context, row, change);
    case 'setTitle':
      return setText(context, row, change, 'content', row.title);
    case 'setDescription':
      return setText(context, row, change, 'long_description', row.description);
    case 'setPriority':
      return setText(context, row, change, 'priority', row.priority);
    case 'setStatus':
      statuses.push({ id: row.id, status: change.to });
      return setStatus(context, row, change);
    case 'setTags':
      return setTags(context, row, change);
    case 'addDependency':
      return addDependency(context, row, change);
    case 'removeDependency':
      return removeDependency(context, row.id, change.on);
    case 'setParent':
      return setParent(context, row, change);
    case 'setProject':
      return (
        setText(context, row, change, 'project_id', row.projectId) ??
        restoreLost(context, row, change)
      );
    case 'fillNull':
      return fillNull(context, row, change);
  }
}

function create(context: EditContext, change: Of<'create'>): Refusal {
  const { id, dependencies, parentId } = change;
  const taken = readEditRow(context, id);
  if (taken !== undefined) return changedMeanwhile(taken);
  insertTask(context, { ...change, status: 'Todo' });
  // After the insert, since existing rows may already depend on its id.
  for (const on of [...dependencies, ...(parentId === undefined ? [] : [parentId])]) {
    const refusal = cannotWait(context, id, on);
    if (refusal !== undefined) return refusal;
  }
  writePairs(context.db, 'task_dependencies', id, dependencies);
  noteCreation(context, id);
  return undefined;
}

/**
 * The rows that belong to a task, by table and the column that names it; missing tables are
 * skipped.
 */
const HANGS_ON: readonly (readonly [table: string, column: string])[] = [
  ['task_dependencies', 'task_id'],
  ['task_dependencies', 'depends_on_id'],
  ...[
    'task_tags',
    'task_comments',
    'task_changes',
    'task_activities',
    'file_task_tags',
    'task_tag_suggestions',
  ].map((table) => [table, 'task_id'] as const),
];

function remove(context: EditContext, row: EditRow, change: Of<'delete'>): Refusal {
  if (row.version !== change.version) return changedMeanwhile(row);
  for (const { holder } of row.locks) clearAgentLock(context.db, row.id, holder);
  removeRow(context, row.id);
  return undefined;
}

/** Deletes a task and what hangs on it. */
export function removeRow({ db, now }: Pick<EditContext, 'db' | 'now'>, id: TaskId): void {
  noteDeletion({ db, now }, id);
  // Not by foreign keys, which a store made by hand may lack.
  for (const [table, column] of HANGS_ON) {
    if (columnNames(db, table).has(column))
      db.prepare(`DELETE FROM ${table} WHERE ${column} = ?`).run(id);
  }
  db.prepare('DELETE FROM tasks WHERE id = ?').run(id);
}

function setText(
  context: EditContext,
  row: EditRow,
  { from, to }: { readonly from: string | undefined; readonly to: string },
  column: 'content' | 'long_description' | 'priority' | 'project_id',
  stored: string | undefined,
): Refusal {
  if (stored !== from) return changedMeanwhile(row);
  writeColumns(context, row.id, { [column]: to });
  noteChange(context, row.id, { field: column, from: from ?? null, to });
  return undefined;
}

function setStatus(context: EditContext, row: EditRow, change: Of<'setStatus'>): Refusal {
  const { from, to } = change;
  if (row.status !== from) return changedMeanwhile(row);
  const isDone = to === 'Done';
  const completedAt = isDone ? row.completedAt || formatRfc3339(context.now) : '';
  // exarp-go requires `completed` and `completed_at` to be not NULL, and `completed_at` empty where
  // the task is not done.
  const values = { status: to, completed: isDone ? 1 : 0, completed_at: completedAt };
  writeColumns(context, row.id, values, ['completed', 'completed_at']);
  // A status change by the user ends our work on the task.
  if (row.ours && isRealStatusChange(change) && to !== 'In Progress') dropOurLock(context, row.id);
  noteChange(context, row.id, { field: 'status', from, to });
  return undefined;
}

function setTags(context: EditContext, row: EditRow, { from, to }: Of<'setTags'>): Refusal {
  const stored = readPairs(context.db, 'task_tags', row.id);
  if (
    JSON.stringify(stored) !== JSON.stringify([...new Set(from)].filter((tag) => tag !== '').sort())
  ) {
    return changedMeanwhile(row);
  }
  writePairs(context.db, 'task_tags', row.id, to);
  writeColumns(context, row.id, {});
  noteChange(context, row.id, { field: 'tags', from: stored, to });
  return undefined;
}

function addDependency(
  context: EditContext,
  { id }: EditRow,
  { on }: Of<'addDependency'>,
): Refusal {
  const before = readPairs(context.db, 'task_dependencies', id);
  if (before.includes(on)) return undefined;
  const refusal = cannotWait(context, id, on);
  if (refusal !== undefined) return refusal;
  writeDependencies(context, id, before, [...before, on].sort());
  return undefined;
}

function removeDependency(context: EditContext, id: TaskId, on: string): Refusal {
  const before = readPairs(context.db, 'task_dependencies', id);
  if (before.includes(on)) {
    const after = before.filter((each) => each !== on);
    writeDependencies(context, id, before, after);
  }
  return undefined;
}

function writeDependencies(
  context: EditContext,
  id: TaskId,
  from: readonly string[],
  to: readonly string[],
): void {
  writePairs(context.db, 'task_dependencies', id, to);
  writeColumns(context, id, {});
  noteChange(context, id, { field: 'dependencies', from, to });
}

function setParent(context: EditContext, row: EditRow, { from, to }: Of<'setParent'>): Refusal {
  if (row.parentId !== from) return changedMeanwhile(row);
  const refusal = to === undefined ? undefined : cannotWait(context, row.id, to);
  if (refusal !== undefined) return refusal;
  writeColumns(context, row.id, { parent_id: to ?? null });
  noteChange(context, row.id, { field: 'parent_id', from: from ?? null, to: to ?? null });
  return undefined;
}

/** Gives a row back what it has lost with its project; what it has by now stays. */
function restoreLost(context: EditContext, row: EditRow, { lost }: Of<'setProject'>): Refusal {
  if (lost === undefined) return undefined;
  const { db } = context;
  const { parentId, metadata } = lost;
  const mayHave = (parent: TaskId): boolean => cannotWait(context, row.id, parent) === undefined;
  if (parentId !== undefined && row.parentId === undefined && mayHave(parentId)) {
    writeColumns(context, row.id, { parent_id: parentId });
    noteChange(context, row.id, { field: 'parent_id', from: null, to: parentId });
  }
  const columns = columnNames(db, 'tasks');
  const stored = columns.has('metadata')
    ? db.prepare('SELECT CAST(metadata AS TEXT) AS text FROM tasks WHERE id = ?').get(row.id)
    : undefined;
  const isEmpty =
    stored !== undefined && /^(?:\{\s*\}|null)?$/.test(String(stored['text'] ?? '').trim());
  if (!isEmpty || Object.keys(metadata).length === 0) return undefined;
  const values = {
    metadata: JSON.stringify(metadata),
    metadata_format: 'json',
    metadata_protobuf: null,
  };
  writeColumns(context, row.id, values, ['metadata_format', 'metadata_protobuf']);
  return undefined;
}

function fillNull(context: EditContext, row: EditRow, { column }: Of<'fillNull'>): Refusal {
  const isNull = context.db
    .prepare(`SELECT ${column} IS NULL AS empty FROM tasks WHERE id = ?`)
    .get(row.id);
  if (isNull?.['empty'] !== 1) return undefined;
  const values = {
    // A row without a title is shown by its name.
    content: row.name,
    long_description: '',
    status: 'Todo',
    priority: 'medium',
    completed: parseStatus(row.status) === 'Done' ? 1 : 0,
  };
  writeColumns(context, row.id, { [column]: values[column] });
  noteChange(context, row.id, { field: column, from: null, to: values[column] });
  return undefined;
}

function removeOrphan(context: EditContext, { table, id, value }: Of<'removeOrphan'>): Refusal {
  const { db } = context;
  const owner = readEditRow(context, taskId(id));
  const isOrphan = owner === undefined || (table === 'task_dependencies' && !exists(db, value));
  if (!isOrphan) return changedMeanwhile(owner);
  if (owner !== undefined) return removeDependency(context, owner.id, value);
  const column = table === 'task_tags' ? 'tag' : 'depends_on_id';
  if (columnNames(db, table).has(column)) {
    db.prepare(`DELETE FROM ${table} WHERE task_id = ? AND ${column} = ?`).run(id, value);
  }
  return undefined;
}

/** Why one task cannot depend on another, by the current rows. */
function cannotWait({ db }: EditContext, id: TaskId, on: TaskId): Refusal {
  if (on !== id && !exists(db, on)) return { kind: 'noSuchTask', id: on };
  const hasParents = columnNames(db, 'tasks').has('parent_id');
  const hasDependencies = columnNames(db, 'task_dependencies').has('depends_on_id');
  const named = [
    ...(hasDependencies
      ? ['SELECT depends_on_id AS named FROM task_dependencies WHERE task_id = :id']
      : []),
    ...(hasParents ? [`SELECT parent_id AS named FROM tasks WHERE id = :id`] : []),
  ];
  const statement = db.prepare(
    `SELECT tasks.id FROM (${named.length === 0 ? 'SELECT NULL AS named WHERE :id' : named.join(' UNION ')}) JOIN tasks ON tasks.id = named`,
  );
  const path = wouldCycle(
    (each) => statement.all({ id: each }).map((row) => row['id'] as TaskId),
    id,
    on,
  );
  return path === undefined ? undefined : { kind: 'wouldCycle', id, on, path };
}
