import { basename, dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { SqlJsStatic } from 'sql.js';
import { NO_CONFIG, type ProjectConfig } from '../../core/config.ts';
import { Emitter, type Disposable, type Event } from '../../core/events.ts';
import type { BacklogSource, Clock } from '../../core/ports.ts';
import type { Result } from '../../core/result.ts';
import type { Notice, Snapshot, StoreState } from '../../core/snapshot.ts';
import { TasksById } from '../../core/waves/tasks-by-id.ts';
import { ConfigFile } from '../files/config-file.ts';
import { FolderWatch } from '../files/folder-watch.ts';
import { JsonFile } from './json-file.ts';
import { storePathsOf, type StorePaths } from '../files/locate.ts';
import { SnapshotReader, type Fault } from './snapshot-reader.ts';
import { forgetSqlJs, loadSqlJs } from './sql-js.ts';
import { DatabaseTasks } from './sqlite-reader.ts';
import type { ContentFault, StoreContent } from './store-content.ts';
import { systemClock } from '../files/system-clock.ts';
import { indexById } from './task-list.ts';
import { messageOf, stackOf } from '../../core/text.ts';

export interface BacklogOptions {
  /** The `sql-wasm.wasm` of the sql.js that is bundled, absolute. */
  readonly wasmFile: string;
  readonly clock?: Clock;
  /** From `locateStore`. Default: the paths without a configuration. */
  readonly paths?: StorePaths;
  /** False polls only, as where watchers are blind. */
  readonly watch?: boolean;
}

/**
 * The poll interval. A look costs some microseconds, and half of this and a load must fit into the
 * half second in which a change must show.
 */
const POLL_MS = 250;
/** From the first watcher event to the look: one commit causes several events. */
const DEBOUNCE_MS = 15;
/** A missing database may reappear: a checkout deletes it and puts another in its place. */
const GONE_MS = 60;
/** Consecutive reads that failed because of writers, two seconds each, before that is reported. */
const BUSY_LIMIT = 3;
/** A look that takes longer is reported: the disk or network share does not answer. */
const SLOW_MS = 2_500;
/**
 * After a slow look the next one waits as long, up to this, so that a busy store does not fill the
 * thread.
 */
const REST_MS = 150;

/**
 * Opens the backlog of a root, a folder with `.todo2` or `.exarp`: the database, or without one the
 * JSON file, which need not exist yet. Reads at once and follows changes; the caller disposes it.
 */
export function openBacklog(root: string, options: BacklogOptions): BacklogSource {
  return new BacklogFiles(options.paths ?? storePathsOf(root), options);
}

/** The result of one look at the files; undefined where nothing has changed. */
type Observation = StoreState | undefined;

class BacklogFiles implements BacklogSource {
  readonly root: string;
  readonly onDidChange: Event<void>;
  readonly #paths: StorePaths;
  readonly #wasmFile: string;
  readonly #clock: Clock;
  readonly #changed = new Emitter<void>();
  readonly #database: SnapshotReader;
  readonly #tasks: DatabaseTasks;
  readonly #json: JsonFile;
  readonly #configFile: ConfigFile;
  readonly #watches: readonly FolderWatch[];
  #state: StoreState = { kind: 'loading' };
  #config: ProjectConfig = NO_CONFIG;
  #configNotices: readonly Notice[] = [];
  /** Passes are serial, so that no older result comes after a newer one. */
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #timerIsSoon = false;
  #restUntil = 0;
  #busyReads = 0;
  /** When leases in the content may change their meaning; epoch ms. */
  #holdsUntil = Infinity;
  #slowSince: number | undefined;
  #isLooking = false;
  #disposed = false;

  constructor(paths: StorePaths, options: BacklogOptions) {
    this.root = paths.root;
    this.onDidChange = this.#changed.event;
    this.#paths = paths;
    this.#wasmFile = options.wasmFile;
    this.#clock = options.clock ?? systemClock;
    this.#database = new SnapshotReader(paths.database, this.#clock, paths.root);
    this.#tasks = new DatabaseTasks(paths.project);
    this.#json = new JsonFile(paths.json, this.#clock, paths.root);
    this.#configFile = new ConfigFile(paths);
    const names = new Set(
      [paths.database, `${paths.database}-wal`, `${paths.database}-journal`, paths.json].map(
        (path) => basename(path),
      ),
    );
    this.#watches =
      options.watch === false
        ? []
        : [
            ...[...new Set([paths.todo2, dirname(paths.database), dirname(paths.json)])].map(
              (folder) =>
                new FolderWatch(folder, (name) => this.#onSign(name === null || names.has(name))),
            ),
            // For `.todo2` itself, which may be created later.
            new FolderWatch(paths.root, (name) => this.#onSign(name === null || name === '.todo2')),
          ];
    void this.refresh();
  }

  get state(): StoreState {
    return this.#state;
  }

  get config(): ProjectConfig {
    return this.#config;
  }

  get slowSince(): number | undefined {
    return this.#slowSince;
  }

  refresh(): Promise<void> {
    // A pass in progress may have read before the caller's commit, so only a later one counts.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      this.#running = this.#pass();
      return this.#running;
    });
    return this.#next;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#timer?.dispose();
    for (const each of this.#watches) each.dispose();
    this.#changed.dispose();
    if (!this.#isLooking) this.#database.dispose();
  }

  /**
   * Looks once; again soon where something changed, as more may follow, else at the next event or
   * poll.
   */
  async #pass(): Promise<void> {
    if (this.#disposed) return;
    this.#isLooking = true;
    this.#timer?.dispose();
    this.#timer = undefined;
    const begin = this.#clock.now();
    const patience = this.#clock.after(SLOW_MS, () => {
      this.#slowSince = begin;
      this.#changed.fire();
    });
    let look: Observation;
    try {
      // Before the read, so that no change falls between the read and the watch.
      for (const each of this.#watches) each.ensure();
      const configChanged = await this.#lookAtConfig();
      look = await this.#look();
      if (!this.#isDisposed()) this.#take(look, configChanged);
    } catch (error) {
      this.#forget();
      this.#take(
        this.#unreadable({
          cause: 'io',
          file: this.#paths.database,
          detail: `Internal error: ${stackOf(error)}`,
        }),
        false,
      );
    }
    this.#isLooking = false;
    patience.dispose();
    if (this.#slowSince !== undefined) {
      this.#slowSince = undefined;
      this.#changed.fire();
    }
    if (this.#isDisposed()) {
      this.#database.dispose();
      return;
    }
    const now = this.#clock.now();
    this.#restUntil = now + Math.min(Math.max(0, now - begin), REST_MS);
    if (look !== undefined) this.#lookIn(DEBOUNCE_MS);
    this.#lookIn(POLL_MS);
  }

  async #look(): Promise<Observation> {
    if (this.#state.kind !== 'loading' && (await this.#database.isUnchanged())) {
      return this.#clock.now() < this.#holdsUntil
        ? undefined
        : this.#read((SQL) => this.#tasks.again(SQL, this.#clock.now()));
    }
    const news = await this.#database.readNewPages();
    const followed =
      news && (await this.#read((SQL) => this.#tasks.follow(SQL, news, this.#clock.now())));
    if (followed !== undefined) return followed;

    let image = await this.#database.read();
    if (image.kind === 'absent' && this.#hasDatabase()) {
      await wait(GONE_MS);
      image = await this.#database.read();
    }
    if (image.kind === 'absent') {
      this.#busyReads = 0;
      this.#tasks.forget();
      return this.#lookAtJson();
    }
    this.#json.forget();
    if (image.kind === 'fault') {
      this.#busyReads = image.fault.cause === 'busy' ? this.#busyReads + 1 : 0;
      // The last snapshot is still valid, only not the newest; busy is reported when it lasts.
      if (this.#busyReads > 0 && this.#busyReads < BUSY_LIMIT && this.#state.kind === 'ready')
        return undefined;
      return this.#unreadable(image.fault);
    }
    this.#busyReads = 0;
    const whole = image;
    return this.#read((SQL) => this.#tasks.read(SQL, whole, this.#clock.now()));
  }

  /** Undefined where `read` has no base to continue from. */
  async #read(
    read: (SQL: SqlJsStatic) => Result<StoreContent, ContentFault> | undefined,
  ): Promise<Observation> {
    let SQL;
    try {
      SQL = await loadSqlJs(this.#wasmFile);
    } catch (error) {
      this.#forget();
      return this.#unreadable({ cause: 'io', file: this.#wasmFile, detail: messageOf(error) });
    }
    const content = read(SQL);
    this.#holdsUntil = (content?.ok === true ? content.value.holdsUntil : undefined) ?? Infinity;
    if (content === undefined) return undefined;
    if (content.ok) return this.#ready('sqlite', this.#paths.database, content.value);
    if (content.failure.cause === 'io') forgetSqlJs(this.#wasmFile);
    return this.#unreadable({ file: this.#paths.database, ...content.failure });
  }

  /** The next look then reads everything. */
  #forget(): void {
    this.#database.forget();
    this.#tasks.forget();
  }

  async #lookAtJson(): Promise<Observation> {
    const found = await this.#json.read(this.#paths.project);
    switch (found.kind) {
      case 'unchanged':
        return undefined;
      case 'absent':
        return this.#state.kind === 'missing' ? undefined : { kind: 'missing' };
      case 'content':
        return this.#ready('json', this.#paths.json, found.content);
      case 'fault':
        return this.#unreadable({ file: this.#paths.json, ...found.fault });
    }
  }

  async #lookAtConfig(): Promise<boolean> {
    const read = await this.#configFile.readIfChanged();
    if (read === undefined) return false;
    this.#config = read.config;
    this.#configNotices = read.notices;
    return true;
  }

  /** Updates the state and fires the event. */
  #take(look: Observation, configChanged: boolean): void {
    if (look !== undefined) this.#state = look;
    else if (configChanged && this.#state.kind === 'ready') {
      this.#state = { kind: 'ready', snapshot: this.#withConfig(this.#state.snapshot) };
    }
    if (look === undefined && !configChanged) return;
    try {
      this.#changed.fire();
    } catch (error) {
      // A listener's bug is reported as unhandled, without ending the watch on the store.
      void Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #ready(source: Snapshot['source'], file: string, content: StoreContent): StoreState {
    const { root, project } = this.#paths;
    const snapshot: Snapshot = {
      root,
      file,
      source,
      project,
      tasks: content.tasks,
      links: content.links,
      notices: content.notices,
      byId:
        content.links === undefined
          ? indexById(content.tasks)
          : new TasksById(content.tasks, content.links.index),
      readAt: this.#clock.now(),
    };
    return { kind: 'ready', snapshot: this.#withConfig(snapshot) };
  }

  /** Replaces the notices of the configuration, which come last. */
  #withConfig(snapshot: Snapshot): Snapshot {
    if (this.#configNotices.length === 0 && snapshot.notices.at(-1)?.kind !== 'badConfig')
      return snapshot;
    const others = snapshot.notices.filter((notice) => notice.kind !== 'badConfig');
    return { ...snapshot, notices: [...others, ...this.#configNotices] };
  }

  /** Undefined where the state is the same. */
  #unreadable(fault: Fault): Observation {
    const now = this.#state;
    if (now.kind === 'unreadable') {
      const { cause, file, detail } = now.failure;
      if (cause === fault.cause && file === fault.file && detail === fault.detail) return undefined;
    }
    const last =
      now.kind === 'ready' ? now.snapshot : now.kind === 'unreadable' ? now.last : undefined;
    return { kind: 'unreadable', failure: { kind: 'unreadable', ...fault }, last };
  }

  #hasDatabase(): boolean {
    const now = this.#state;
    return now.kind === 'ready'
      ? now.snapshot.source === 'sqlite'
      : now.kind === 'unreadable' && now.failure.file === this.#paths.database;
  }

  #onSign(counts: boolean): void {
    if (counts) this.#lookIn(DEBOUNCE_MS);
  }

  /**
   * Schedules a look after that time, unless an earlier one is scheduled; during a pass, after its
   * end.
   */
  #lookIn(ms: number): void {
    const soon = ms < POLL_MS;
    if (this.#isDisposed() || (this.#timer !== undefined && (this.#timerIsSoon || !soon))) return;
    this.#timer?.dispose();
    this.#timerIsSoon = soon;
    const rest = Math.min(this.#restUntil - this.#clock.now(), REST_MS);
    this.#timer = this.#clock.after(Math.max(ms, rest), () => {
      this.#timer = undefined;
      void this.refresh();
    });
  }

  /** A method, so that TypeScript does not narrow it across an `await`. */
  #isDisposed(): boolean {
    return this.#disposed;
  }
}
