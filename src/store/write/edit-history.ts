import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Status, TaskId } from '../../core/task.ts';
import { noteActivity } from './activities.ts';
import type { LockContext } from './lock-row.ts';
import { prepared } from './prepared.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { versionsAt } from './row-versions.ts';
import { hasColumns, takesRow } from './table-columns.ts';

/** A change of one field, under Todo2's name for it. */
interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

const CHANGE_COLUMNS = ['task_id', 'field', 'old_value', 'new_value', 'timestamp'];

/**
 * Records a changed field in Todo2's tables of changes and activities, where the store has them in
 * a known form. exarp-go uses neither.
 */
export function noteChange(
  context: LockContext,
  id: TaskId,
  { field, from, to }: FieldChange,
): void {
  const { holder } = context;
  addChange(context, id, { field, from, to });
  noteActivity(context, field === 'status' ? 'status_changed' : 'todo_updated', id, {
    ...{ field, from, to, by: holder },
  });
}

/**
 * Records a status that a lock operation wrote, an equal one too: it counts as a write of ours. The
 * end of a task is recorded with its version and
 * those of other rows, by which `isDoubtful` tells whether it was undone.
 */
export function noteStatus(
  context: Pick<LockContext, 'db' | 'now'>,
  id: TaskId,
  from: string,
  to: Status,
): void {
  addChange(context, id, { field: 'status', from, to });
  if (to !== 'Review' && to !== 'Done') return;
  const { version, rows } = versionsAt(context.db, id);
  addChange(context, id, { field: VERSION, from: rows, to: version });
}

/** Records a field that was written again, since another program had undone it. */
export function noteAgainWritten(
  context: Pick<LockContext, 'db' | 'now'>,
  id: TaskId,
  change: FieldChange,
): void {
  addChange(context, id, change);
}

const VERSION = 'version';

function addChange(
  { db, now }: Pick<LockContext, 'db' | 'now'>,
  id: TaskId,
  { field, from, to }: FieldChange,
): void {
  if (!takesRow(db, 'task_changes', CHANGE_COLUMNS)) return;
  prepared(
    db,
    'INSERT INTO task_changes (task_id, field, old_value, new_value, timestamp) VALUES (?, ?, ?, ?, ?)',
  ).run(id, field, JSON.stringify(from), JSON.stringify(to), formatRfc3339(now));
}

/** Records a created task. */
export function noteCreation(context: LockContext, id: TaskId): void {
  noteActivity(context, 'todo_created', id, { by: context.holder });
}

/** More entries than any program of ours adds within a transaction. */
const DELETION_STEP = 1_000;

/**
 * Records a deletion for other processes of ours, in the same transaction. The history of a task
 * goes with it, and no other table is free of foreign keys, so the counter of entries takes a step
 * that tells the task.
 */
export function noteDeletion({ db, now }: Pick<LockContext, 'db' | 'now'>, id: TaskId): void {
  if (!hasColumns(db, SEQUENCES, ['name', 'seq'])) return;
  // The first entry of all makes the counter.
  addChange({ db, now }, id, { field: 'deleted', from: false, to: true });
  prepared(db, `UPDATE ${SEQUENCES} SET seq = seq + ? WHERE name = 'task_changes'`).run(
    stepOf(id) * DELETION_STEP,
  );
}

/** The counter of the entries of the history; 0 where there is none. */
export function changeCounter(db: DatabaseSync): number {
  if (!hasColumns(db, SEQUENCES, ['name', 'seq'])) return 0;
  const row = prepared(
    db,
    `SELECT CAST(seq AS REAL) AS seq FROM ${SEQUENCES} WHERE name = 'task_changes'`,
  ).get();
  return Number(row?.['seq'] ?? 0);
}

/**
 * Which of the rows that are gone programs of ours have deleted, by two values of that counter:
 * all, one or, where that does not tell, none.
 */
export function deletedBetween(
  from: number,
  to: number,
  gone: readonly string[],
): readonly string[] {
  const steps = Math.floor((to - from) / DELETION_STEP);
  if (steps <= 0) return [];
  const sum = gone.reduce((all, id) => all + stepOf(id), 0);
  return sum === steps ? gone : gone.filter((id) => stepOf(id) === steps);
}

/** From 1 to 65,536, the upper half of FNV-1a. */
function stepOf(id: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(id)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 16) + 1;
}

// SQLite's own table, for tables with AUTOINCREMENT.
const SEQUENCES = 'sqlite_sequence';

const HISTORY = ['id', ...CHANGE_COLUMNS, 'created_at'];

type Rows = ReturnType<StatementSync['all']>;

/** Rows of the history of changes; none where the store has none in a known form. */
export function historyRows(
  db: DatabaseSync,
  [what, where]: readonly [string, string],
  ...values: readonly SQLInputValue[]
): Rows {
  if (!hasColumns(db, 'task_changes', HISTORY)) return [];
  return prepared(db, `SELECT ${what} FROM task_changes WHERE ${where}`).all(...values);
}

/** The newest entry of the history; -1 where the store has none in a known form. */
export function lastChange(db: DatabaseSync): number {
  const [row] = historyRows(db, ['MAX(id) AS last', '1']);
  return row === undefined ? -1 : Number(row['last'] ?? 0);
}

const OF_FIELD = 'task_id = ? AND field = ? AND';
const VALUES = 'CAST(old_value AS TEXT) AS old, CAST(new_value AS TEXT) AS new';

/**
 * The changes of this field after an entry, those to an equal value aside; none where there is no
 * history.
 */
export function changesSince(
  db: DatabaseSync,
  id: TaskId,
  { field }: { readonly field: string },
  entry: number,
): readonly { readonly from: unknown; readonly to: unknown }[] {
  if (entry < 0) return [];
  const where = `${OF_FIELD} id > ? AND old_value IS NOT new_value ORDER BY id`;
  return historyRows(db, [VALUES, where], id, field, entry).map((row) => ({
    from: parsed(row['old'])[0],
    to: parsed(row['new'])[0],
  }));
}

/** How many changes of each task the history has after an entry. */
export function changesByTask(db: DatabaseSync, entry: number): ReadonlyMap<string, number> {
  const what = 'CAST(task_id AS TEXT) AS id, COUNT(*) AS count';
  const later = `id > ? AND field <> '${VERSION}' GROUP BY task_id`;
  const rows = entry < 0 ? [] : historyRows(db, [what, later], entry);
  return new Map(rows.map((row) => [String(row['id']), Number(row['count'])]));
}

/** The values that a field of a task had since a time (unix seconds), by the history. */
export function wereValues(
  db: DatabaseSync,
  id: TaskId,
  field: string,
  since: number,
): readonly unknown[] {
  const where = `${OF_FIELD} CAST(created_at AS REAL) >= ?`;
  return historyRows(db, [VALUES, where], id, field, since).flatMap((row) =>
    [row['old'], row['new']].flatMap(parsed),
  );
}

/** A stored value; none where it is in a form of another program's own. */
export function parsed(text: unknown): readonly unknown[] {
  if (typeof text !== 'string') return [];
  try {
    return [JSON.parse(text) as unknown];
  } catch {
    return [];
  }
}
