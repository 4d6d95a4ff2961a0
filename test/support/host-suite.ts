import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { launchBrowser } from '../editor/browser.ts';
import { runInHost, type HostOutcome, type HostRun } from '../editor/host.ts';
import { ROOT } from '../editor/install.mjs';
import { startServer } from '../editor/server.ts';
import type { HostEvent } from '../host/report.ts';
import type { SuiteResult } from './suite-result.ts';

/** Where the host suite runs: in the server of a version, or in a desktop editor. */
export type HostTarget =
  { readonly server: string } | { readonly executable: string } | { readonly download: string };

/**
 * The desktop editor that the environment names (`VSCODE_EXECUTABLE`, `VSCODE_DOWNLOAD`), or else
 * each server.
 */
export function hostTargets(versions: readonly string[]): HostTarget[] {
  const { VSCODE_EXECUTABLE: executable, VSCODE_DOWNLOAD: download } = process.env;
  if (executable) return [{ executable }];
  if (download) return [{ download }];
  return versions.map((server) => ({ server }));
}

/** Tests that run in one window of an extension host. */
export interface HostSuite {
  readonly title: string;
  /** The folder of the test files. */
  readonly tests: string;
  readonly out: string;
  /** Folders of further extensions, as they are after bundling. */
  readonly extensions: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
}

const FAKE_MODEL = { from: 'test/host/fake-model', to: 'out/host-chat/fake-model' };

/**
 * All run on every target, each in a window of its own: one has chats, and a model for them, one
 * ends its backlogs. The longest comes first.
 */
export const HOST_SUITES: readonly HostSuite[] = [
  {
    title: 'in chats',
    tests: 'test/host/chat',
    out: 'out/host-chat',
    extensions: [FAKE_MODEL.to],
    // There is no user who could allow a tool to change something.
    settings: { 'chat.disableAIFeatures': false, 'chat.tools.global.autoApprove': true },
  },
  {
    title: 'in the extension host',
    tests: 'test/host',
    out: 'out/host',
    extensions: [],
    settings: {},
  },
  {
    title: 'with plans',
    tests: 'test/host/plans',
    out: 'out/host-plans',
    extensions: [],
    settings: {},
  },
];

/**
 * Bundles the entry and each test file of every suite for the extension host, and the extensions
 * that they need.
 */
export async function bundleHostSuites(): Promise<void> {
  for (const { tests, out } of HOST_SUITES) {
    rmSync(join(ROOT, out), { recursive: true, force: true });
    mkdirSync(join(ROOT, out, 'workspace'), { recursive: true }); // what a debugger opens
    const files = readdirSync(join(ROOT, tests)).filter((name) => name.endsWith('.test.ts'));
    await bundle([join('test/host', 'index.ts'), ...files.map((name) => join(tests, name))], out);
  }
  await bundle([join(FAKE_MODEL.from, 'extension.ts')], FAKE_MODEL.to);
  copyFileSync(
    join(ROOT, FAKE_MODEL.from, 'package.json'),
    join(ROOT, FAKE_MODEL.to, 'package.json'),
  );
}

async function bundle(entries: readonly string[], out: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: entries.map((entry) => ({ in: entry, out: basename(entry, '.ts') })),
    outdir: out,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['vscode', 'mocha', 'node:sqlite'],
    sourcemap: true,
    logLevel: 'warning',
  });
}

/** Runs a bundled suite in an extension host, on a window with an empty folder of its own. */
export async function runHostSuite(target: HostTarget, suite: HostSuite): Promise<SuiteResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'todo2-host-'));
  const folder = join(scratch, 'workspace');
  const report = join(scratch, 'report.jsonl');
  mkdirSync(folder);
  writeFileSync(report, '');
  const run: HostRun = {
    extension: ROOT,
    entry: join(ROOT, suite.out, 'index.cjs'),
    folder,
    timeoutMs: 300_000,
  };
  try {
    const { exit, said } =
      'server' in target
        ? await onServer(target.server, suite, run, report)
        : await onDesktop(target, suite, run, report);
    return show(readEvents(report), exit, said);
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function onServer(
  version: string,
  suite: HostSuite,
  run: HostRun,
  report: string,
): Promise<HostOutcome> {
  const env = {
    HOST_REPORT: report,
    ...(process.env['HOST_GREP'] ? { HOST_GREP: process.env['HOST_GREP'] } : {}),
  };
  const extensions = suite.extensions.map((folder) => join(ROOT, folder));
  const server = await startServer({
    version,
    use: 'tests',
    env,
    extensions,
    settings: suite.settings,
  });
  try {
    const browser = await launchBrowser();
    try {
      const outcome = await runInHost(server, browser, run);
      if (outcome.exit === 0 || readEvents(report).length > 0) return outcome;
      return {
        ...outcome,
        said: [...outcome.said, readFileSync(server.logFile, 'utf8').slice(-3000)],
      };
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}

async function onDesktop(
  target: { readonly executable: string } | { readonly download: string },
  suite: HostSuite,
  run: HostRun,
  report: string,
): Promise<HostOutcome> {
  const vscodeExecutablePath =
    'executable' in target
      ? target.executable
      : await downloadAndUnzipVSCode({ version: target.download });
  const profile = join(run.folder, '..', 'profile');
  mkdirSync(join(profile, 'User'), { recursive: true });
  writeFileSync(join(profile, 'User', 'settings.json'), JSON.stringify(suite.settings));
  try {
    const exit = await runTests({
      vscodeExecutablePath,
      extensionDevelopmentPath: [
        run.extension,
        ...suite.extensions.map((folder) => join(ROOT, folder)),
      ],
      extensionTestsPath: run.entry,
      extensionTestsEnv: { HOST_REPORT: report, HOST_GREP: process.env['HOST_GREP'] },
      launchArgs: [
        ...[run.folder, '--user-data-dir', profile, '--extensions-dir', `${profile}-extensions`],
        ...['--disable-workspace-trust', '--skip-welcome', '--skip-release-notes', '--disable-gpu'],
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    });
    return { exit, said: [] };
  } catch (error) {
    return { exit: 1, said: [String(error)] };
  }
}

function readEvents(report: string): HostEvent[] {
  if (!existsSync(report)) return [];
  const lines = readFileSync(report, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as HostEvent);
}

function show(
  events: readonly HostEvent[],
  exit: HostOutcome['exit'],
  said: readonly string[],
): SuiteResult {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const event of events) {
    if (event.kind === 'pass') {
      count.passed++;
      console.log(`  ✔ ${event.title} (${event.ms} ms)`);
    } else if (event.kind === 'skip') {
      count.skipped++;
      console.log(`  – ${event.title}`);
    } else if (event.kind === 'fail') {
      count.failed++;
      console.log(`  ✖ ${event.title}\n${event.text.replace(/^/gm, '      ')}`);
    } else if (event.kind === 'note') {
      console.log(`    ${event.text}`);
    }
  }
  if (events.some((event) => event.kind === 'end') && (exit === 0 || count.failed > 0))
    return count;
  // The page logs dozens of errors of its own while it closes; they matter only when the suite did
  // not get through.
  const errors = said
    .filter((line) => !line.startsWith('[') || line.startsWith('[error]'))
    .slice(-20);
  return {
    ...count,
    crash: `the extension host ended with ${exit} before its end\n${errors.join('\n')}`,
  };
}
