import type { Change } from '../../core/edit/change.ts';
import type { Disposable } from '../../core/events.ts';
import type { Failure } from '../../core/failure.ts';
import type { Edits } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { removeJsonEntry } from '../json/json-entry.ts';
import { LostPartsMemory } from './lost-parts.ts';
import { NewTaskGuard, type NewTaskGuardOptions } from './new-task-guard.ts';

export interface StoreEditsOptions extends NewTaskGuardOptions {
  /** `state.todo2.json`, absolute; it need not exist, and is never created. */
  readonly json: string;
  /** See `patchJsonFile`. */
  readonly root?: string;
}

type Removed = Extract<Awaited<ReturnType<typeof removeJsonEntry>>, { ok: true }>['value'];

/**
 * Edits that survive a sync of exarp-go, which restores tasks from its JSON file and deletes new
 * ones that it has not read: a deleted task is removed from the JSON file first, and a new one is
 * guarded for a while.
 */
export class StoreEdits implements Edits, Disposable {
  readonly #options: StoreEditsOptions;
  readonly #guard: NewTaskGuard;
  readonly #lost: LostPartsMemory;

  constructor(options: StoreEditsOptions) {
    this.#options = options;
    this.#guard = new NewTaskGuard(options);
    this.#lost = new LostPartsMemory(options.source, options.json);
  }

  async apply(given: readonly Change[]): Promise<Result<undefined, Failure>> {
    const { writer } = this.#options;
    const changes = await Promise.all(given.map((change) => this.#withLost(change)));
    const deleted = changes.filter((change) => change.kind === 'delete').map(({ id }) => id);
    const removed: Removed[] = [];
    for (const id of deleted) {
      const entry = await removeJsonEntry(this.#options.json, id, this.#options.root);
      if (!entry.ok) {
        await this.#putBack(removed);
        return fail(entry.failure);
      }
      removed.push(entry.value);
    }
    for (const id of deleted) this.#guard.drop(id);
    const applied = await writer.apply(changes);
    if (!applied.ok) {
      // Where the outcome is unknown, the row may only be missing from the JSON file: exarp-go
      // rewrites that file from the database, but would restore a deleted task from it.
      if (applied.failure.kind !== 'writerDied') await this.#putBack(removed);
      return applied;
    }
    const created = changes.filter((change) => change.kind === 'create');
    if (created.length > 0) await this.#options.source.refresh();
    for (const change of created) this.#guard.watch(change);
    return ok(undefined);
  }

  async #withLost(change: Change): Promise<Change> {
    if (change.kind !== 'setProject' || change.from !== undefined) return change;
    return { ...change, lost: change.lost ?? (await this.#lost.of(change.id)) };
  }

  dispose(): void {
    this.#lost.dispose();
    this.#guard.dispose();
  }

  async #putBack(removed: readonly Removed[]): Promise<void> {
    for (const entry of [...removed].reverse()) {
      const back = await entry?.putBack();
      if (back?.ok === false)
        this.#options.log(`An entry could not be put back: ${JSON.stringify(back.failure)}`);
    }
  }
}
