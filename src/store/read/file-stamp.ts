import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** The properties of a file that change when it is written or replaced, as one text to compare. */
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
 * A file modified less than this ago may be written again without a new modification time, as file
 * system clocks are coarse.
 */
export const RACY_MS = 50;

/** True where the modification time is at least that long ago. */
export function isOlder(stat: BigIntStats, now: number, ms: number): boolean {
  return now - Number(stat.mtimeNs) / 1e6 > ms;
}
