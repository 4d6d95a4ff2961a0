import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkOrder } from './work-order.ts';

const ENDING = '.order.json';
/** A supervisor that has not begun by then never will; see `BEGIN_WITHIN_MS`. */
const STALE_MS = 10 * 60_000;

/**
 * Writes an order for a supervisor that is the program of a terminal, where only this user can read
 * or replace it: the order decides what is started. Orders that were not taken are removed, as they
 * contain an agent's environment. Throws the errors of the file system.
 */
export async function writeOrder(
  folder: string,
  order: WorkOrder,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeStale(folder);
  const path = join(folder, `${randomUUID()}${ENDING}`);
  await writeFile(path, JSON.stringify(order), { flag: 'wx', mode: 0o600 });
  return { path, remove: () => rm(path, { force: true }) };
}

/** Orders of windows that were closed before their supervisors started. */
async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(ENDING)) continue;
    const path = join(folder, name);
    // Another window may remove it at the same time.
    const stat = await lstat(path).catch(() => undefined);
    if (stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}
