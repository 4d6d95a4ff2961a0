import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkOrder } from './work-order.ts';

/**
 * Writes an order for a supervisor that is the program of a terminal, where nobody else can read or exchange it: whoever could
 * would decide what is started. Throws what the file system throws.
 */
export async function writeOrder(
  folder: string,
  order: WorkOrder,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${randomUUID()}.order.json`);
  await writeFile(path, JSON.stringify(order), { flag: 'wx', mode: 0o600 });
  return { path, remove: () => rm(path, { force: true }) };
}
