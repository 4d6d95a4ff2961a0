import type { Database, SqlJsStatic, SqlValue } from 'sql.js';
import type { UnreadableCause } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Notice } from '../core/snapshot.ts';
import { taskId, type Task } from '../core/task.ts';
import { readMetadataBlob, readMetadataText, type Metadata } from './metadata.ts';
import { readDate, readSeconds } from './read-date.ts';
import { TaskList, hoursOf } from './task-list.ts';

export interface StoreContent {
  /** Each id once, in the order of the store. */
  readonly tasks: readonly Task[];
  readonly notices: readonly Notice[];
}

export interface DatabaseFault {
  readonly cause: UnreadableCause;
  readonly detail: string;
}

/** Everything of a task that is in its row. Which of these a store has depends on how old it is; only `id` must be there. */
const COLUMNS = [
  ...['id', 'name', 'content', 'long_description', 'status', 'priority', 'completed', 'created', 'last_modified'],
  ...['completed_at', 'created_at', 'updated_at', 'project_id', 'metadata', 'version'],
  ...['assignee', 'assigned_at', 'lock_until', 'parent_id', 'estimated_hours'],
] as const;

/** exarp-go reads these into types without a null: one of them in one row, and it lists no task at all. */
const NEVER_NULL = ['content', 'long_description', 'status', 'priority', 'completed'] as const;

type Cell = string | number | null | undefined;
type Row = readonly Cell[];

/**
 * The tasks in the image of a database, whatever migration of exarp-go made it. The image must have no log of its own.
 * `project` is what exarp-go takes the root for; rows of another are kept, with a notice.
 */
export function readTasks(SQL: SqlJsStatic, image: Uint8Array, project: string): Result<StoreContent, DatabaseFault> {
  let db: Database | undefined;
  try {
    db = new SQL.Database(image);
    // The schema is somebody else's: it may not call functions that reach out of the database.
    db.run('PRAGMA trusted_schema = OFF');
    return readFrom(db, project);
  } catch (error) {
    return fail(faultOf(error));
  } finally {
    close(db);
  }
}

function readFrom(db: Database, project: string): Result<StoreContent, DatabaseFault> {
  const columns = columnsOf(db, 'tasks');
  if (columns === undefined) return fail({ cause: 'noTasksTable', detail: `tables: ${tablesOf(db) || 'none'}` });
  if (!columns.has('id')) return fail({ cause: 'malformed', detail: 'the table tasks has no column id' });
  const present = COLUMNS.filter((column) => columns.has(column));
  const tags = readLists(db, 'task_tags', 'tag');
  const dependencies = readLists(db, 'task_dependencies', 'depends_on_id');
  const blobs = readBlobs(db, columns);
  // Of a table without the column exarp-go shows no row at all, and a notice for each would say nothing.
  const list = new TaskList((id) => columns.has('project_id') && id !== project);
  const at = Object.fromEntries(COLUMNS.map((column) => [column, present.indexOf(column)])) as Positions;
  const nullable = NEVER_NULL.filter((column) => at[column] >= 0);

  for (const [index, row] of readRows(db, 'tasks', present).entries()) {
    const id = textOf(row[at.id]);
    const added = list.add(
      {
        id,
        title: textOf(row[at.content]) || textOf(row[at.name]),
        description: textOf(row[at.long_description]),
        status: isNothing(row[at.status]) ? undefined : textOf(row[at.status]),
        priority: textOf(row[at.priority]),
        tags: tags.get(id) ?? [],
        dependencies: dependencies.get(id) ?? [],
        parentId: textOf(row[at.parent_id]),
        projectId: textOf(row[at.project_id]),
        lock: lockOf(row, at),
        metadata: metadataOf(row, at, blobs.get(id)),
        estimatedHours: hoursOf(row[at.estimated_hours]),
        createdAt: readDate(row[at.created]) ?? readDate(row[at.created_at]),
        modifiedAt: readDate(row[at.last_modified]) ?? readDate(row[at.updated_at]),
        completedAt: readDate(row[at.completed_at]),
        version: versionOf(row[at.version]),
      },
      index + 1,
    );
    if (!added) continue;
    for (const column of nullable) {
      if (row[at[column]] === null) list.notices.push({ kind: 'nullColumn', id: taskId(id), column });
    }
  }
  return ok({ tasks: list.tasks, notices: list.notices });
}

/** Where in a row each column is; -1 where the store has none. */
type Positions = Readonly<Record<(typeof COLUMNS)[number], number>>;

function lockOf(row: Row, at: Positions): Task['lock'] {
  const holder = textOf(row[at.assignee]);
  if (holder === '') return undefined;
  return { holder, since: readSeconds(row[at.assigned_at]), until: readSeconds(row[at.lock_until]) };
}

