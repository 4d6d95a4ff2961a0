import type { Disposable } from '../../events.ts';
import type { TaskId } from '../../task.ts';

/** How the user completes their task: `as` is the new status, where they chose one. */
export interface Completion {
  readonly as: 'Review' | 'Done' | undefined;
}

/** The user's tasks that wait for completion. */
export class ManualCompletions {
  readonly #waiting = new Map<TaskId, (word: Completion) => void>();

  /** True for a task that waits for the user. */
  has(id: TaskId): boolean {
    return this.#waiting.has(id);
  }

  /** Calls back once, on the completion of a task, unless disposed before. */
  wait(id: TaskId, onWord: (word: Completion) => void): Disposable {
    this.#waiting.set(id, onWord);
    return {
      dispose: () => {
        if (this.#waiting.get(id) === onWord) this.#waiting.delete(id);
      },
    };
  }

  /** Completes a task; false where the task does not wait for that. */
  complete(id: TaskId, word: Completion): boolean {
    const onWord = this.#waiting.get(id);
    this.#waiting.delete(id);
    onWord?.(word);
    return onWord !== undefined;
  }
}
