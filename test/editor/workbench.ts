import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BrowserContext, Frame, Locator, Page } from 'playwright-core';
import { ROOT } from './install.mjs';
import { addressOf, type EditorServer, type Target } from './server.ts';

/** Colour themes that every editor version brings along, with the class that the page has while one is on. */
const THEMES = {
  dark: ['Dark Modern', '.vs-dark'],
  light: ['Light Modern', '.vs:not(.vs-dark)'],
  highContrastDark: ['Default High Contrast', '.hc-black'],
  highContrastLight: ['Default High Contrast Light', '.hc-light'],
} as const;

/**
 * A window of the editor, as a person uses it. Finds things by role, id and label, by a class only where the
 * workbench has nothing better. What is not there within 15 s is an error that names it.
 */
export class Workbench {
  readonly page: Page;
  /** The palette, and every pick and input box. */
  readonly quick: Locator;
  readonly quickInput: Locator;
  readonly #folder: string | undefined;

  private constructor(page: Page, folder: string | undefined) {
    this.page = page;
    this.quick = page.locator('.quick-input-widget');
    this.quickInput = this.quick.locator('input.input');
    this.#folder = folder;
  }

  /** Opens a window; `ready` waits for whatever else has to be there before a test begins. */
  static async open(
    context: BrowserContext,
    server: EditorServer,
    target: Target,
    ready?: (workbench: Workbench) => Promise<void>,
  ): Promise<Workbench> {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const workbench = new Workbench(page, target.folder);
    await page.goto(addressOf(server, target));
    await workbench.#drawn();
    await ready?.(workbench);
    return workbench;
  }

  /** Loads the window anew, by its command: the page alone would leave without having stored how it looked. */
  async reload(): Promise<void> {
    await Promise.all([this.page.waitForEvent('load', { timeout: 45_000 }), this.run('Developer: Reload Window')]);
    await this.#drawn();
  }

