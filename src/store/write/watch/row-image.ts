import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { TaskId } from '../../../core/task.ts';
import { wereValues } from '../edit-history.ts';
import { readPairs, type PairTable, writePairs } from '../edit-row.ts';
import { prepared } from '../prepared.ts';
import { columnNames } from '../table-columns.ts';

/**
 * The parts of a task that exarp-go writes back whole. The first column of a part says whether it
 * differs; the others belong to it.
 */
const PARTS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  title: ['content'],
  description: ['long_description'],
  status: ['status', 'completed', 'completed_at'],
  priority: ['priority'],
  parent: ['parent_id'],
  project: ['project_id'],
  metadata: ['metadata', 'metadata_protobuf', 'metadata_format'],
};
const PAIRS: Readonly<Record<string, PairTable>> = {
  tags: 'task_tags',
  dependencies: 'task_dependencies',
};

/** A stored task with everything in its row, its tags and its dependencies. */
export interface RowImage {
  readonly version: number;
  readonly row: Readonly<Record<string, SQLInputValue>>;
  readonly pairs: Readonly<Record<PairTable, readonly string[]>>;
}

/** The task as it is stored; undefined where it does not exist. */
export function readImage(db: DatabaseSync, id: TaskId): RowImage | undefined {
  const statement = prepared(db, 'SELECT * FROM tasks WHERE id = ?');
  // Other programs may store integers that no number can hold.
  statement.setReadBigInts(true);
  const row = statement.get(id);
  if (row === undefined) return undefined;
  const version = Number(row['version'] ?? 0);
  return {
    version: Number.isSafeInteger(version) ? version : 0,
    row,
    pairs: {
      task_tags: readPairs(db, 'task_tags', id),
      task_dependencies: readPairs(db, 'task_dependencies', id),
    },
  };
}

/** The names of all parts. */
export const PART_NAMES: readonly string[] = [...Object.keys(PARTS), ...Object.keys(PAIRS)];

/** A part as text that is equal for equal values. */
export function partOf({ row, pairs }: RowImage, part: string): string {
  const table = PAIRS[part];
  if (table !== undefined) return JSON.stringify(pairs[table]);
  const value = row[PARTS[part]?.[0] ?? ''] ?? '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** An image with one part as another has it. */
export function withPart(image: RowImage, part: string, from: RowImage): RowImage {
  const table = PAIRS[part];
  if (table !== undefined) return withList(image, part, from.pairs[table]);
  const columns = (PARTS[part] ?? []).map((name) => [name, from.row[name] ?? null] as const);
  return { ...image, row: { ...image.row, ...Object.fromEntries(columns) } };
}

/** True for a part that is a list of others, whose entries are written one by one. */
export function isList(part: string): boolean {
  return PAIRS[part] !== undefined;
}

/** An image with another list; unchanged where the part is none. */
export function withList(image: RowImage, part: string, entries: readonly string[]): RowImage {
  const table = PAIRS[part];
  return table === undefined ? image : { ...image, pairs: { ...image.pairs, [table]: entries } };
}

/** How the history of changes has a part: its name, and its values as `partOf` gives them. */
export interface PartHistory {
  readonly field: string;
  readonly read: (stored: unknown) => string;
  readonly write: (value: string) => unknown;
}

export function historyOf(part: string): PartHistory {
  return {
    field: isList(part) ? part : (PARTS[part]?.[0] ?? part),
    read: (stored) => {
      if (isList(part)) return JSON.stringify(Array.isArray(stored) ? stored : []);
      return typeof stored === 'string' ? stored : '';
    },
    write: (value) => (isList(part) ? (JSON.parse(value) as unknown) : value),
  };
}

/** The values that a part had since a time (unix seconds), by the history in the store. */
export function valuesSince(
  db: DatabaseSync,
  id: TaskId,
  part: string,
  since: number,
): readonly string[] {
  const { field, read } = historyOf(part);
  return wereValues(db, id, field, since).map(read);
}

/** Writes parts of a row as these images have them, with new stamps; the caller has the lock. */
export function writeParts(
  db: DatabaseSync,
  id: TaskId,
  parts: readonly (readonly [part: string, image: RowImage])[],
  stamps: Readonly<Record<string, SQLInputValue>>,
): void {
  const columns = columnNames(db, 'tasks');
  const values = parts.flatMap(([part, image]) =>
    (PARTS[part] ?? []).map((name) => [name, image.row[name] ?? null] as const),
  );
  const all = Object.fromEntries(
    [...values, ...Object.entries(stamps)].filter(([name]) => columns.has(name)),
  );
  const sets = Object.keys(all).map((name) => `${name} = :${name}`);
  if (columns.has('version')) sets.push('version = COALESCE(version, 0) + 1');
  if (sets.length > 0)
    db.prepare(`UPDATE tasks SET ${sets.join(', ')} WHERE id = :id`).run({ ...all, id });
  for (const [part, image] of parts) {
    const table = PAIRS[part];
    if (table !== undefined) writePairs(db, table, id, existing(db, table, image.pairs[table]));
  }
}

/** Inserts a row that is gone, as it was. */
export function insertImage(db: DatabaseSync, id: TaskId, image: RowImage): void {
  const columns = columnNames(db, 'tasks');
  const entries = Object.entries(image.row).filter(([name]) => columns.has(name));
  db.prepare(
    `INSERT INTO tasks (${entries.map(([name]) => `"${name}"`).join(', ')})
      VALUES (${entries.map(() => '?').join(', ')})`,
  ).run(...entries.map(([, value]) => value));
  for (const table of Object.values(PAIRS))
    if (image.pairs[table].length > 0)
      writePairs(db, table, id, existing(db, table, image.pairs[table]));
}

/** The image with the dependencies that can be written now. */
export function possible(db: DatabaseSync, image: RowImage): RowImage {
  const dependencies = existing(db, 'task_dependencies', image.pairs.task_dependencies);
  return withList(image, 'dependencies', dependencies);
}

/** Dependencies on tasks that are gone by now cannot be written. */
function existing(
  db: DatabaseSync,
  table: PairTable,
  values: readonly string[],
): readonly string[] {
  if (table !== 'task_dependencies') return values;
  const find = db.prepare('SELECT 1 FROM tasks WHERE id = ?');
  return values.filter((value) => find.get(value) !== undefined);
}
