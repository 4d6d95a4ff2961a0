import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Failure } from '../../core/failure.ts';
import { taskId, type Lock, type TaskId } from '../../core/task.ts';
import { clearAgentLock, readAgentLocks } from './agent-locks.ts';
import { NotWritten } from './connection.ts';
import { changeOne, readLockRow, seconds, type LockContext } from './lock-row.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { columnNames, hasColumns } from './table-columns.ts';

/** The context of an edit: the holder, the project and the machine. */
export interface EditContext extends LockContext {
  /** The project name that exarp-go derives from this root. */
  readonly project: string;
  readonly host: string;
}

const TEXTS = [
  'name',
  'content',
  'long_description',
  'status',
  'priority',
  'completed_at',
  'parent_id',
  'project_id',
];
const LOCKS = ['assignee', 'assigned_at', 'lock_until'];

/** A stored row. NULL, and a column that an older schema lacks, is an empty text. */
export interface EditRow {
  readonly id: TaskId;
  /** As shown: the `name` where the row has no title. */
  readonly title: string;
  readonly name: string;
  readonly description: string;
  readonly status: string;
  readonly priority: string;
  readonly completedAt: string;
  readonly parentId: TaskId | undefined;
  readonly projectId: string | undefined;
  /** 0 where the row has no valid number. */
  readonly version: number;
  readonly ours: boolean;
  readonly locks: readonly Lock[];
}

/** Reads a row under the write lock; undefined where it does not exist. */
export function readEditRow({ db, holder }: EditContext, id: TaskId): EditRow | undefined {
  const columns = columnNames(db, 'tasks');
  const texts = TEXTS.map((name) =>
    columns.has(name) ? `CAST(${name} AS TEXT) AS ${name}` : `NULL AS ${name}`,
  );
  const version = columns.has('version') ? 'CAST(version AS REAL)' : '0';
  const row = db
    .prepare(`SELECT ${texts.join(', ')}, ${version} AS version FROM tasks WHERE id = ?`)
    .get(id);
  if (row === undefined) return undefined;
  const text = (name: string): string => (row[name] as string | null) ?? '';
  const number = row['version'];
  const locks = LOCKS.every((name) => columns.has(name))
    ? (readLockRow({ db }, id)?.locks ?? [])
    : readAgentLocks(db, id);
  return {
    id,
    title: text('content') || text('name'),
    name: text('name'),
    description: text('long_description'),
    status: text('status'),
    priority: text('priority'),
    completedAt: text('completed_at'),
    parentId: text('parent_id') === '' ? undefined : taskId(text('parent_id')),
    projectId: text('project_id') === '' ? undefined : text('project_id'),
    version: typeof number === 'number' && Number.isSafeInteger(number) ? number : 0,
    ours: locks.some((lock) => lock.holder === holder),
    locks,
  };
}

/**
 * Writes these columns of one row and its change stamps. Stamps and `optional` columns that the
 * table lacks are left out; another missing column fails the edit.
 */
export function writeColumns(
  { db, now }: EditContext,
  id: TaskId,
  values: Readonly<Record<string, SQLInputValue>>,
  optional: readonly string[] = [],
): void {
  const columns = columnNames(db, 'tasks');
  const lacking = Object.keys(values).find(
    (name) => !columns.has(name) && !optional.includes(name),
  );
  if (lacking !== undefined) throw new NotWritten(lacksColumn('tasks', lacking));
  const all = { ...values, last_modified: formatRfc3339(now), updated_at: seconds(now) };
  const sets = Object.entries(all).filter(([name]) => columns.has(name));
  const assignments = [
    ...sets.map(([name]) => `${name} = :${name}`),
    ...(columns.has('version') ? ['version = COALESCE(version, 0) + 1'] : []),
  ];
  if (assignments.length === 0) return;
  changeOne(db, `UPDATE tasks SET ${assignments.join(', ')} WHERE id = :id`, {
    ...Object.fromEntries(sets),
    id,
  });
}

/** Releases our lock on a task in both tables. */
export function dropOurLock({ db, holder }: EditContext, id: TaskId): void {
  if (hasColumns(db, 'tasks', LOCKS)) {
    db.prepare(
      'UPDATE tasks SET assignee = NULL, assigned_at = NULL, lock_until = NULL WHERE id = ? AND assignee = ?',
    ).run(id, holder);
  }
  clearAgentLock(db, id, holder);
}

/**
 * The distinct values of a task in a table of pairs, in code point order; none where the table does
 * not exist.
 */
export function readPairs(db: DatabaseSync, table: PairTable, id: TaskId): readonly string[] {
  const column = PAIR_COLUMNS[table];
  if (!isPairTable(db, table)) return [];
  const rows = db
    .prepare(`SELECT CAST(${column} AS TEXT) AS value FROM ${table} WHERE task_id = ?`)
    .all(id);
  return [...new Set(rows.map((row) => (row['value'] as string | null) ?? ''))]
    .filter((value) => value !== '')
    .sort();
}

/** Replaces the values of a task in a table of pairs; rows that stay are not touched. */
export function writePairs(
  db: DatabaseSync,
  table: PairTable,
  id: TaskId,
  values: readonly string[],
): void {
  if (!isPairTable(db, table)) {
    if (values.length === 0) return;
    throw new NotWritten(lacksColumn(table, PAIR_COLUMNS[table]));
  }
  const column = PAIR_COLUMNS[table];
  const before = readPairs(db, table, id);
  const remove = db.prepare(`DELETE FROM ${table} WHERE task_id = ? AND ${column} = ?`);
  const insert = db.prepare(`INSERT INTO ${table} (task_id, ${column}) VALUES (?, ?)`);
  for (const value of before) if (!values.includes(value)) remove.run(id, value);
  for (const value of new Set(values))
    if (value !== '' && !before.includes(value)) insert.run(id, value);
}

export type PairTable = 'task_tags' | 'task_dependencies';

const PAIR_COLUMNS = { task_tags: 'tag', task_dependencies: 'depends_on_id' } as const;

function isPairTable(db: DatabaseSync, table: PairTable): boolean {
  return hasColumns(db, table, ['task_id', PAIR_COLUMNS[table]]);
}

export function exists(db: DatabaseSync, id: string): boolean {
  return db.prepare('SELECT 1 FROM tasks WHERE id = ?').get(id) !== undefined;
}

/** The failure for a task that differs from what was shown. */
export function changedMeanwhile({ id, status }: EditRow): Failure {
  return { kind: 'changedMeanwhile', id, rawStatus: status };
}

function lacksColumn(table: string, column: string): string {
  return `the table "${table}" has no ${column}: an older exarp-go made it`;
}
