import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BrowserContext, errors, type Frame, type Locator, type Page } from 'playwright-core';
import { PATIENCE_MS } from '../support/until.ts';
import { ROOT } from './install.mjs';
import { addressOf, type EditorServer, type Target } from './server.ts';

/**
 * Colour themes that every editor version brings along, with the class that the page has while one
 * is on.
 */
const THEMES = {
  dark: ['Dark Modern', '.vs-dark'],
  light: ['Light Modern', '.vs:not(.vs-dark)'],
  highContrastDark: ['Default High Contrast', '.hc-black'],
  highContrastLight: ['Default High Contrast Light', '.hc-light'],
} as const;

/**
 * Where a click has to arrive at the least; else it fell between two drawings of what was pressed,
 * and came to nothing.
 */
const PRESSED = { action: '.action-item', twistie: '.monaco-tl-twistie' } as const;

/**
 * Run in the page before anything else. The editor stops clicks on their way up, so they are seen
 * on their way down; and twenty pictures a second of a turning icon keep a core busy where there is
 * no graphics card.
 */
const IN_PAGE = {
  content: `
    addEventListener('click', ({ target }) => void (globalThis.lastClick = target), true);
    addEventListener('DOMContentLoaded', () => {
      const style = document.createElement('style');
      style.textContent = '.codicon-modifier-spin, .progress-bit { animation: none !important; }';
      document.head.append(style);
    });`,
};

