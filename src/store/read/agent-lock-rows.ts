import type { Notice } from '../../core/snapshot.ts';
import type { Lock, TaskId } from '../../core/task.ts';
import { readMoment } from './read-date.ts';
import type { Cell } from './record.ts';
import { textOf } from './task-row.ts';

/** The rows of a table of agent locks, by task id. */
export class AgentLocks {
  readonly #locksOf = new Map<string, Map<number, Lock>>();

  /** The ids of the tasks named there; the tasks need not exist. */
  get owners(): Iterable<string> {
    return this.#locksOf.keys();
  }

  of(owner: string): readonly Lock[] {
    return [...(this.#locksOf.get(owner)?.values() ?? [])];
  }

  /** Adds a row: task, holder, start, end. A row without a holder is ignored. */
  add(rowid: number, [owner, holder, since, until]: readonly Cell[]): void {
    const name = textOf(holder);
    if (name === '') return;
    const lock = { holder: name, since: readMoment(since), until: readMoment(until) };
    const locks = this.#locksOf.get(textOf(owner));
    if (locks === undefined) this.#locksOf.set(textOf(owner), new Map([[rowid, lock]]));
    else locks.set(rowid, lock);
  }

  remove(rowid: number, [owner]: readonly Cell[]): void {
    const locks = this.#locksOf.get(textOf(owner));
    locks?.delete(rowid);
    if (locks?.size === 0) this.#locksOf.delete(textOf(owner));
  }
}

/** The combined result of the lock columns and the table of agent locks. */
export interface JointLock {
  readonly lock: Lock | undefined;
  readonly notice: Notice | undefined;
  /** When the result may change, epoch ms; Infinity for never. */
  readonly holdsUntil: number;
}

/**
 * The holder of a task at a moment, from both places: a live lease comes before an ended one, and
 * of two live ones that of the columns.
 */
export function joinLocks(
  id: TaskId,
  column: Lock | undefined,
  others: readonly Lock[],
  now: number,
): JointLock {
  const all = column === undefined ? others : [column, ...others];
  const firstEnd = all.reduce(
    (first, { until = -1 }) => (until > now ? Math.min(first, until) : first),
    Infinity,
  );
  const holdsUntil = all.length > 1 ? firstEnd : Infinity;
  const best = others.toSorted((a, b) => compareLocks(a, b, now))[0];
  if (column === undefined || best === undefined)
    return { lock: column ?? best, notice: undefined, holdsUntil };
  if (!isRunning(column, now) || (isRunning(best, now) && best.holder === column.holder)) {
    return {
      lock: compareLocks(best, column, now) < 0 ? best : column,
      notice: undefined,
      holdsUntil,
    };
  }
  const other = others.find(
    (each) => isRunning(each, now) && each.holder !== column.holder,
  )?.holder;
  const notice: Notice | undefined =
    other === undefined ? undefined : { kind: 'twoHolders', id, holder: column.holder, other };
  return { lock: column, notice, holdsUntil };
}

function isRunning({ until }: Lock, now: number): boolean {
  return until !== undefined && until > now;
}

/** Order: a live lease, then a holder without an end, then the lease that ended last. */
function compareLocks(a: Lock, b: Lock, now: number): number {
  const rank = (lock: Lock): number =>
    isRunning(lock, now) ? 0 : lock.until === undefined ? 1 : 2;
  const byTime = (b.until ?? 0) - (a.until ?? 0);
  return rank(a) - rank(b) || byTime || (a.holder < b.holder ? -1 : a.holder > b.holder ? 1 : 0);
}
