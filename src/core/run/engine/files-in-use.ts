import type { TaskId } from '../../task.ts';

/** Which files the tasks at work name, over all runs of one backlog. */
export class FilesInUse {
  /**
   * Nearly always one task a file: more only where runs that were taken over began them at the same
   * time.
   */
  readonly #users = new Map<string, readonly TaskId[]>();

  /** A task at work that names this file, other than the one that asks. */
  userOf(file: string, asking: TaskId): TaskId | undefined {
    return this.#users.get(file)?.find((id) => id !== asking);
  }

  take(id: TaskId, files: readonly string[]): void {
    for (const file of files) {
      const users = this.#users.get(file) ?? [];
      if (!users.includes(id)) this.#users.set(file, [...users, id]);
    }
  }

  /** Returns the files that no task uses any more. */
  release(id: TaskId, files: readonly string[]): readonly string[] {
    return files.filter((file) => {
      const left = (this.#users.get(file) ?? []).filter((user) => user !== id);
      if (left.length > 0) this.#users.set(file, left);
      else this.#users.delete(file);
      return left.length === 0;
    });
  }
}