/** As exarp-go reads it: the blob comes before the text where the row says so. */
function metadataOf(row: Row, at: Positions, blob: Uint8Array | undefined): Metadata {
  const fromBlob = blob && readMetadataBlob(blob);
  if (fromBlob === undefined) return readMetadataText(textOf(row[at.metadata]));
  if (fromBlob.fault === undefined) return fromBlob;
  return { ...readMetadataText(textOf(row[at.metadata])), fault: fromBlob.fault };
}

function versionOf(cell: Cell): number {
  return typeof cell === 'number' && Number.isSafeInteger(cell) ? cell : 0;
}

/** What a table of pairs says of each task, in code point order; a table that is not there says nothing. */
function readLists(db: Database, table: string, column: string): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  const columns = columnsOf(db, table);
  if (columns?.has('task_id') !== true || !columns.has(column)) return lists;
  for (const row of readRows(db, table, ['task_id', column])) {
    const [id, value] = [textOf(row[0]), textOf(row[1])];
    const list = lists.get(id);
    if (list === undefined) lists.set(id, [value]);
    else list.push(value);
  }
  for (const list of lists.values()) if (list.length > 1) list.sort();
  return lists;
}

function readBlobs(db: Database, columns: ReadonlySet<string>): Map<string, Uint8Array> {
  const blobs = new Map<string, Uint8Array>();
  if (!columns.has('metadata_protobuf') || !columns.has('metadata_format')) return blobs;
  const statement = db.prepare(
    `SELECT id, metadata_protobuf FROM tasks WHERE metadata_format = 'protobuf' AND typeof(metadata_protobuf) = 'blob'`,
  );
  try {
    while (statement.step()) {
      const [id, blob] = statement.get();
      if (blob instanceof Uint8Array && blob.length > 0) blobs.set(textOf(cellOf(id ?? null)), blob);
    }
  } finally {
    statement.free();
  }
  return blobs;
}

/**
 * All rows of a table, in one JSON text: every cell that crosses from WebAssembly by itself costs more than its parsing.
 * JSON holds no blob, and a text has an end: where that fails, each row is asked for by itself, and blobs as text.
 */
function readRows(db: Database, table: string, columns: readonly string[]): readonly Row[] {
  try {
    const all = db.exec(`SELECT json_group_array(json_array(${columns.join(', ')})) FROM ${table}`)[0]?.values[0]?.[0];
    return JSON.parse(all as string) as Row[];
  } catch {
    return readRowByRow(db, table, columns);
  }
}

function readRowByRow(db: Database, table: string, columns: readonly string[]): readonly Row[] {
  const cells = columns.map((name) => `CASE typeof(${name}) WHEN 'blob' THEN CAST(${name} AS TEXT) ELSE ${name} END`);
  const statement = db.prepare(`SELECT json_array(${cells.join(', ')}) FROM ${table}`);
  const rows: Row[] = [];
  try {
    while (statement.step()) rows.push(JSON.parse(statement.get()[0] as string) as Row);
  } finally {
    statement.free();
  }
  return rows;
}

/**
 * The columns of a table in lower case, as SQLite does not tell case apart; undefined where there is no such table.
 * A view is none: it could compute for ever.
 */
function columnsOf(db: Database, table: string): ReadonlySet<string> | undefined {
  const found = db.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = ?`, [table]);
  if (found.length === 0) return undefined;
  const names = db.exec(`SELECT name FROM pragma_table_info(?)`, [table])[0]?.values ?? [];
  return new Set(names.map((row) => String(row[0]).toLowerCase()));
}

function tablesOf(db: Database): string {
  const rows = db.exec(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 20`)[0]?.values ?? [];
  return rows.map((row) => String(row[0])).join(', ');
}

function cellOf(value: SqlValue): Cell {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : isNothing(cell) ? '' : String(cell);
}

function isNothing(cell: Cell): cell is null | undefined {
  return cell === null || cell === undefined;
}

function faultOf(error: unknown): DatabaseFault {
  const detail = messageOf(error);
  if (/not a database/i.test(detail)) return { cause: 'notADatabase', detail };
  // WebAssembly runs out of memory with a RuntimeError or RangeError, which says nothing of the file.
  const ours =
    /RuntimeError|RangeError/.test(error instanceof Error ? error.name : '') || /out of memory/i.test(detail);
  return { cause: ours ? 'io' : 'malformed', detail };
}

function close(db: Database | undefined): void {
  try {
    db?.close();
  } catch {
    // Only where SQLite broke down before, and that was said.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
