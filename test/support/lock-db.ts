import { DatabaseSync } from 'node:sqlite';
import type { LockContext } from '../../src/store/write/lock-row.ts';
import { SCHEMA } from '../../src/store/write/schema.ts';

export const ME = 'vscode-here-1';
export const THEM = 'general-there-9';
/** Half past a second, so that rounding shows. */
export const NOW = 1_800_000_000_500;
export const NOW_S = 1_800_000_000;

export type Columns = Readonly<Record<string, string | number | bigint | null>>;

/**
 * A store in memory with these rows of tasks, and further statements run on it; the context is this
 * window.
 */
export function lockDb(rows: readonly Columns[], statements: readonly string[] = []): LockContext {
  const db = new DatabaseSync(':memory:');
  for (const statement of [...SCHEMA, ...statements]) db.exec(statement);
  for (const row of rows) insertRow(db, row);
  return { db, holder: ME, now: NOW };
}

export function insertRow(db: DatabaseSync, columns: Columns, table = 'tasks'): void {
  const row: Columns =
    table === 'tasks'
      ? {
          content: `Title of ${String(columns['id'])}`,
          long_description: '',
          priority: 'high',
          created: '',
          ...columns,
        }
      : columns;
  const names = Object.keys(row).map((name) => `"${name}"`);
  db.prepare(
    `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  ).run(...Object.values(row));
}

/** The lock columns of a holder who has a task In Progress, until `until` (unix seconds). */
export function locked(assignee: string, until: number | null, more: Columns = {}): Columns {
  return { assignee, assigned_at: NOW_S - 60, lock_until: until, status: 'In Progress', ...more };
}

/** A task as `status holder until`, the end in seconds from now. */
export function lockOf({ db }: LockContext, id: string): string {
  const row = db.prepare('SELECT status, assignee, lock_until FROM tasks WHERE id = ?').get(id);
  if (row === undefined) return 'gone';
  const until = row['lock_until'] as number | null;
  return [
    row['status'],
    row['assignee'] ?? 'free',
    ...(until === null ? [] : [until - NOW_S]),
  ].join(' ');
}

export function all({ db }: LockContext, sql: string): Record<string, unknown>[] {
  return db
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }));
}
