import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What a connection has prepared lives and ends with it; SQLite itself prepares anew what a change of schema made old. */
const statementsOf = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** A statement that is prepared once per connection; only for texts of which there are few. */
export function prepared(db: DatabaseSync, sql: string): StatementSync {
  const statements = statementsOf.get(db) ?? new Map<string, StatementSync>();
  statementsOf.set(db, statements);
  const statement = statements.get(sql) ?? db.prepare(sql);
  statements.set(sql, statement);
  return statement;
}
