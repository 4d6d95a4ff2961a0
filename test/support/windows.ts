import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, Locator } from 'playwright-core';
import { launchBrowser } from '../editor/browser.ts';
import { ROOT } from '../editor/install.mjs';
import { type EditorOptions, type EditorServer, startServer } from '../editor/server.ts';
import { Workbench } from '../editor/workbench.ts';
import { endWorkIn, workIn } from './folder-work.ts';
import { createBacklog, nativeWriter, type NativeWriter, type TaskSpec } from './fixture.ts';
import { PATIENCE_MS } from './until.ts';

/** What the database says of a task. */
export interface StoredTask {
  readonly status: string;
  readonly assignee: string | null;
  readonly version: number;
}

/** What a window opens with. */
export interface WindowOptions {
  /** Undefined: a folder without a backlog. */
  readonly tasks?: readonly TaskSpec[];
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Run on the folder before the window opens. */
  readonly prepare?: (folder: string) => void | Promise<void>;
  /** An empty window, without any folder. */
  readonly empty?: boolean;
}

/** An editor with the packaged extension, and a browser in which tests open windows of it. */
export class Windows {
  readonly #server: EditorServer;
  readonly #browser: Browser;
  readonly #folders: string[] = [];
  /** How many windows each folder has at the moment. */
  readonly #open = new Map<string, number>();

  private constructor(server: EditorServer, browser: Browser) {
    this.#server = server;
    this.#browser = browser;
  }

  static async start(options: Pick<EditorOptions, 'trust' | 'settings'> = {}): Promise<Windows> {
    const vsix = join(ROOT, 'out', 'todo2-waves.vsix');
    const [server, browser] = await Promise.all([
      startServer({ vsix, ...options }),
      launchBrowser(),
    ]);
    return new Windows(server, browser);
  }

  /**
   * Opens a window on a fresh folder. It is closed with the test, and a failure leaves a picture. A
   * test that leaves an agent at work has failed.
   */
  async open(t: TestContext, options: WindowOptions): Promise<Window> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-window-')));
    this.#folders.push(folder);
    mkdirSync(join(folder, '.vscode'));
    const settings = { 'todo2Waves.agent': 'simulated', ...options.settings };
    writeFileSync(join(folder, '.vscode', 'settings.json'), JSON.stringify(settings));
    if (options.tasks !== undefined) await createBacklog(folder, { tasks: options.tasks });
    await options.prepare?.(folder);
    return this.#openOn(t, folder, options);
  }

  /** Opens another window on the folder of one that is open, as a second person would. */
  join(t: TestContext, { folder }: Window): Promise<Window> {
    return this.#openOn(t, folder, {});
  }

  async #openOn(t: TestContext, folder: string, options: WindowOptions): Promise<Window> {
    const context = await this.#browser.newContext({ viewport: { width: 1400, height: 900 } });
    const target = options.empty === true ? {} : { folder };
    const workbench = await Workbench.open(context, this.#server, target);
    const window = new Window(workbench, folder);
    this.#open.set(folder, (this.#open.get(folder) ?? 0) + 1);
    t.after(async () => {
      const shown = await workbench.photographFailure(t);
      if (shown !== undefined) t.diagnostic(`the window showed:\n${shown}`);
      await window.closeWriter();
      // A page that is merely dropped keeps its extension host; one that leaves ends it.
      await workbench.page.goto('about:blank').catch(() => undefined);
      await context.close();
      const others = (this.#open.get(folder) ?? 1) - 1;
      this.#open.set(folder, others);
      if (others === 0) await leavesNoWork(folder);
    });
    return window;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
    for (const folder of this.#folders)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/**
 * Agents outlive their window, so a test has to end them; what is left is ended here, and is a
 * failure.
 */
async function leavesNoWork(folder: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end && workIn(folder).length > 0;)
    await pause(100);
  const left = await endWorkIn(folder);
  assert.deepEqual(left, [], 'left at work by this test');
}

/** One window, its folder, and the database in it as another process sees it. */
export class Window {
  readonly workbench: Workbench;
  readonly folder: string;
  #writer: Promise<NativeWriter> | undefined;

  constructor(workbench: Workbench, folder: string) {
    this.workbench = workbench;
    this.folder = folder;
  }

  /** The tree of our view of runs, which is below that of the waves. */
  get runs(): Locator {
    return this.workbench.tree('Runs');
  }

  /** Opens our view and answers its tree, once it has rows. */
  async tree(): Promise<Locator> {
    const tree = this.workbench.tree('Waves');
    await this.workbench.view('Todo2 Waves', tree.getByRole('treeitem'));
    // What commands can do is told to the editor in a message of its own.
    await this.statusBar(/\d/);
    return tree;
  }

  /**
   * Loads the window anew, as *Reload Window* does; what was open is so again. Answers our tree,
   * which has to have been open.
   */
  async reload(): Promise<Locator> {
    await this.workbench.reload();
    const tree = this.workbench.tree('Waves');
    await tree.getByRole('treeitem').first().waitFor();
    await this.statusBar(/\d/);
    return tree;
  }

  /** Waits until the item of ours in the status bar reads like this, icons aside. */
  async statusBar(text: RegExp): Promise<void> {
    await this.workbench.status('todo2Waves.locks').getByText(text).first().waitFor();
  }

  /** A process of its own that has the database open, as an agent or exarp-go has. */
  writer(): Promise<NativeWriter> {
    return (this.#writer ??= nativeWriter(this.folder));
  }

  async tasks(): Promise<Readonly<Record<string, StoredTask>>> {
    const rows = await (await this.writer()).all('SELECT id, status, assignee, version FROM tasks');
    return Object.fromEntries(
      rows.map((row) => [row['id'] as string, row as unknown as StoredTask]),
    );
  }

  /** Waits until something is so; what it waited for is in the error. */
  async until(what: string, isSo: () => Promise<boolean>, timeoutMs = PATIENCE_MS): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (!(await isSo())) {
      await pause(100);
      if (Date.now() > end)
        assert.fail(
          `Not within ${timeoutMs / 1000} s: ${what}. ${JSON.stringify(await this.tasks())}`,
        );
    }
  }

  async closeWriter(): Promise<void> {
    await (await this.#writer)?.close();
  }
}
