import type { SqlJsStatic } from 'sql.js';
import type { Result } from '../../src/core/result.ts';
import { DatabaseTasks } from '../../src/store/read/sqlite-reader.ts';
import type { ContentFault, StoreContent } from '../../src/store/read/store-content.ts';

/** The tasks in one database image of any migration of exarp-go. The image must have no WAL. */
export function readTasks(
  SQL: SqlJsStatic,
  image: Uint8Array,
  project: string,
  now = Date.now(),
): Result<StoreContent, ContentFault> {
  return new DatabaseTasks(project).read(SQL, { bytes: image, moment: 0 }, now);
}