  async #drawn(): Promise<void> {
    await this.page.locator('.monaco-workbench').waitFor({ timeout: 45_000 });
    // Until the colour theme has been read, the page has a mixture of light and dark.
    await this.page.locator('.monaco-workbench[class*="vscode-theme-defaults-"]').waitFor({ timeout: 45_000 });
  }

  /** Opens a container of the activity bar. */
  async view(name: string): Promise<void> {
    const tab = this.page.locator('.part.activitybar').getByRole('tab', { name });
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.locator('a').first().click();
  }

  tree(name: string): Locator {
    return this.page.getByRole('tree', { name });
  }

  /** The rows whose label is exactly this text: a row's own name also has its tooltip and description. */
  row(tree: Locator, label: string): Locator {
    const exact = this.page.locator('.label-name').getByText(label, { exact: true });
    return tree.getByRole('treeitem').filter({ has: exact });
  }

  /** Scrolls until a row is there: a long tree only keeps those on screen. */
  async reveal(tree: Locator, label: string): Promise<Locator> {
    const row = this.row(tree, label);
    await tree.focus();
    await this.page.keyboard.press('Home');
    for (let pages = 0; pages < 100 && (await row.count()) === 0; pages++) {
      await this.page.keyboard.press('PageDown');
      await this.page.waitForTimeout(30); // the rows of the next page come with the next frames
    }
    return row;
  }

  /** Opens or closes a row that has children. */
  async toggle(row: Locator): Promise<void> {
    await row.locator('.monaco-tl-twistie').click();
  }

  /**
   * Presses an action that a row shows while the pointer is on it. A row that is drawn anew in between may have lost the pointer,
   * and its actions with it: so it is pointed at once more.
   */
  async inline(row: Locator, action: string | RegExp): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await row.hover();
      try {
        await row.getByRole('button', { name: action }).click({ timeout: 4_000 });
        return;
      } catch (error) {
        if (attempt === 4) throw error;
        await this.page.mouse.move(0, 0);
      }
    }
  }

  /**
   * Chooses from the context menu of a row. What can be chosen may become known only now, and an open menu does not look again:
   * so it is opened anew.
   */
  async menu(row: Locator, item: string | RegExp): Promise<void> {
    const entry = this.page.locator('.monaco-menu').getByRole('menuitem', { name: item });
    for (let attempt = 1; ; attempt++) {
      await row.click({ button: 'right' });
      await entry.waitFor();
      if ((await entry.getAttribute('aria-disabled')) !== 'true' || attempt === 10) break;
      await this.page.keyboard.press('Escape');
      await entry.waitFor({ state: 'hidden' });
      await this.page.waitForTimeout(300);
    }
    // By key: a menu that has just opened takes no click yet, as that may be the end of the one that opened it.
    await entry.hover();
    await entry.press('Enter');
  }

  /** Presses an action in the title of a view. A container with one view merges that view's title into its own. */
  async title(view: string, action: string | RegExp): Promise<void> {
    const name = this.page.locator('h3.title').getByText(view, { exact: true });
    const header = this.page.locator('.pane-header').filter({ has: name });
    const scope = (await header.isVisible()) ? header : this.page.locator('.part.sidebar > .composite.title');
    await scope.hover();
    await scope.getByRole('button', { name: action }).click();
  }

  /**
   * Runs a command from the palette, by its title with category. A window that has just opened learns late which commands
   * can run (after its own extensions have started), and an open palette does not look again: so it is opened anew.
   */
  async run(command: string): Promise<void> {
    const option = this.#option(command);
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('F1');
      await this.quickInput.fill(`>${command}`);
      try {
        await option.waitFor({ timeout: 2000 });
        break;
      } catch (error) {
        if (attempt === 7) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
    await option.click();
  }

  /** Chooses from a pick. */
  async pick(label: string): Promise<void> {
    await this.#option(label).click();
  }

  /** Answers an input box. */
  async type(text: string): Promise<void> {
    await this.quickInput.waitFor();
    await this.quickInput.fill(text);
    await this.quickInput.press('Enter');
  }

  toast(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item').filter({ hasText: text });
  }

  dialog(text: string | RegExp): Locator {
    return this.page.getByRole('dialog').filter({ hasText: text });
  }

  /** A status bar item, by the id that the extension gave it. */
  status(id: string): Locator {
    return this.page.locator(`.statusbar-item[id$=".${id}"]`);
  }

  /** What the visible terminal shows at this moment, without spaces at the ends of lines. */
  async terminalText(): Promise<string> {
    const lines = await this.page.locator('.terminal-wrapper.active .xterm-rows > div').allTextContents();
    return lines
      .map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** The innermost frame that has such an element: a webview is a frame in a frame, and several may be open. */
  async webview(selector: string, timeoutMs = 15_000): Promise<Frame> {
    const end = Date.now() + timeoutMs;
    while (Date.now() < end) {
      for (const frame of this.page.frames()) {
        if (frame === this.page.mainFrame()) continue;
        const found = await frame
          .locator(selector)
          .count()
          .catch(() => 0); // a frame may be replaced while it is asked
        if (found > 0) return frame;
      }
      await this.page.waitForTimeout(50);
    }
    throw new Error(`No webview has ${selector}`);
  }

  /** Switches the colour theme, in the settings of the opened folder: a running window does not read the user's again. */
  async theme(theme: keyof typeof THEMES): Promise<void> {
    if (this.#folder === undefined) throw new Error('The theme is switched in the settings of a folder; none is open.');
    const file = join(this.#folder, '.vscode', 'settings.json');
    const [name, selector] = THEMES[theme];
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ ...settingsIn(file), 'workbench.colorTheme': name }, null, 2));
    await this.page.locator(`.monaco-workbench${selector}`).waitFor();
  }

  /** Takes a picture of the window, or of a part of it, into `out/shots`; answers its path. */
  async screenshot(name: string, part?: Locator): Promise<string> {
    const path = join(ROOT, 'out', 'shots', `${name}.png`);
    await (part ?? this.page).screenshot({ path });
    return path;
  }

  /** For the end of a test: takes a picture if it failed. Never fails itself, as the window may be what is broken. */
  async photographFailure(test: { readonly name: string }): Promise<void> {
    if ('passed' in test && test.passed === true) return;
    const name = `failed-${test.name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 80)}`;
    await this.screenshot(name).catch(() => undefined);
  }

  #option(label: string): Locator {
    const exact = this.page.locator('.label-name').getByText(label, { exact: true });
    return this.quick.getByRole('option').filter({ has: exact }).first();
  }
}

function settingsIn(file: string): object {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as object;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
