import type { LostParts } from '../../core/edit/change.ts';
import type { Disposable } from '../../core/events.ts';
import type { BacklogSource } from '../../core/ports.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { Task, TaskId } from '../../core/task.ts';
import { readImportable } from '../json/importable.ts';

/** Not more tasks than this are remembered, the last ones. */
const MOST_TASKS = 1_000;

/**
 * Remembers the parent and the metadata of tasks that lose them: an update of exarp-go to In
 * Progress empties them together with the project of the task.
 */
export class LostPartsMemory implements Disposable {
  readonly #source: Pick<BacklogSource, 'state' | 'onDidChange'>;
  readonly #json: string;
  readonly #known = new Map<TaskId, LostParts>();
  readonly #subscription: Disposable;
  #last: Snapshot | undefined;

  /** `json` is the file in which exarp-go keeps a copy of all tasks; it need not exist. */
  constructor(source: Pick<BacklogSource, 'state' | 'onDidChange'>, json: string) {
    this.#source = source;
    this.#json = json;
    this.#subscription = source.onDidChange(() => this.#look());
    this.#look();
  }

  /** What is known of a task without a project: what this process has seen, else the JSON file. */
  async of(id: TaskId): Promise<LostParts | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined && hasAny(known)) return known;
    const read = await readImportable(this.#json, '');
    const entry = read.ok ? read.value.find((task) => task.id === id) : undefined;
    return entry && partsOf(entry);
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  #look(): void {
    const { state } = this.#source;
    if (state.kind !== 'ready') return;
    const { snapshot } = state;
    // The rows without a project are among the notices, so that not every task is looked at.
    for (const notice of snapshot.notices) {
      if (notice.kind !== 'foreignProject' || notice.project !== undefined) continue;
      const before = this.#last?.byId.get(notice.id);
      if (before?.projectId === undefined) continue;
      this.#known.delete(before.id);
      this.#known.set(before.id, partsOf(before));
      const [oldest] = this.#known.keys();
      if (this.#known.size > MOST_TASKS && oldest !== undefined) this.#known.delete(oldest);
    }
    this.#last = snapshot;
  }
}

function hasAny({ parentId, metadata }: LostParts): boolean {
  return parentId !== undefined || Object.keys(metadata).length > 0;
}

function partsOf({ parentId, metadata }: Task): LostParts {
  return { parentId, metadata };
}
