import type { SqlJsStatic } from 'sql.js';
import { AGENT_LOCKS_TABLE, findAgentLockColumns } from './agent-locks-table.ts';
import { Unsure } from './btree.ts';
import { asBuffer, type PageMap, type Pages } from './pages.ts';
import { layOut, readSchema, type TableEntry, type TableLayout } from './table-layout.ts';
import { COLUMNS } from './task-row.ts';

/**
 * The layouts of the tables of tasks. Missing tables, and those of an unknown form, are undefined.
 */
export interface TaskSchema {
  readonly tasks: TableLayout;
  /** Rows: owner, value. */
  readonly tags: TableLayout | undefined;
  readonly dependencies: TableLayout | undefined;
  /** Rows: task, holder, start, end. */
  readonly agentLocks: TableLayout | undefined;
  readonly pages: ReadonlySet<number>;
}

/**
 * The header ranges that define how to read the rest: page size and formats, schema cookie and
 * format, encoding.
 */
const TELLING: readonly (readonly [begin: number, end: number])[] = [
  [16, 18],
  [20, 24],
  [40, 48],
  [52, 60],
];
const FILE_HEADER_SIZE = 100;
/** Not a possible column name. */
const NO_COLUMN = '\0';

/** Throws `Unsure` where a table is one that only SQLite can read. */
export function openSchema(SQL: SqlJsStatic, pages: Pages): TaskSchema {
  const { tables, schemaPages } = readSchema(pages);
  const entry = tables.get('tasks');
  if (entry === undefined) throw new Unsure('there is no table of tasks');
  const tasks = layOut(SQL, entry, COLUMNS, 'metadata_protobuf');
  if (!tasks.columns.has('id')) throw new Unsure('tasks have no ids');
  return {
    tasks,
    tags: layOutPairs(SQL, tables.get('task_tags'), 'tag'),
    dependencies: layOutPairs(SQL, tables.get('task_dependencies'), 'depends_on_id'),
    agentLocks: layOutAgentLocks(SQL, tables.get(AGENT_LOCKS_TABLE)),
    pages: new Set(schemaPages),
  };
}

/**
 * True where a commit did not change the schema. `before` has every page that it wrote, as it was.
 */
export function isSameSchema(
  { pages: schemaPages }: TaskSchema,
  pages: Pages,
  before: PageMap,
): boolean {
  for (const page of before.keys()) if (page !== 1 && schemaPages.has(page)) return false;
  const first = before.get(1);
  if (first === undefined) return true;
  const old = asBuffer(first);
  const isSame = (begin: number, end: number): boolean =>
    old.compare(pages.bytes, begin, end, begin, end) === 0;
  return (
    TELLING.every(([begin, end]) => isSame(begin, end)) && isSame(FILE_HEADER_SIZE, pages.pageSize)
  );
}

function layOutPairs(
  SQL: SqlJsStatic,
  entry: TableEntry | undefined,
  column: string,
): TableLayout | undefined {
  const layout = entry && layOut(SQL, entry, ['task_id', column]);
  return layout?.columns.has('task_id') === true && layout.columns.has(column) ? layout : undefined;
}

function layOutAgentLocks(
  SQL: SqlJsStatic,
  entry: TableEntry | undefined,
): TableLayout | undefined {
  const roles = entry && findAgentLockColumns(layOut(SQL, entry, []).columns);
  if (entry === undefined || roles === undefined) return undefined;
  const { task, holder, since, until } = roles;
  return layOut(SQL, entry, [task, holder, since ?? NO_COLUMN, until ?? NO_COLUMN]);
}
