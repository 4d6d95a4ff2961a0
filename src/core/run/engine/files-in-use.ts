import type { TaskId } from '../../task.ts';

/** Which files the tasks at work name, or are likely to touch, over all runs of one backlog. */
export class FilesInUse {
  /**
   * Nearly always one task a file: more only where runs that were taken over began them at the same
   * time.
   */
  readonly #users = new Map<string, readonly TaskId[]>();
  readonly #likely = new Map<TaskId, ReadonlySet<string>>();

  /** A task at work that names this file, other than the one that asks. */
  userOf(file: string, asking: TaskId): TaskId | undefined {
    return this.#users.get(file)?.find((id) => id !== asking);
  }

  /** True where another task at work names one of these files, or is likely to touch it. */
  isLikelyUsed(files: readonly string[], asking: TaskId): boolean {
    if (files.length === 0) return false;
    if (files.some((file) => this.userOf(file, asking) !== undefined)) return true;
    // As many as there are agents.
    for (const [id, touched] of this.#likely)
      if (id !== asking && files.some((file) => touched.has(file))) return true;
    return false;
  }

  take(id: TaskId, files: readonly string[], likely: readonly string[] = []): void {
    if (likely.length > 0) this.#likely.set(id, new Set(likely));
    for (const file of files) {
      const users = this.#users.get(file) ?? [];
      if (!users.includes(id)) this.#users.set(file, [...users, id]);
    }
  }

  /** Returns the files that no task uses any more. */
  release(id: TaskId, files: readonly string[]): readonly string[] {
    this.#likely.delete(id);
    return files.filter((file) => {
      const left = (this.#users.get(file) ?? []).filter((user) => user !== id);
      if (left.length > 0) this.#users.set(file, left);
      else this.#users.delete(file);
      return left.length === 0;
    });
  }
}
