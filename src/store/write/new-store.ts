import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Failure } from '../../core/failure.ts';
import type { Result } from '../../core/result.ts';
import { identify, type Connection, type Sqlite, type Transacted } from './connection.ts';

/**
 * As `Connection.transact`, in a database that is created where it is missing, then in WAL mode. Not
 * for a database with a table of tasks: its creator chose the journal mode.
 */
export function transactNew<T>(
  connection: Connection,
  { DatabaseSync }: Sqlite,
  file: string,
  body: (db: DatabaseSync) => Result<T, Failure>,
): Transacted<T> {
  connection.close();
  const before = identify(file);
  let made: DatabaseSync | undefined;
  const create = (): DatabaseSync => {
    mkdirSync(dirname(file), { recursive: true });
    made = new DatabaseSync(file);
    return made;
  };
  const outcome = connection.transactIn(create, body);
  // The creator of an existing database chose its journal mode.
  const isNew = before === undefined || before.empty;
  if (isNew && outcome !== 'busy' && outcome.ok) useLog(made);
  connection.close();
  return outcome;
}

function useLog(db: DatabaseSync | undefined): void {
  try {
    db?.exec('PRAGMA journal_mode = WAL');
  } catch {
    // Another process has the new database open already; exarp-go sets the same mode when it
    // opens it.
  }
}
