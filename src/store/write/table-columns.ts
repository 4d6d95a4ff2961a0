import type { DatabaseSync } from 'node:sqlite';
import { prepared } from './prepared.ts';

/** A column of a table of another program. */
export interface Column {
  readonly name: string;
  /** As declared, in upper case; empty where there is no type. */
  readonly type: string;
  /** True where an insert must set it. */
  readonly required: boolean;
}

interface Known {
  readonly version: unknown;
  readonly tables: Map<string, readonly Column[]>;
}

/** Cached until the schema version changes, which is cheap to read. */
const knownOf = new WeakMap<DatabaseSync, Known>();

/**
 * The columns of a table, in order; none where it does not exist. Valid within the current
 * transaction.
 */
export function columnsOf(db: DatabaseSync, table: string): readonly Column[] {
  const version = prepared(db, 'PRAGMA schema_version').get()?.['schema_version'];
  const last = knownOf.get(db);
  const known: Known =
    last !== undefined && last.version === version
      ? last
      : { version, tables: new Map<string, readonly Column[]>() };
  knownOf.set(db, known);
  const found = known.tables.get(table);
  if (found !== undefined) return found;
  const columns = db
    .prepare(
      'SELECT name, type, "notnull" AS filled, dflt_value IS NULL AS bare, pk FROM pragma_table_info(?)',
    )
    .all(table)
    .map((row) => {
      const type = String(row['type']).toUpperCase();
      // SQLite fills an integer primary key itself.
      const required =
        row['filled'] === 1 && row['bare'] === 1 && !(row['pk'] === 1 && type === 'INTEGER');
      return { name: String(row['name']), type, required };
    });
  known.tables.set(table, columns);
  return columns;
}

/** The names of a table's columns in lower case; empty where it does not exist. */
export function columnNames(db: DatabaseSync, table: string): ReadonlySet<string> {
  return new Set(columnsOf(db, table).map(({ name }) => name.toLowerCase()));
}

export function hasColumns(db: DatabaseSync, table: string, names: readonly string[]): boolean {
  const present = columnNames(db, table);
  return names.every((name) => present.has(name));
}

/**
 * True where a row with these columns can be inserted: the table has them, and requires no others
 * but `optional` ones.
 */
export function takesRow(
  db: DatabaseSync,
  table: string,
  names: readonly string[],
  optional: readonly string[] = [],
): boolean {
  const known = [...names, ...optional];
  const required = columnsOf(db, table).filter((column) => column.required);
  return (
    hasColumns(db, table, names) && required.every(({ name }) => known.includes(name.toLowerCase()))
  );
}
