import { Emitter, type Disposable, type Event } from '../../../core/events.ts';
import type { Clock } from '../../../core/ports.ts';
import type { Snapshot, StoreState } from '../../../core/snapshot.ts';
import { parseStatus, type Task, type TaskId } from '../../../core/task.ts';
import type { Connection } from '../connection.ts';
import { readLockRow } from '../lock-row.ts';

/**
 * How often to check for commits of other processes: a number in the WAL header, so it costs next
 * to nothing.
 */
const LOOK_EVERY_MS = 1000;

export interface RowWatchOptions {
  readonly connection: Connection;
  readonly file: string;
  readonly id: TaskId;
  readonly clock: Clock;
}

/**
 * One row of `tasks`, read through SQLite after each commit of another process: the source of a
 * `ClaimReconciler` in a process that has the database open and so must never read its bytes.
 *
 * Its snapshot has this task alone, with status, lock and version.
 */
export class RowWatch implements Disposable {
  readonly #options: RowWatchOptions;
  readonly #changed = new Emitter<undefined>();
  #timer: Disposable | undefined;
  #version: unknown;
  #state: StoreState = { kind: 'loading' };

  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(options: RowWatchOptions) {
    this.#options = options;
    this.#plan();
  }

  get state(): StoreState {
    return this.#state;
  }

  /** Reads the row now; an unreadable database leaves the state as it was. */
  refresh(): Promise<void> {
    this.#read();
    return Promise.resolve();
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#changed.dispose();
  }

  #plan(): void {
    const { clock, connection } = this.#options;
    this.#timer = clock.after(LOOK_EVERY_MS, () => {
      // A new connection counts from the start, which costs one needless read and misses none.
      const version = connection.look(
        (db) => db.prepare('PRAGMA data_version').get()?.['data_version'],
      );
      if (version !== undefined && version !== this.#version && this.#read()) {
        this.#version = version;
        this.#changed.fire(undefined);
      }
      this.#plan();
    });
  }

  #read(): boolean {
    const { connection, file, id, clock } = this.#options;
    const found = connection.look((db) => ({ row: readLockRow({ db }, id) }));
    if (found === undefined) return false;
    const { row } = found;
    const lock = row?.lock ?? row?.locks[0];
    const task: Task | undefined = row && {
      id,
      title: '',
      description: '',
      status: parseStatus(row.status),
      rawStatus: row.status,
      priority: 'medium',
      rawPriority: '',
      tags: [],
      dependencies: [],
      metadata: {},
      parentId: undefined,
      projectId: undefined,
      estimatedHours: undefined,
      lock,
      createdAt: undefined,
      modifiedAt: undefined,
      completedAt: undefined,
      version: row.version,
    };
    const snapshot: Snapshot = {
      root: '',
      file,
      source: 'sqlite',
      project: '',
      notices: [],
      readAt: clock.now(),
      tasks: task === undefined ? [] : [task],
      byId: new Map(task === undefined ? [] : [[id, task]]),
    };
    this.#state = { kind: 'ready', snapshot };
    return true;
  }
}
