import type { Change } from '../../core/edit/change.ts';
import type { Disposable } from '../../core/events.ts';
import type { Failure } from '../../core/failure.ts';
import type { BacklogSource, Edits } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { removeJsonEntry } from '../json/json-entry.ts';
import { LostPartsMemory } from './lost-parts.ts';

export interface StoreEditsOptions {
  readonly writer: Edits;
  readonly source: Pick<BacklogSource, 'state' | 'refresh' | 'onDidChange'>;
  readonly log: (line: string) => void;
  /** `state.todo2.json`, absolute; it need not exist, and is never created. */
  readonly json: string;
  /** See `patchJsonFile`. */
  readonly root?: string;
}

type Removed = Extract<Awaited<ReturnType<typeof removeJsonEntry>>, { ok: true }>['value'];

/**
 * Edits that survive a sync of exarp-go, which restores tasks from its JSON file: a deleted task is
 * removed from that first. The writer process watches over the rest.
 */
export class StoreEdits implements Edits, Disposable {
  readonly #options: StoreEditsOptions;
  readonly #lost: LostPartsMemory;

  constructor(options: StoreEditsOptions) {
    this.#options = options;
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
    const applied = await writer.apply(changes);
    if (!applied.ok) {
      // Where the outcome is unknown, the row may only be missing from the JSON file: exarp-go
      // rewrites that file from the database, but would restore a deleted task from it.
      if (applied.failure.kind !== 'writerDied') await this.#putBack(removed);
      return applied;
    }
    if (changes.some((change) => change.kind === 'create')) await this.#options.source.refresh();
    return ok(undefined);
  }

  async #withLost(change: Change): Promise<Change> {
    if (change.kind !== 'setProject' || change.from !== undefined) return change;
    return { ...change, lost: change.lost ?? (await this.#lost.of(change.id)) };
  }

  dispose(): void {
    this.#lost.dispose();
  }

  async #putBack(removed: readonly Removed[]): Promise<void> {
    for (const entry of [...removed].reverse()) {
      const back = await entry?.putBack();
      if (back?.ok === false)
        this.#options.log(`An entry could not be put back: ${JSON.stringify(back.failure)}`);
    }
  }
}
