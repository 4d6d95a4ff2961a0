import type { IdIndex } from './id-index.ts';
import type { TaskId } from '../task.ts';

/**
 * A read-only map from ids to numbers over an existing index: filling a `Map` with 100,000 ids
 * takes longer than finding their levels. Spread it into an array to compare it with another.
 */
export class NumberById implements ReadonlyMap<TaskId, number> {
  readonly #ids: readonly TaskId[];
  readonly #index: IdIndex;
  readonly #positions: Int32Array;
  readonly #numbers: Int32Array;

  /**
   * `positions` lists the ids that are in the map, in its order; `numbers` has the number of each,
   * and -1 for all others.
   */
  constructor(ids: readonly TaskId[], index: IdIndex, positions: Int32Array, numbers: Int32Array) {
    this.#ids = ids;
    this.#index = index;
    this.#positions = positions;
    this.#numbers = numbers;
  }

  get size(): number {
    return this.#positions.length;
  }

  get(id: TaskId): number | undefined {
    const number = this.#numbers[this.#index.get(id)];
    return number === -1 ? undefined : number;
  }

  has(id: TaskId): boolean {
    return this.get(id) !== undefined;
  }

  forEach(
    visit: (number: number, id: TaskId, map: ReadonlyMap<TaskId, number>) => void,
    thisArg?: unknown,
  ): void {
    for (const [id, number] of this) visit.call(thisArg, number, id, this);
  }

  *entries(): MapIterator<[TaskId, number]> {
    for (const position of this.#positions) {
      const id = this.#ids[position];
      const number = this.#numbers[position];
      if (id !== undefined && number !== undefined) yield [id, number];
    }
  }

  *keys(): MapIterator<TaskId> {
    for (const [id] of this.entries()) yield id;
  }

  *values(): MapIterator<number> {
    for (const [, number] of this.entries()) yield number;
  }

  [Symbol.iterator](): MapIterator<[TaskId, number]> {
    return this.entries();
  }
}
