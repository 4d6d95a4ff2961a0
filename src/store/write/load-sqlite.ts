import type { Sqlite } from './connection.ts';
import { messageOf } from '../../core/text.ts';

/** The `node:sqlite` of this Node, or why it has none. */
export function loadSqlite(): Sqlite | { readonly missing: string } {
  try {
    const found = process.getBuiltinModule('node:sqlite') as Sqlite | undefined;
    return found?.DatabaseSync === undefined ? { missing: 'no node:sqlite' } : found;
  } catch (error) {
    // Node before 20.16 has no `getBuiltinModule`.
    return { missing: messageOf(error) };
  }
}
