import type { DatabaseSync } from 'node:sqlite';
import { prepared } from './prepared.ts';

/** A column of a table that is not ours. */
export interface Column {
  readonly name: string;
  /** As declared, in upper case; empty where nothing is. */
  readonly type: string;
  /** True where a row cannot be inserted without it. */
  readonly required: boolean;
}

interface Known {
  readonly version: unknown;
  readonly tables: Map<string, readonly Column[]>;
}

/** A schema hardly ever changes, and its version is a number in the header that has been read already. */
const knownOf = new WeakMap<DatabaseSync, Known>();

/** The columns of a table, in order; none where there is no such table. True for the transaction that it is asked in. */
export function columnsOf(db: DatabaseSync, table: string): readonly Column[] {
  const version = prepared(db, 'PRAGMA schema_version').get()?.['schema_version'];
  const last = knownOf.get(db);
  const known: Known =
    last !== undefined && last.version === version ? last : { version, tables: new Map<string, readonly Column[]>() };
  knownOf.set(db, known);
  const found = known.tables.get(table);
  if (found !== undefined) return found;
  const columns = db
    .prepare('SELECT name, type, "notnull" AS filled, dflt_value IS NULL AS bare, pk FROM pragma_table_info(?)')
    .all(table)
    .map((row) => {
      const type = String(row['type']).toUpperCase();
      // SQLite itself fills a key of whole numbers.
      const required = row['filled'] === 1 && row['bare'] === 1 && !(row['pk'] === 1 && type === 'INTEGER');
      return { name: String(row['name']), type, required };
    });
  known.tables.set(table, columns);
  return columns;
}
