import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { FromBoard, ToBoard } from '../../src/core/board/board-messages.ts';
import type { BoardState } from '../../src/core/board/board-state.ts';
import { detailsOf, logOf } from './board-fixture.ts';
import { BOARD_THEMES, type BoardTheme } from './board-themes.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.ttf': 'font/ttf',
};

export interface BoardPageOptions {
  readonly theme?: BoardTheme;
  readonly width?: number;
  readonly height?: number;
  /** False: the page may start no worker, as where an editor refuses them. */
  readonly workers?: boolean;
  readonly context?: BrowserContextOptions;
}

/**
 * The built board in a page of its own, under the content policy that its window gives it, with a
 * stand-in for the window: it answers what a board asks, and keeps what it posts.
 */
export class BoardPage implements AsyncDisposable {
  readonly posted: FromBoard[] = [];
  /** What went wrong in the page: errors, and what the content policy has refused. */
  readonly troubles: string[] = [];
  logLines = 40;
  readonly page: Page;
  state: BoardState;
  readonly #end: () => Promise<void>;

  private constructor(page: Page, state: BoardState, end: () => Promise<void>) {
    this.page = page;
    this.state = state;
    this.#end = end;
  }

  static async open(
    browser: Browser,
    state: BoardState,
    { theme = 'dark', width = 1440, height = 900, workers = true, context }: BoardPageOptions = {},
  ): Promise<BoardPage> {
    const server = createServer((request, response) => {
      const name = basename(new URL(request.url ?? '/', 'http://localhost').pathname);
      const answer = async (): Promise<readonly [type: string, body: string | Buffer]> => {
        if (name === '') return ['text/html', pageOf(theme, origin(), workers)];
        if (name === 'favicon.ico') return ['image/x-icon', ''];
        if (name === 'theme.css') return ['text/css', themeOf(theme)];
        return [TYPES[extname(name)] ?? 'text/plain', await readFile(join('dist/board', name))];
      };
      answer().then(
        ([type, body]) => response.writeHead(200, { 'content-type': type }).end(body),
        (error: unknown) => response.writeHead(404).end(String(error)),
      );
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const within = await browser.newContext({ viewport: { width, height }, ...context });
    const page = await within.newPage();
    const board = new BoardPage(page, state, async () => {
      await within.close();
      await new Promise((done) => server.close(done));
    });
    page.on('pageerror', (error) => board.troubles.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') board.troubles.push(message.text());
    });
    await page.exposeFunction('posted', (message: FromBoard) => board.#answer(message));
    await page.goto(origin());
    await page.locator('.strip').waitFor();
    return board;
  }

  /** Tells the board something, and waits until it has drawn it. */
  async tell(message: ToBoard): Promise<void> {
    await this.page.evaluate((data) => {
      const page = globalThis as unknown as {
        postMessage(data: unknown): void;
        requestAnimationFrame(done: () => void): void;
      };
      page.postMessage(data);
      return new Promise<void>((done) =>
        page.requestAnimationFrame(() => page.requestAnimationFrame(() => done())),
      );
    }, message);
  }

  /** What was posted since the last call of this. */
  take(): readonly FromBoard[] {
    return this.posted.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #answer(message: FromBoard): Promise<void> {
    this.posted.push(message);
    if (message.kind === 'ready') await this.tell({ kind: 'state', state: this.state });
    if (message.kind === 'drawer' && message.id !== undefined) {
      await this.tell({
        kind: 'details',
        id: message.id,
        details: detailsOf(this.state, message.id),
      });
      if (message.withLog) await this.tell(logOf(message.id, this.logLines));
    }
  }
}

function themeOf(theme: BoardTheme): string {
  const colors = Object.entries(BOARD_THEMES[theme].colors);
  return `:root {
    color-scheme: ${theme.endsWith('light') ? 'light' : 'dark'};
    --vscode-font-family: 'Segoe WPC', 'Segoe UI', system-ui, 'Ubuntu', sans-serif;
    --vscode-font-size: 13px;
    --vscode-editor-font-family: 'Droid Sans Mono', monospace;
    ${colors.map(([name, value]) => `--vscode-${name}: ${value};`).join('\n    ')}
    scrollbar-color: var(--vscode-scrollbarSlider-background) transparent;
  }`;
}

function pageOf(theme: BoardTheme, origin: string, workers: boolean): string {
  const nonce = randomBytes(16).toString('hex');
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${origin}`,
    `img-src ${origin} data:`,
    `worker-src ${workers ? 'blob:' : "'none'"}`,
    `connect-src ${origin}`,
  ].join('; ');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <title>Waves</title>
    <link rel="stylesheet" href="/theme.css" />
    <link rel="stylesheet" href="/board.css" />
  </head>
  <body class="${BOARD_THEMES[theme].body}">
    <div id="board"></div>
    <script nonce="${nonce}">
      globalThis.acquireVsCodeApi = () => ({
        postMessage: (message) => void posted(message),
        getState: () => JSON.parse(sessionStorage.getItem('state') ?? 'null') ?? undefined,
        setState: (state) => sessionStorage.setItem('state', JSON.stringify(state)),
      });
    </script>
    <script nonce="${nonce}" src="/board.js"></script>
  </body>
</html>`;
}
