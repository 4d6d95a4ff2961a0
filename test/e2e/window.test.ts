import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../editor/browser.ts';
import { ROOT } from '../editor/install.mjs';
import { startServer, type EditorServer } from '../editor/server.ts';
import { Workbench } from '../editor/workbench.ts';

let server: EditorServer;
let browser: Browser;
before(async () => {
  [server, browser] = await Promise.all([
    startServer({ vsix: join(ROOT, 'out/todo2-waves.vsix') }),
    launchBrowser(),
  ]);
});
after(async () => {
  await browser.close();
  await server.stop();
});

test('the packaged extension is installed in an editor that opens, in dark and in light', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-window-'));
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const workbench = await Workbench.open(context, server, { folder });
  t.after(async () => {
    await workbench.photographFailure(t);
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await workbench.screenshot('window-dark');
  await workbench.theme('light');
  await workbench.screenshot('window-light');
  await workbench.run('View: Show Extensions');
  await workbench.page.locator('.extensions-list').getByText('Todo2 Waves').first().waitFor();
  await workbench.screenshot('window-extensions');
  assert.match(await workbench.page.title(), /todo2-window-/);
});
