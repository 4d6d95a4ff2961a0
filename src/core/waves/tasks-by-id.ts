import { LookupMap } from '../lookup-map.ts';
import type { IdIndex } from './id-index.ts';
import type { Task, TaskId } from '../task.ts';

/**
 * A read-only map from ids to tasks over an index that lists share: after a change of one task no
 * map has to be filled anew.
 */
export class TasksById extends LookupMap<TaskId, Task> {
  readonly #tasks: readonly Task[];
  readonly #index: IdIndex;

  /** Each task must be at the position of its id in `index`, which may hold later ids. */
  constructor(tasks: readonly Task[], index: IdIndex) {
    super();
    this.#tasks = tasks;
    this.#index = index;
  }

  get size(): number {
    return this.#tasks.length;
  }

  get(id: TaskId): Task | undefined {
    return this.#tasks[this.#index.get(id)];
  }

  *entries(): MapIterator<[TaskId, Task]> {
    for (const task of this.#tasks) yield [task.id, task];
  }
}
