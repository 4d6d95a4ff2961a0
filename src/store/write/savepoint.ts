import type { DatabaseSync } from 'node:sqlite';

const SQLITE_CONSTRAINT = 19;

/**
 * Writes into a table that is somebody else's, beside a change that must not fail because of it: where a rule of that table
 * refuses, nothing of it is written, and the change goes on. Answers whether it was written.
 */
export function inSavepoint(db: DatabaseSync, write: () => void): boolean {
  db.exec('SAVEPOINT aside');
  try {
    write();
    db.exec('RELEASE aside');
    return true;
  } catch (error) {
    db.exec('ROLLBACK TO aside');
    db.exec('RELEASE aside');
    // The lower eight bits are the kind of an error, whatever else it says.
    const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
    if ((code & 0xff) === SQLITE_CONSTRAINT) return false;
    throw error;
  }
}
