import { join } from 'node:path';
import { format } from 'node:util';
import type { Browser } from 'playwright-core';
import { ROOT } from './install.mjs';
import { addressOf, type EditorServer } from './server.ts';

export interface HostRun {
  /** Folder of the extension under test. */
  readonly extension: string;
  /** Absolute path of a module that exports `run(): Promise<void>`. */
  readonly entry: string;
  /** The folder that the window opens. */
  readonly folder: string;
  readonly timeoutMs: number;
}

/**
 * What came of it: 0 is `run` resolved; `said` is what the page logged, the editor's own hundreds
 * of lines included.
 */
export interface HostOutcome {
  readonly exit: number | 'timeout';
  readonly said: readonly string[];
}

/**
 * Lets the extension host of a `tests` server run an entry point, in a window of its own that is
 * closed afterwards.
 */
export async function runInHost(
  server: EditorServer,
  browser: Browser,
  run: HostRun,
): Promise<HostOutcome> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const said: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    const exit = await new Promise<number | 'timeout'>((resolve, reject) => {
      timer = setTimeout(() => resolve('timeout'), run.timeoutMs);
      const open = async (): Promise<void> => {
        // The two functions that the workbench looks for when it runs tests.
        await page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
          said.push(`[${type}] ${format(...args)}`);
        });
        await page.exposeFunction('codeAutomationExit', resolve);
        const payload = [
          ['extensionDevelopmentPath', server.uriOf(run.extension)],
          ['extensionTestsPath', server.uriOf(run.entry)],
        ] as const;
        await page.goto(addressOf(server, { folder: run.folder, payload }));
      };
      open().catch(reject);
    });
    if (exit !== 0) {
      const path = join(ROOT, 'out', 'shots', `host-${server.version}-failed.png`);
      await page.screenshot({ path }).catch(() => undefined); // the page may be gone, and the report says more
    }
    return { exit, said };
  } finally {
    clearTimeout(timer);
    await context.close();
  }
}
