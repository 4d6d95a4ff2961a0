import type { DatabaseSync } from 'node:sqlite';
import { prepared } from './prepared.ts';
import { columnNames } from './table-columns.ts';

/**
 * Whether exarp-go writes to this store: it stores metadata in a form that no other program writes.
 */
export function isSharedWithExarp(db: DatabaseSync): boolean {
  return (
    columnNames(db, 'tasks').has('metadata_format') &&
    prepared(db, "SELECT 1 FROM tasks WHERE metadata_format = 'protobuf' LIMIT 1").get() !==
      undefined
  );
}
