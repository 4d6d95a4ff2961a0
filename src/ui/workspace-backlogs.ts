import * as vscode from 'vscode';
import type { Disposable, Event } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { BacklogServices, Backlogs } from './backlogs.ts';

/** A backlog with what only the composition root can do for it. */
export interface OpenBacklog extends BacklogServices {
  readonly backlog: Backlog;
  /** The configuration has moved its store: to be closed and opened again. */
  readonly onDidMove?: Event<undefined>;
  readonly onDidChangeActivity?: Event<unknown>;
  /** `hasTerminal` has changed, and nothing else. */
  readonly onDidAdoptTerminal?: Event<unknown>;
  /**
   * Stops what runs, releases every lock, and releases every file and process. Where the whole
   * window goes, locks that a person took are left for a while, so that they are still there after
   * a reload.
   */
  close(what: 'folder' | 'window'): Promise<void>;
}

/** How folders become backlogs. */
export interface Opener {
  /** The folder above (or at) this one that holds a backlog; undefined where there is none. */
  findRoot(folder: string): Promise<string | undefined>;
  /**
   * The same for two roots that lead to one store: two backlogs on it would take each other's locks
   * for their own.
   */
  identify(root: string): Promise<string>;
  open(root: string): OpenBacklog | Promise<OpenBacklog>;
  reportBug(error: unknown): void;
}

/**
 * Opens one backlog for each root that the folders of a trusted window have, and closes it when its
 * folder goes.
 *
 * A folder without a backlog is opened as well: a store may appear in it at any time. Nothing is
 * opened before the window is trusted.
 */
export class WorkspaceBacklogs implements Backlogs, Disposable {
  readonly #opener: Opener;
  readonly #open = new Map<
    string,
    { readonly opened: OpenBacklog; readonly subscription: { dispose(): void } }
  >();
  /** Also for closed backlogs, as a view may still draw a row of one. */
  readonly #services = new WeakMap<Backlog, OpenBacklog>();
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #active = new vscode.EventEmitter<undefined>();
  readonly #disposables: readonly Disposable[];
  readonly #moved = new Set<string>();
  #syncing: Promise<void> = Promise.resolve();
  #closed = false;
  #telling = false;
  /** Of `performance.now()`. */
  #restUntil = 0;

  readonly onDidChange = (listener: (event: undefined) => void): Disposable =>
    this.#changed.event(listener);
  readonly onDidChangeActivity = (listener: (event: undefined) => void): Disposable =>
    this.#active.event(listener);

  constructor(opener: Opener) {
    this.#opener = opener;
    this.#disposables = [
      this.#changed,
      this.#active,
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.#sync()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#sync()),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!event.affectsConfiguration('todo2Waves')) return;
        for (const backlog of this.all) backlog.optionsChanged();
      }),
    ];
    this.#sync();
  }

  /** Backlogs with a store, in the order of folders; without any, the first of the others. */
  get all(): readonly Backlog[] {
    const backlogs = [...this.#open.values()].map(({ opened }) => opened.backlog);
    const found = backlogs.filter((backlog) => backlog.store.kind !== 'missing');
    return found.length > 0 ? found : backlogs.slice(0, 1);
  }

  async refresh(): Promise<void> {
    this.#sync();
    await this.#syncing;
    await Promise.all(
      this.all.map(async (backlog) => {
        await backlog.refresh();
        if (backlog.claimsFailure !== undefined) await backlog.claims.probe();
      }),
    );
  }

  timePassed(): void {
    this.#tellSoon();
  }

  of(backlog: Backlog): BacklogServices {
    const opened = this.#services.get(backlog);
    if (opened === undefined) throw new Error(`Internal error: ${backlog.root} was never open`);
    return opened;
  }

  /** Resolves when the current folders have been checked. */
  whenOpened(): Promise<void> {
    return this.#syncing;
  }

  /** Closes every backlog; resolves when our processes ended. Only locks of the user stay. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#syncing;
    await Promise.all([...this.#open.keys()].map((root) => this.#close(root, 'window')));
    this.dispose();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  /**
   * Once for all that happens in one go: stopping a large run changes thousands of tasks, and each
   * view draws everything. Then not again before four times as long has passed as that took, so
   * that the window has time for other things.
   */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    const tell = (): void => {
      this.#telling = false;
      if (this.#closed) return;
      const began = performance.now();
      this.#changed.fire(undefined);
      this.#restUntil = performance.now() + 4 * (performance.now() - began);
    };
    const waitMs = this.#restUntil - performance.now();
    if (waitMs < 1) setImmediate(tell);
    else setTimeout(tell, waitMs);
  }

  /**
   * One after the other, so that a folder that is removed while it is opened is closed afterwards.
   */
  #sync(): void {
    this.#syncing = this.#syncing
      .then(() => this.#openAndClose())
      .catch((error: unknown) => this.#opener.reportBug(error));
  }

  async #openAndClose(): Promise<void> {
    if (this.#closed || !vscode.workspace.isTrusted) return;
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(
      (folder) => folder.uri.scheme === 'file',
    );
    const rootOf = new Map<string, string>();
    for (const { uri } of folders) {
      const root = (await this.#opener.findRoot(uri.fsPath)) ?? uri.fsPath;
      const identity = await this.#opener.identify(root);
      // The first folder that leads to a store stands for all of them.
      if (!rootOf.has(identity)) rootOf.set(identity, root);
    }
    const roots = new Set(rootOf.values());
    for (const root of this.#open.keys()) {
      if (!roots.has(root) || this.#moved.has(root)) await this.#close(root, 'folder');
    }
    this.#moved.clear();
    for (const root of roots) {
      if (this.#open.has(root)) continue;
      const opened = await this.#opener.open(root);
      const subscriptions = [
        opened.backlog.onDidChange(() => this.#tellSoon()),
        opened.onDidAdoptTerminal?.(() => this.#tellSoon()),
        opened.onDidChangeActivity?.(() => this.#active.fire(undefined)),
        opened.onDidMove?.(() => {
          this.#moved.add(root);
          this.#sync();
        }),
      ];
      const subscription = { dispose: () => subscriptions.forEach((each) => each?.dispose()) };
      this.#open.set(root, { opened, subscription });
      this.#services.set(opened.backlog, opened);
    }
    this.#changed.fire(undefined);
  }

  async #close(root: string, what: 'folder' | 'window'): Promise<void> {
    const entry = this.#open.get(root);
    if (entry === undefined) return;
    this.#open.delete(root);
    entry.subscription.dispose();
    await entry.opened.close(what);
  }
}
