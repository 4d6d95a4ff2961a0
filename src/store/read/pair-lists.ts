import type { IdIndex } from '../../core/waves/id-index.ts';
import type { Notice } from '../../core/snapshot.ts';
import { distinct } from './task-list.ts';

type Table = Extract<Notice, { kind: 'orphanRow' }>['table'];

const NOTHING: readonly string[] = [];

/**
 * The values of a table of pairs by task, in code unit order, and those of tasks that do not exist.
 */
export class PairLists {
  /** By task position; undefined for none. */
  #lists: (readonly string[] | undefined)[] = [];
  readonly #orphans = new Map<string, readonly string[]>();

  /** The values of the task at a position. */
  of(position: number): readonly string[] {
    return this.#lists[position] ?? NOTHING;
  }

  /** Loads all rows of the table, in any order: `rows` calls `take` for each. */
  fill(index: IdIndex, rows: (take: (owner: string, value: string) => void) => void): void {
    const lists = new Array<string[] | undefined>(index.size).fill(undefined);
    const orphans = new Map<string, string[]>();
    const unsorted = new Set<string[]>();
    let [lastOwner, lastPosition] = ['', -1];
    rows((owner, value) => {
      // Rows of one task are mostly adjacent.
      if (owner !== lastOwner) [lastOwner, lastPosition] = [owner, index.get(owner)];
      const list = lastPosition === -1 ? orphans.get(owner) : lists[lastPosition];
      if (list === undefined) {
        if (lastPosition === -1) orphans.set(owner, [value]);
        else lists[lastPosition] = [value];
        return;
      }
      if ((list.at(-1) ?? '') > value) unsorted.add(list);
      list.push(value);
    });
    for (const list of unsorted) list.sort();
    this.#lists = lists;
    this.#orphans.clear();
    for (const [owner, list] of orphans) this.#orphans.set(owner, list);
  }

  /** Adds a row of the task at a position; -1 where the task does not exist. */
  add(owner: string, position: number, value: string): void {
    this.#set(owner, position, [...this.#get(owner, position), value].sort());
  }

  /** Removes a row; false where it is unknown. */
  remove(owner: string, position: number, value: string): boolean {
    const list = this.#get(owner, position);
    const at = list.indexOf(value);
    if (at === -1) return false;
    this.#set(owner, position, list.toSpliced(at, 1));
    return true;
  }

  /** Registers a new task: its orphans become its values. */
  adopt(owner: string, position: number): void {
    const list = this.#orphans.get(owner);
    this.#orphans.delete(owner);
    if (list !== undefined) this.#lists[position] = list;
  }

  /** Removes positions; later ones move up, and the values of the removed tasks become orphans. */
  leaveOut(ids: readonly string[], stays: (list: unknown, position: number) => boolean): void {
    for (const [position, id] of ids.entries()) {
      const list = this.#lists[position];
      if (list !== undefined && !stays(list, position)) this.#orphans.set(id, list);
    }
    this.#lists = Array.from(ids, (_, position) => this.#lists[position]).filter(stays);
  }

  /** A notice for each row whose task does not exist, in order. */
  orphanNotices(table: Table): readonly Notice[] {
    return orphanNotices(table, this.#orphans);
  }

  #get(owner: string, position: number): readonly string[] {
    return (position === -1 ? this.#orphans.get(owner) : this.#lists[position]) ?? NOTHING;
  }

  #set(owner: string, position: number, list: readonly string[]): void {
    const kept = list.length === 0 ? undefined : list;
    if (position !== -1) this.#lists[position] = kept;
    else if (kept === undefined) this.#orphans.delete(owner);
    else this.#orphans.set(owner, kept);
  }
}

/** A notice for each pair, by owner and value. The lists are sorted. */
export function orphanNotices(
  table: Table,
  orphans: ReadonlyMap<string, readonly string[]>,
): readonly Notice[] {
  if (orphans.size === 0) return [];
  return [...orphans.keys()].sort().flatMap((owner) =>
    distinct(orphans.get(owner) ?? NOTHING).map((value): Notice => ({
      kind: 'orphanRow',
      table,
      owner,
      value,
    })),
  );
}
