import type { Database, SqlJsStatic } from 'sql.js';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Notice } from '../../core/snapshot.ts';
import type { Lock, Task } from '../../core/task.ts';
import { AGENT_LOCKS_TABLE, findAgentLockColumns } from './agent-locks-table.ts';
import { AgentLocks, joinLocks } from './agent-lock-rows.ts';
import { orphanNotices } from './pair-lists.ts';
import type { Cell } from './record.ts';
import type { ContentFault, StoreContent } from './store-content.ts';
import { TaskList, type TaskRules } from './task-list.ts';
import { AT, COLUMNS, lockOf, taskOf, textOf } from './task-row.ts';
import { messageOf } from '../../core/text.ts';

/**
 * The tasks in a database image, read through SQLite: slower than reading pages, and right for
 * every database that SQLite can read. The image must have no WAL.
 */
export function readThroughSql(
  SQL: SqlJsStatic,
  image: Uint8Array,
  project: string,
  now: number,
): Result<StoreContent, ContentFault> {
  let db: Database | undefined;
  try {
    db = new SQL.Database(image);
    // The schema is not ours: it must not call functions that reach out of the database.
    db.run('PRAGMA trusted_schema = OFF');
    return readFrom(db, project, now);
  } catch (error) {
    return fail(faultOf(error));
  } finally {
    close(db);
  }
}

function readFrom(db: Database, project: string, now: number): Result<StoreContent, ContentFault> {
  const columns = columnsOf(db, 'tasks');
  if (columns === undefined)
    return fail({ cause: 'noTasksTable', detail: `tables: ${tablesOf(db) || 'none'}` });
  if (!columns.has('id'))
    return fail({ cause: 'malformed', detail: 'the table tasks has no column id' });
  const present = COLUMNS.filter((column) => columns.has(column) && column !== 'metadata_protobuf');
  const tags = readLists(db, 'task_tags', 'tag');
  const dependencies = readLists(db, 'task_dependencies', 'depends_on_id');
  const blobs = readBlobs(db, columns);
  const agentLocks = readAgentLocks(db);
  // exarp-go shows no row of a table without the column, and a notice for each would not help.
  const rules: TaskRules = {
    isForeign: (id) => columns.has('project_id') && id !== project,
    isSpellingFree: false,
  };
  const list = new TaskList(rules);
  const lockNotices = new Map<string, Notice>();
  let holdsUntil = Infinity;

  for (const [index, cells] of readRows(db, 'tasks', present).entries()) {
    const row = rowOf(present, cells);
    const id = textOf(row[AT.id]);
    if (!list.takes(id, textOf(row[AT.content]), index + 1)) continue;
    row[AT.metadata_protobuf] = blobs.get(id);
    const others = {
      tags: tags.get(id) ?? [],
      dependencies: dependencies.get(id) ?? [],
      lock: lockOf(row),
    };
    tags.delete(id);
    dependencies.delete(id);
    list.tasks.push(join(taskOf(row, others, rules, list.notices)));
  }
  const notices = [
    ...list.notices,
    ...Array.from(agentLocks.owners, (owner) => lockNotices.get(owner) ?? []).flat(),
    ...orphanNotices('task_tags', tags),
    ...orphanNotices('task_dependencies', dependencies),
  ];
  return ok({ tasks: list.tasks, notices, holdsUntil });

  function join(task: Task): Task {
    const others: readonly Lock[] = agentLocks.of(task.id);
    if (others.length === 0) return task;
    const joint = joinLocks(task.id, task.lock, others, now);
    holdsUntil = Math.min(holdsUntil, joint.holdsUntil);
    if (joint.notice !== undefined) lockNotices.set(task.id, joint.notice);
    return { ...task, lock: joint.lock };
  }
}

function rowOf(present: readonly (typeof COLUMNS)[number][], cells: readonly Cell[]): Cell[] {
  const row: Cell[] = COLUMNS.map(() => undefined);
  for (const [index, column] of present.entries()) row[AT[column]] = cells[index];
  return row;
}

