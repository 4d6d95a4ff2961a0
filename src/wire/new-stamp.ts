import { randomBytes } from 'node:crypto';

/** A name that was never used before and sorts by time. */
export function newStamp(): string {
  return `${new Date().toISOString().replace(/[-:]|\..*/g, '')}-${randomBytes(3).toString('hex')}`;
}
