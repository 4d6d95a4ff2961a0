import type { IdIndex } from './id-index.ts';
import type { Task, TaskId } from '../task.ts';

/**
 * A read-only map from ids to tasks over an index that lists share: after a change of one task no
 * map has to be filled anew.
 */
export class TasksById implements ReadonlyMap<TaskId, Task> {
  readonly #tasks: readonly Task[];
  readonly #index: IdIndex;

  /** Each task must be at the position of its id in `index`, which may hold later ids. */
  constructor(tasks: readonly Task[], index: IdIndex) {
    this.#tasks = tasks;
    this.#index = index;
  }

  get size(): number {
    return this.#tasks.length;
  }

  get(id: TaskId): Task | undefined {
    return this.#tasks[this.#index.get(id)];
  }

  has(id: TaskId): boolean {
    return this.get(id) !== undefined;
  }

  forEach(
    visit: (task: Task, id: TaskId, map: ReadonlyMap<TaskId, Task>) => void,
    thisArg?: unknown,
  ): void {
    for (const task of this.#tasks) visit.call(thisArg, task, task.id, this);
  }

  *entries(): MapIterator<[TaskId, Task]> {
    for (const task of this.#tasks) yield [task.id, task];
  }

  *keys(): MapIterator<TaskId> {
    for (const task of this.#tasks) yield task.id;
  }

  *values(): MapIterator<Task> {
    yield* this.#tasks;
  }

  [Symbol.iterator](): MapIterator<[TaskId, Task]> {
    return this.entries();
  }
}
