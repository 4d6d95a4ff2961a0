import type { Task } from '../../src/core/task.ts';
import { createBacklog } from '../support/fixture.ts';

/** How the writer of `snapshot-writer-program.ts` treats the database. */
export interface WriterMode {
  readonly name: string;
  /** Pages of the log after which it checkpoints. */
  readonly checkpoint: number;
  /** Closes and opens the database after so many transactions; 0 is never. */
  readonly reopenEvery: number;
  readonly pauseMs: number;
}

export const TASKS = 60;
const SUM = TASKS * 1000;
/** Longer than a page, and than what of it fits into the page of its row. */
export const LONG_TEXT = 'A long text. '.repeat(700);

/**
 * Makes the backlog that the writer moves on and whose every commit fits `findMixture`; answers its
 * file.
 */
export function createInvariantBacklog(root: string): Promise<string> {
  const ids = Array.from({ length: TASKS }, (_, i) => `T-${i}`);
  return createBacklog(root, {
    tasks: [
      { id: 'counter', row: { version: 0 } },
      { id: 'long', description: LONG_TEXT + '0'.repeat(12) },
      ...ids.map((id) => ({ id, row: { version: 1000 } })),
    ],
  });
}

/** Which commit these tasks are of. */
export function countOf(tasks: readonly Task[]): number {
  return tasks.find((task) => task.id === 'counter')?.version ?? NaN;
}

/**
 * What is wrong with tasks that no single commit of the writer has left; undefined where nothing
 * is.
 */
export function findMixture(tasks: readonly Task[]): string | undefined {
  const count = countOf(tasks);
  const steady = tasks.filter((task) => task.id.startsWith('T-'));
  if (steady.length !== TASKS) return `${steady.length} of ${TASKS} tasks`;
  const sum = steady.reduce((all, task) => all + task.version, 0);
  if (sum !== SUM) return `the sum is ${sum}, not ${SUM}`;
  if (tasks.some((task) => task.rawStatus === 'Never')) return 'what was rolled back is there';
  const long = tasks.find((task) => task.id === 'long')?.description ?? '';
  if (long !== LONG_TEXT + String(count).padStart(12, '0'))
    return `the long text ends in ${long.slice(-12)}, at ${count}`;
  if (count === 0) return undefined;
  const newest = tasks.filter((task) => task.id.startsWith('N-')).map((task) => task.id);
  const tagged = steady.filter((task) => task.tags.includes('token')).map((task) => task.id);
  const held = steady.filter((task) => task.lock !== undefined).map((task) => task.id);
  const needed = tasks.find((task) => task.id === 'counter')?.dependencies ?? [];
  const of = `${newest.join()} / tag ${tagged.join()} / lock ${held.join()} / dependency ${needed.join()}`;
  if (newest.join() !== `N-${count}`) return `${of}, at ${count}`;
  return tagged.length === 1 &&
    tagged[0] === held[0] &&
    held.length === 1 &&
    needed.join() === held[0]
    ? undefined
    : of;
}
