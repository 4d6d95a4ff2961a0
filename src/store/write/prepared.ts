import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Statements live as long as their connection; SQLite recompiles them after a schema change. */
const statementsOf = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** A statement, prepared once per connection; only for a small set of texts. */
export function prepared(db: DatabaseSync, sql: string): StatementSync {
  const statements = statementsOf.get(db) ?? new Map<string, StatementSync>();
  statementsOf.set(db, statements);
  const statement = statements.get(sql) ?? db.prepare(sql);
  statements.set(sql, statement);
  return statement;
}
