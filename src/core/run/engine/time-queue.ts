import { pushTo } from '../../push-to.ts';
import { NumberHeap } from './number-heap.ts';

/** What is due at which time, the earliest first; at the same time in the order it came. */
export class TimeQueue<T> {
  readonly #times = new NumberHeap();
  readonly #items = new Map<number, T[]>();

  /** The earliest time; undefined while nothing is due. */
  get next(): number | undefined {
    return this.#times.peek();
  }

  push(at: number, item: T): void {
    if (!this.#items.has(at)) this.#times.push(at);
    pushTo(this.#items, at, item);
  }

  /** Takes everything that is due at the earliest time. */
  pop(): readonly T[] {
    const at = this.#times.pop();
    const items = at === undefined ? undefined : this.#items.get(at);
    if (at !== undefined) this.#items.delete(at);
    return items ?? [];
  }
}
