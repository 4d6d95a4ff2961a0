import type { IdIndex } from '../../core/waves/id-index.ts';
import type { Notice } from '../../core/snapshot.ts';
import { distinct } from './task-list.ts';

type Table = Extract<Notice, { kind: 'orphanRow' }>['table'];

const NOTHING: readonly string[] = [];

/** What a table of pairs says of each task, in code unit order, and what it says of tasks that are not there. */
export class PairLists {
  /** By the position of the task; undefined for nothing. */
  #lists: (readonly string[] | undefined)[] = [];
  readonly #orphans = new Map<string, readonly string[]>();

  /** Of the task at a position. */
  of(position: number): readonly string[] {
    return this.#lists[position] ?? NOTHING;
  }

  /** Takes all the rows of the table, which come in any order: `rows` calls what it is given with each. */
  fill(index: IdIndex, rows: (take: (owner: string, value: string) => void) => void): void {
    const lists = new Array<string[] | undefined>(index.size).fill(undefined);
    const orphans = new Map<string, string[]>();
    const unsorted = new Set<string[]>();
    let [lastOwner, lastPosition] = ['', -1];
    rows((owner, value) => {
      // Rows of a task mostly come one after the other.
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

  /** Adds a row, of the task at a position, or of one that is not there. */
  add(owner: string, position: number, value: string): void {
    this.#set(owner, position, [...this.#get(owner, position), value].sort());
  }

  /** Takes a row away; false where it is not there. */
  remove(owner: string, position: number, value: string): boolean {
    const list = this.#get(owner, position);
    const at = list.indexOf(value);
    if (at === -1) return false;
    this.#set(owner, position, list.toSpliced(at, 1));
    return true;
  }

  /** Says that a task with this id is now at a position. */
  adopt(owner: string, position: number): void {
    const list = this.#orphans.get(owner);
    this.#orphans.delete(owner);
    if (list !== undefined) this.#lists[position] = list;
  }

  /** Leaves positions out, so that those behind them move up; the tasks with these ids are not there any more. */
  leaveOut(ids: readonly string[], stays: (list: unknown, position: number) => boolean): void {
    for (const [position, id] of ids.entries()) {
      const list = this.#lists[position];
      if (list !== undefined && !stays(list, position)) this.#orphans.set(id, list);
    }
    this.#lists = Array.from(ids, (_, position) => this.#lists[position]).filter(stays);
  }

  /** A notice for each row whose task is not there, in order. */
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

/** A notice for each pair, by owner and then by value. The lists are in order. */
export function orphanNotices(table: Table, orphans: ReadonlyMap<string, readonly string[]>): readonly Notice[] {
  if (orphans.size === 0) return [];
  return [...orphans.keys()]
    .sort()
    .flatMap((owner) =>
      distinct(orphans.get(owner) ?? NOTHING).map((value): Notice => ({ kind: 'orphanRow', table, owner, value })),
    );
}
