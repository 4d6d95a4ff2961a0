import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The test files in a folder and all folders below it, as paths that begin with the folder's own,
 * in order.
 */
export function testFilesBelow(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .sort();
}
