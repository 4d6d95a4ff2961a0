import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkOrder } from './work-order.ts';

const ENDING = '.order.json';
/** Whoever has not begun by then never will; see `BEGIN_WITHIN_MS`. */
const STALE_MS = 10 * 60_000;

/**
 * Writes an order for a supervisor that is the program of a terminal, where nobody else can read or exchange it: whoever could
 * would decide what is started. Orders that nobody took are removed, as an agent's environment is in them. Throws what the
 * file system throws.
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

/** What a window that was closed in the wrong moment left behind. */
async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(ENDING)) continue;
    const path = join(folder, name);
    // Another window may remove it at the same time.
    const stat = await lstat(path).catch(() => undefined);
    if (stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}
