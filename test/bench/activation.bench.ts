import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { launchBrowser } from '../editor/browser.ts';
import { runInHost } from '../editor/host.ts';
import { ROOT } from '../editor/install.mjs';
import { startServer } from '../editor/server.ts';
import { createBacklog } from '../support/fixture.ts';
import { median, type Row } from './bench.ts';
import type { ActivationTimes } from './host/activation-times.ts';

export const title = 'Activation';
/** The database of the window is made by a Node.js with SQLite. */
export const needs = 'sqlite';

const RUNS = 5;
const TASKS = 600;

/**
 * Loads and activates the bundle in a real extension host, beside an extension whose `activate`
 * does nothing.
 */
export async function run(): Promise<readonly Row[]> {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-bench-')));
  try {
    const [folder, probe, out] = ['workspace', 'probe', 'times.json'].map((name) =>
      join(scratch, name),
    ) as [string, string, string];
    mkdirSync(folder);
    await createBacklog(folder, {
      tasks: Array.from({ length: TASKS }, (_, n) => ({ id: `T-${n + 1}` })),
    });
    makeProbe(probe);
    const entry = join(ROOT, 'out', 'bench', 'activation-times.cjs');
    await build({
      entryPoints: [join(ROOT, 'test/bench/host/activation-times.ts')],
      outfile: entry,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['vscode'],
    });
    const measured: [ActivationTimes, ActivationTimes][] = [];
    for (let round = 0; round < RUNS; round++) {
      await measureOnce({ folder, probe, entry, out });
      measured.push(JSON.parse(readFileSync(out, 'utf8')) as [ActivationTimes, ActivationTimes]);
    }
    const row = (what: string, of: (times: ActivationTimes) => number, aim: string): Row => ({
      what,
      size: TASKS,
      ours: median(measured.map(([ours]) => of(ours))),
      reference: 'an extension that does nothing, in the same window',
      // The editor gives whole milliseconds.
      referenceMs: Math.max(1, median(measured.map(([, reference]) => of(reference)))),
      aim,
    });
    return [
      row('load the code', (times) => times.loadMs, 'at most 30 ms'),
      row('activate', (times) => times.activateMs, 'at most 10 ms'),
    ];
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function measureOnce(at: {
  folder: string;
  probe: string;
  entry: string;
  out: string;
}): Promise<void> {
  const server = await startServer({
    use: 'tests',
    extensions: [at.probe],
    env: { BENCH_OUT: at.out },
  });
  const browser = await launchBrowser();
  try {
    const { exit, said } = await runInHost(server, browser, {
      extension: ROOT,
      entry: at.entry,
      folder: at.folder,
      timeoutMs: 60_000,
    });
    if (exit !== 0)
      throw new Error(`The extension host ended with ${exit}\n${said.slice(-5).join('\n')}`);
  } finally {
    await browser.close();
    await server.stop();
  }
}

function makeProbe(folder: string): void {
  mkdirSync(folder);
  const manifest = {
    name: 'empty-probe',
    publisher: 'todo2waves',
    version: '0.0.0',
    engines: { vscode: '^1.105.0' },
    main: './main.js',
    activationEvents: ['*'],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'main.js'), 'exports.activate = () => undefined;\n');
}
