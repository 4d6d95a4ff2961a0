import type { Disposable } from '../../events.ts';
import type { TaskId } from '../../task.ts';

/** How a person says that their task is finished: with the status they want it to have, where they name one. */
export interface Completion {
  readonly as: 'Review' | 'Done' | undefined;
}

/** Where the tasks that a person works on wait for their word. */
export class ManualCompletions {
  readonly #waiting = new Map<TaskId, (word: Completion) => void>();

  /** True for a task that waits for a person's word. */
  has(id: TaskId): boolean {
    return this.#waiting.has(id);
  }

  /** Hears of the first word about a task; disposing leaves it unheard. */
  wait(id: TaskId, onWord: (word: Completion) => void): Disposable {
    this.#waiting.set(id, onWord);
    return {
      dispose: () => {
        if (this.#waiting.get(id) === onWord) this.#waiting.delete(id);
      },
    };
  }

  /** Says it; false where nobody waits for it. */
  complete(id: TaskId, word: Completion): boolean {
    const onWord = this.#waiting.get(id);
    this.#waiting.delete(id);
    onWord?.(word);
    return onWord !== undefined;
  }
}
