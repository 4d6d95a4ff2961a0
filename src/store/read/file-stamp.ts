import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Everything about a file that changes when it is written or exchanged, in one text to compare. */
export function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** The stamp of the file at a path, or the code of the error: any change of the two is news. */
export async function stampAt(path: string): Promise<string> {
  try {
    return stampOf(await stat(path, { bigint: true }));
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/**
 * A file with a modification time younger than this may be written again without getting a new one: the clocks of file
 * systems tick coarsely.
 */
export const RACY_MS = 50;

/** True where a file has not been written for so long, by its own time. */
export function isOlder(stat: BigIntStats, now: number, ms: number): boolean {
  return now - Number(stat.mtimeNs) / 1e6 > ms;
}
