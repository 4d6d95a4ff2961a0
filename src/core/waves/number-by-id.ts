import { LookupMap } from '../lookup-map.ts';
import type { IdIndex } from './id-index.ts';
import type { TaskId } from '../task.ts';

/**
 * A read-only map from ids to numbers over an existing index: filling a `Map` with 100,000 ids
 * takes longer than finding their levels. Spread it into an array to compare it with another.
 */
export class NumberById extends LookupMap<TaskId, number> {
  readonly #ids: readonly TaskId[];
  readonly #index: IdIndex;
  readonly #positions: Int32Array;
  readonly #numbers: Int32Array;

  /**
   * `positions` lists the ids that are in the map, in its order; `numbers` has the number of each,
   * and -1 for all others.
   */
  constructor(ids: readonly TaskId[], index: IdIndex, positions: Int32Array, numbers: Int32Array) {
    super();
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

  *entries(): MapIterator<[TaskId, number]> {
    for (const position of this.#positions) {
      const id = this.#ids[position];
      const number = this.#numbers[position];
      if (id !== undefined && number !== undefined) yield [id, number];
    }
  }
}