/**
 * A window of the editor, as a person uses it. Finds things by role, id and label, by a class only
 * where the workbench has nothing better. What is not there within `PATIENCE_MS` is an error that
 * names it.
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

  /** Opens a window; `ready` waits for what else a test needs. */
  static async open(
    context: BrowserContext,
    server: EditorServer,
    target: Target,
    ready?: (workbench: Workbench) => Promise<void>,
  ): Promise<Workbench> {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.addInitScript(IN_PAGE);
    const workbench = new Workbench(page, target.folder);
    await page.goto(addressOf(server, target));
    await workbench.#drawn();
    await ready?.(workbench);
    return workbench;
  }

  /**
   * Loads the window anew, by its command: the page alone would leave without having stored how it
   * looked.
   */
  async reload(): Promise<void> {
    await Promise.all([this.page.waitForEvent('load'), this.run('Developer: Reload Window')]);
    await this.#drawn();
  }

  async #drawn(): Promise<void> {
    await this.page.locator('.monaco-workbench').waitFor();
    // Until the colour theme has been read, the page has a mixture of light and dark.
    await this.page.locator('.monaco-workbench[class*="vscode-theme-defaults-"]').waitFor();
  }

  /**
   * Opens a container of the activity bar until it shows this. A window that is still starting may
   * lose the click, or go back to the container it was closed with: then it is opened once more, but
   * never pressed while it is open, which would hide the side bar.
   */
  async view(name: string, shows: Locator): Promise<void> {
    const tab = this.page.locator('.part.activitybar').getByRole('tab', { name });
    await this.#until(`“${name}” shows ${String(shows)}`, async () => {
      if ((await tab.getAttribute('aria-selected')) !== 'true')
        await tab.locator('a').first().click();
      const [answer] = await Promise.allSettled([shows.first().waitFor({ timeout: 4_000 })]);
      return answer.status === 'fulfilled';
    });
  }

  tree(name: string): Locator {
    return this.page.getByRole('tree', { name });
  }

  /**
   * The rows whose label is exactly this text: a row's own name also has its tooltip and
   * description.
   */
  row(tree: Locator, label: string): Locator {
    const exact = this.page.locator('.label-name').getByText(label, { exact: true });
    return tree.getByRole('treeitem').filter({ has: exact });
  }

  /**
   * Scrolls until a row is there: a long tree only keeps those on screen, and a row may come while
   * its place is passed.
   */
  async reveal(tree: Locator, label: string): Promise<Locator> {
    const row = this.row(tree, label);
    await this.#until(`the row “${label}”`, async () => {
      await tree.focus();
      await this.page.keyboard.press('Home');
      for (let before: string | null | undefined; (await row.count()) === 0;) {
        await drawn(this.page.mainFrame());
        const focused = await tree.getAttribute('aria-activedescendant');
        if (focused === before) return false;
        before = focused;
        await this.page.keyboard.press('PageDown');
      }
      return true;
    });
    return row;
  }

  /**
   * Opens or closes a row that has children, and waits until it is so: one that is opened while the
   * topmost rows are asked for is closed again by the editor, and is opened for good once a row
   * below it is drawn.
   */
  async toggle(row: Locator): Promise<void> {
    const isOpen = async (): Promise<boolean> =>
      (await row.getAttribute('aria-expanded')) === 'true';
    const wanted = !(await isOpen());
    const next = async (): Promise<Locator> => {
      const [at, level] = [
        await row.getAttribute('data-index'),
        await row.getAttribute('aria-level'),
      ];
      return row
        .locator('xpath=..')
        .locator(`[data-index="${Number(at) + 1}"][aria-level="${Number(level) + 1}"]`);
    };
    await this.#until(wanted ? 'the row is open' : 'the row is closed', async () => {
      if (
        (await isOpen()) !== wanted &&
        !(await this.#press(row.locator(PRESSED.twistie), 'twistie'))
      )
        return false;
      return (await isOpen()) === wanted && (await (await next()).count()) === (wanted ? 1 : 0);
    });
  }

  /**
   * Presses an action that a row shows while the pointer is on it. A row that is drawn anew in
   * between may have lost the pointer, and its actions with it, or the click: so it is pointed at
   * once more.
   */
  async inline(row: Locator, action: string | RegExp): Promise<void> {
    await this.#until(`${String(action)} is pressed`, async () => {
      await row.hover();
      const button = row.getByRole('button', { name: action });
      if (await this.#press(button, 'action', 4_000)) return true;
      await this.page.mouse.move(0, 0);
      return false;
    });
  }

  /**
   * Chooses from the context menu of a row. What can be chosen may become known only now, and an
   * open menu does not look again: so it is opened anew.
   */
  async menu(row: Locator, item: string | RegExp): Promise<void> {
    const menu = this.page.locator('.monaco-menu');
    const entry = menu.getByRole('menuitem', { name: item });
    await this.#until(`${String(item)} can be chosen`, async () => {
      await row.click({ button: 'right' });
      const [answer] = await Promise.allSettled([entry.waitFor({ timeout: 4_000 })]);
      if (answer.status === 'fulfilled' && (await entry.getAttribute('aria-disabled')) !== 'true')
        return true;
      await this.page.keyboard.press('Escape');
      await menu.waitFor({ state: 'hidden' });
      return false;
    });
    // By key: a menu that has just opened takes no click yet, as that may be the end of the one
    // that opened it.
    await entry.hover();
    await entry.press('Enter');
  }

  /**
   * Presses an action in the title of a view. A container with one view merges that view's title
   * into its own.
   */
  async title(view: string, action: string | RegExp): Promise<void> {
    const name = this.page.locator('h3.title').getByText(view, { exact: true });
    const header = this.page.locator('.pane-header').filter({ has: name });
    const scope = (await header.isVisible())
      ? header
      : this.page.locator('.part.sidebar > .composite.title');
    await scope.hover();
    await scope.getByRole('button', { name: action }).click();
  }

  /**
   * Runs a command from the palette, by its title with category. A window that has just opened
   * learns late which commands can run (after its own extensions have started), and an open palette
   * does not look again: so it is opened anew.
   */
  async run(command: string): Promise<void> {
    const option = this.#option(command);
    let patienceMs = 1000;
    await this.#until(`the command “${command}”`, async () => {
      await this.page.keyboard.press('F1');
      await this.quickInput.fill(`>${command}`);
      const [answer] = await Promise.allSettled([option.waitFor({ timeout: (patienceMs *= 2) })]);
      if (answer.status === 'fulfilled') return true;
      await this.page.keyboard.press('Escape');
      return false;
    });
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
    return this.page
      .locator('.notifications-toasts .notification-list-item')
      .filter({ hasText: text });
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
    const lines = await this.page
      .locator('.terminal-wrapper.active .xterm-rows > div')
      .allTextContents();
    return lines
      .map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  /**
   * The innermost frame that has such an element: a webview is a frame in a frame, and several may
   * be open.
   */
  async webview(selector: string): Promise<Frame> {
    let found: Frame | undefined;
    await this.#until(`a webview with ${selector}`, async () => {
      for (const frame of this.page.frames()) {
        if (frame === this.page.mainFrame()) continue;
        const count = await frame
          .locator(selector)
          .count()
          .catch(() => 0); // a frame may be replaced while it is asked
        if (count > 0) found = frame;
      }
      return found !== undefined;
    });
    return found as Frame;
  }

  /**
   * Switches the colour theme, in the settings of the opened folder: a running window does not read
   * the user's again.
   */
  async theme(theme: keyof typeof THEMES): Promise<void> {
    if (this.#folder === undefined)
      throw new Error('The theme is switched in the settings of a folder; none is open.');
    const file = join(this.#folder, '.vscode', 'settings.json');
    const [name, selector] = THEMES[theme];
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      JSON.stringify({ ...settingsIn(file), 'workbench.colorTheme': name }, null, 2),
    );
    await this.page.locator(`.monaco-workbench${selector}`).waitFor();
  }

  /** Takes a picture of the window, or of a part of it, into `out/shots`; answers its path. */
  async screenshot(name: string, part?: Locator): Promise<string> {
    const path = join(ROOT, 'out', 'shots', `${name}.png`);
    await (part ?? this.page).screenshot({ path });
    return path;
  }

  /**
   * For the end of a test: takes a picture if it failed, and answers in words what the window showed
   * for a log without pictures. Never fails itself, as the window may be what is broken.
   */
  async photographFailure(test: { readonly name: string }): Promise<string | undefined> {
    if ('passed' in test && test.passed === true) return undefined;
    const name = `failed-${test.name.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 80)}`;
    await this.screenshot(name).catch(() => undefined);
    const parts = ['.part.activitybar', '.part.sidebar', '.part.statusbar', '.quick-input-widget'];
    const others = ['.notifications-toasts', '.monaco-dialog-box', '.monaco-menu'];
    const shown = [...parts, ...others].map(async (selector) => {
      const part = this.page.locator(selector).first();
      if (!(await part.isVisible())) return [];
      return `${selector}:\n${await part.ariaSnapshot({ timeout: 5_000 })}`;
    });
    const texts = await Promise.allSettled(shown);
    return texts
      .flatMap((text) => (text.status === 'fulfilled' ? text.value : String(text.reason)))
      .join('\n');
  }

  /**
   * Clicks, and answers whether that arrived; false, too, where there is nothing to be clicked
   * within `patienceMs`.
   */
  async #press(
    target: Locator,
    what: keyof typeof PRESSED,
    patienceMs = PATIENCE_MS,
  ): Promise<boolean> {
    await this.page.evaluate('globalThis.lastClick = undefined');
    try {
      await target.click({ timeout: patienceMs });
    } catch (error) {
      if (error instanceof errors.TimeoutError) return false;
      throw error;
    }
    return this.page.evaluate<boolean>(
      `globalThis.lastClick?.closest(${JSON.stringify(PRESSED[what])}) != null`,
    );
  }

  /** Tries again until it is so; an error says what never was. */
  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; !(await isSo());) {
      if (Date.now() > end) throw new Error(`Not within ${PATIENCE_MS / 1000} s: ${what}`);
      await drawn(this.page.mainFrame());
    }
  }

  #option(label: string): Locator {
    const exact = this.page.locator('.label-name').getByText(label, { exact: true });
    return this.quick.getByRole('option').filter({ has: exact }).first();
  }
}

/**
 * Resolves when a page has drawn what it had to: what is scrolled or pressed shows in one of the
 * next two frames.
 */
export async function drawn(frame: Frame): Promise<void> {
  await frame.evaluate(
    'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
  );
}

function settingsIn(file: string): object {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as object;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
