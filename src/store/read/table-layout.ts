import type { Database, SqlJsStatic } from 'sql.js';
import { LeafReader, Unsure, assembleRecord, findLeaves } from './btree.ts';
import type { Pages } from './pages.ts';
import { UNKNOWN, readRecord, type Cell, type RecordLayout } from './record.ts';

/** The entry of a table in the schema. */
export interface TableEntry {
  readonly root: number;
  readonly sql: string;
}

/** The root page of a table, and the positions of the wanted columns in its records. */
export interface TableLayout extends RecordLayout {
  readonly root: number;
  /** All columns, in lower case. */
  readonly columns: ReadonlySet<string>;
}

const SCHEMA_LAYOUT: RecordLayout = {
  slotOf: [0, 1, -1, 2, 3],
  width: 4,
  defaults: [null, null, null, null],
  blobSlot: -1,
};

/** The tables of a database by name in lower case, and the pages of the schema itself. */
export function readSchema(pages: Pages): {
  readonly tables: ReadonlyMap<string, TableEntry>;
  readonly schemaPages: readonly number[];
} {
  const encoding = pages.bytes.readUInt32BE(56);
  if (encoding > 1) throw new Unsure('the texts are not UTF-8');
  if (pages.bytes.readUInt32BE(44) > 4) throw new Unsure('a format of schema that is too new');
  const { leaves, interiors } = findLeaves(pages, 1);
  const tables = new Map<string, TableEntry>();
  const reader = new LeafReader(pages);
  const row: Cell[] = [];
  const schemaPages = [...leaves, ...interiors];
  for (const leaf of leaves) {
    reader.open(pages.bytes, (leaf - 1) * pages.pageSize, leaf);
    for (let i = 0; i < reader.count; i++) {
      reader.read(i);
      const record = assembleRecord(reader.take(), pages, undefined, (page) =>
        schemaPages.push(page),
      );
      readRecord(record, 0, record.length, SCHEMA_LAYOUT, row);
      const [type, name, root, sql] = row;
      if (type !== 'table') continue;
      if (typeof name !== 'string' || typeof root !== 'number' || typeof sql !== 'string') {
        throw new Unsure('an entry of the schema is odd');
      }
      const key = lowerCase(name);
      if (tables.has(key)) throw new Unsure('a table is there twice');
      tables.set(key, { root, sql });
    }
  }
  return { tables, schemaPages };
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly standIn: string | null;
  readonly isKey: boolean;
  readonly isHidden: boolean;
}

/**
 * Parsed schemas by their text, which rarely changes; undefined for one that only SQLite can read.
 */
const understood = new Map<string, readonly Column[] | undefined>();

/** The positions of the wanted columns in the records of a table; a missing column has none. */
export function layOut(
  SQL: SqlJsStatic,
  { root, sql }: TableEntry,
  wanted: readonly string[],
  blob = '',
): TableLayout {
  let columns = understood.get(sql);
  if (!understood.has(sql)) {
    columns = columnsOf(SQL, sql);
    if (understood.size >= 64) understood.clear();
    understood.set(sql, columns);
  }
  if (columns === undefined || root < 2) throw new Unsure('a table is no plain one');
  const slotOf = columns.map(({ name }) => wanted.indexOf(name));
  const defaults: RecordLayout['defaults'][number][] = wanted.map(() => undefined);
  for (const [index, column] of columns.entries()) {
    const slot = slotOf[index] ?? -1;
    if (slot === -1) continue;
    // Such a key may be an alias of the rowid, and is then not in the record.
    if (column.isKey && column.type === 'INTEGER') throw new Unsure('a key that is a number');
    defaults[slot] = constantOf(column);
  }
  const blobSlot = wanted.indexOf(blob);
  return {
    root,
    slotOf,
    width: wanted.length,
    defaults,
    blobSlot,
    columns: new Set(columns.map(({ name }) => name)),
  };
}

/** Quoted names and texts, and comments: they are not syntax. */
const QUOTED_OR_COMMENT = /"[^"]*"?|`[^`]*`?|\[[^\]]*\]?|'[^']*'?|--[^\n]*|\/\*[^]*?(?:\*\/|$)/g;

/**
 * Asks SQLite, in a separate database, for the columns that a statement defines; a statement that
 * could do more is not run.
 */
function columnsOf(SQL: SqlJsStatic, sql: string): readonly Column[] | undefined {
  const bare = sql.replace(QUOTED_OR_COMMENT, ' x ');
  if (!/^create table [^(]*\(/i.test(bare) || /\bas\b/i.test(bare)) return undefined;
  const db = new SQL.Database();
  try {
    db.run('PRAGMA trusted_schema = OFF');
    const statement = db.prepare(sql); // the first statement only
    statement.step();
    statement.free();
    const name = textIn(db, `SELECT name FROM sqlite_master WHERE type = 'table'`);
    const isPlain = textIn(db, 'SELECT wr = 0 FROM pragma_table_list WHERE name = ?', name);
    if (isPlain !== '1') return undefined;
    const rows =
      db.exec(
        'SELECT lower(name), upper(type), dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid',
        [name],
      )[0]?.values ?? [];
    const columns = rows.map(([column, type, standIn, key, hidden]) => ({
      name: String(column),
      type: String(type),
      standIn: typeof standIn === 'string' ? standIn : null,
      isKey: key !== 0,
      isHidden: hidden !== 0,
    }));
    return columns.some(({ isHidden }) => isHidden) ? undefined : columns;
  } catch {
    return undefined;
  } finally {
    db.close();
  }
}

function textIn(db: Database, sql: string, ...values: string[]): string {
  return String(db.exec(sql, values)[0]?.values[0]?.[0]);
}

/**
 * The value of a row that is older than its column: only constants that no conversion changes are
 * known.
 */
function constantOf({ standIn, type }: Column): Cell | typeof UNKNOWN {
  if (standIn === null || /^null$/i.test(standIn)) return null;
  if (/^\d{1,15}$/.test(standIn) && /INT/.test(type)) return Number(standIn);
  const text = /^'((?:[^']|'')*)'$/.exec(standIn)?.[1];
  if (text !== undefined && /CHAR|CLOB|TEXT/.test(type) && !type.includes('INT'))
    return text.replaceAll(`''`, `'`);
  return UNKNOWN;
}

/** ASCII only, as in SQLite. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
