import type { Change } from '../../core/edit/change.ts';
import type { Disposable } from '../../core/events.ts';
import type { BacklogSource, Clock, Edits } from '../../core/ports.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { Task, TaskId } from '../../core/task.ts';

export interface NewTaskGuardOptions {
  readonly writer: Edits;
  readonly source: Pick<BacklogSource, 'state' | 'refresh' | 'onDidChange'>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

type Create = Extract<Change, { kind: 'create' }>;

interface Watched {
  /** The task as last seen, for a new insert. */
  last: Create;
  /** The snapshot when the watch began. */
  readonly since: Snapshot;
  repairs: number;
  isRepairing: boolean;
  readonly timer: Disposable;
}

/**
 * A sync of exarp-go takes about a second, from reading all tasks to deleting those that it has not
 * read.
 */
const WATCH_MS = 8_000;
const MAX_REPAIRS = 2;

/**
 * Guards new tasks for some seconds: a sync of exarp-go deletes rows that were added after it had
 * read. Such a task is inserted again as last seen, at most twice.
 */
export class NewTaskGuard implements Disposable {
  readonly #options: NewTaskGuardOptions;
  readonly #watched = new Map<TaskId, Watched>();
  readonly #subscription: Disposable;

  constructor(options: NewTaskGuardOptions) {
    this.#options = options;
    this.#subscription = options.source.onDidChange(() => this.#look());
  }

  /** Call once the source's state contains the task. */
  watch(create: Create): void {
    this.drop(create.id);
    const { state } = this.#options.source;
    if (state.kind !== 'ready') return;
    const timer = this.#options.clock.after(WATCH_MS, () => this.#watched.delete(create.id));
    this.#watched.set(create.id, {
      last: create,
      since: state.snapshot,
      repairs: 0,
      isRepairing: false,
      timer,
    });
    this.#look();
  }

  /** Call before we delete a task ourselves. */
  drop(id: TaskId): void {
    this.#watched.get(id)?.timer.dispose();
    this.#watched.delete(id);
  }

  dispose(): void {
    for (const id of [...this.#watched.keys()]) this.drop(id);
    this.#subscription.dispose();
  }

  #look(): void {
    const { state } = this.#options.source;
    if (state.kind !== 'ready' || state.snapshot.source !== 'sqlite') return;
    for (const [id, watched] of this.#watched) {
      const task = state.snapshot.byId.get(id);
      if (task !== undefined) watched.last = recreate(task);
      else if (watched.isRepairing) continue;
      else if (wasSynced(watched.since, state.snapshot, id)) void this.#repair(watched);
      else this.#giveUp(id, 'no sync did that');
    }
  }

  async #repair(watched: Watched): Promise<void> {
    const { writer, source, log } = this.#options;
    const { id } = watched.last;
    if (watched.repairs++ === MAX_REPAIRS) {
      this.#giveUp(id, 'it was deleted each time');
      return;
    }
    watched.isRepairing = true;
    const again = await writer.apply([watched.last]);
    // `changedMeanwhile`: the task exists, so the snapshot was outdated.
    if (!again.ok && again.failure.kind !== 'changedMeanwhile') {
      this.#giveUp(id, again.failure.kind);
      return;
    }
    if (again.ok)
      log(`${id} was deleted by another program right after it was created; it was inserted again`);
    await source.refresh();
    watched.isRepairing = false;
    this.#look();
  }

  #giveUp(id: TaskId, why: string): void {
    this.drop(id);
    this.#options.log(
      `${id} was deleted right after it was created, and is not inserted again: ${why}`,
    );
  }
}

/**
 * True where the other tasks were rewritten since, as by a sync. Where they are unchanged, another
 * process or the user deleted this task; where they are gone, the database was replaced.
 */
function wasSynced(before: Snapshot, now: Snapshot, id: TaskId): boolean {
  const others = before.tasks.filter((task) => task.id !== id);
  const rewritten = others.filter(
    ({ id: other, version }) => (now.byId.get(other)?.version ?? -1) > version,
  );
  return rewritten.length * 2 >= others.length;
}

function recreate({
  id,
  title,
  description,
  priority,
  tags,
  dependencies,
  parentId,
}: Task): Create {
  const known = priority === 'other' ? 'medium' : priority;
  return { kind: 'create', id, title, description, priority: known, tags, dependencies, parentId };
}