/**
 * The values of a table of pairs by task, in code unit order; none where the table does not exist.
 */
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

function readAgentLocks(db: Database): AgentLocks {
  const locks = new AgentLocks();
  const roles = findAgentLockColumns(columnsOf(db, AGENT_LOCKS_TABLE) ?? []);
  if (roles === undefined) return locks;
  const { task, holder, since = 'NULL', until = 'NULL' } = roles;
  const rows = readRows(db, AGENT_LOCKS_TABLE, [task, holder, since, until]);
  for (const [index, row] of rows.entries()) locks.add(index, row);
  return locks;
}

function readBlobs(db: Database, columns: ReadonlySet<string>): Map<string, Uint8Array> {
  const blobs = new Map<string, Uint8Array>();
  if (!columns.has('metadata_protobuf') || !columns.has('metadata_format')) return blobs;
  const statement = db.prepare(
    `SELECT id, metadata_protobuf FROM tasks WHERE typeof(metadata_protobuf) = 'blob'`,
  );
  try {
    while (statement.step()) {
      const [id, blob] = statement.get();
      const key = textOf(id);
      if (blob instanceof Uint8Array && !blobs.has(key)) blobs.set(key, blob);
    }
  } finally {
    statement.free();
  }
  return blobs;
}

/**
 * All rows of a table, as one JSON text: parsing costs less than a call into WebAssembly per cell.
 * JSON has no blobs, and a text has a maximum length: where that fails, rows are read one by one,
 * with blobs as text.
 */
function readRows(
  db: Database,
  table: string,
  columns: readonly string[],
): readonly (readonly Cell[])[] {
  try {
    const all = db.exec(
      `SELECT json_group_array(json_array(${columns.join(', ')})) FROM ${table}`,
    )[0]?.values[0]?.[0];
    return JSON.parse(all as string) as Cell[][];
  } catch {
    return readRowByRow(db, table, columns);
  }
}

function readRowByRow(
  db: Database,
  table: string,
  columns: readonly string[],
): readonly (readonly Cell[])[] {
  const cells = columns.map(
    (name) => `CASE typeof(${name}) WHEN 'blob' THEN CAST(${name} AS TEXT) ELSE ${name} END`,
  );
  const statement = db.prepare(`SELECT json_array(${cells.join(', ')}) FROM ${table}`);
  const rows: Cell[][] = [];
  try {
    while (statement.step()) rows.push(JSON.parse(statement.get()[0] as string) as Cell[]);
  } finally {
    statement.free();
  }
  return rows;
}

/**
 * The columns of a table in lower case, as SQLite ignores case; undefined where there is no such
 * table. A view does not count: it could compute for ever.
 */
function columnsOf(db: Database, table: string): ReadonlySet<string> | undefined {
  const found = db.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = ?`, [
    table,
  ]);
  if (found.length === 0) return undefined;
  const names = db.exec(`SELECT name FROM pragma_table_info(?)`, [table])[0]?.values ?? [];
  return new Set(names.map((row) => String(row[0]).toLowerCase()));
}

function tablesOf(db: Database): string {
  const rows =
    db.exec(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 20`)[0]
      ?.values ?? [];
  return rows.map((row) => String(row[0])).join(', ');
}

function faultOf(error: unknown): ContentFault {
  const detail = messageOf(error);
  if (/not a database/i.test(detail)) return { cause: 'notADatabase', detail };
  // Out of memory, WebAssembly throws a RuntimeError or RangeError, which is no fault of the file.
  const ours =
    /RuntimeError|RangeError/.test(error instanceof Error ? error.name : '') ||
    /out of memory/i.test(detail);
  return { cause: ours ? 'io' : 'malformed', detail };
}

function close(db: Database | undefined): void {
  try {
    db?.close();
  } catch {
    // Only after a failure of SQLite that was reported.
  }
}
