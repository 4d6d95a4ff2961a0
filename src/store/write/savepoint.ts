import type { DatabaseSync } from 'node:sqlite';

const SQLITE_CONSTRAINT = 19;

/**
 * Writes to a table of another program, beside a change that must not fail because of it: where a
 * constraint of that table refuses, the write is rolled back and the change continues. Returns
 * whether it was written.
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
    // The lower eight bits are the primary error code.
    const code =
      error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
        ? error.errcode
        : 0;
    if ((code & 0xff) === SQLITE_CONSTRAINT) return false;
    throw error;
  }
}
