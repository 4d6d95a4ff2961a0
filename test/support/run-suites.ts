import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import {
  isInstalled,
  NEWEST,
  nodeOf,
  ROOT,
  run,
  serverFolder,
  step,
  VERSIONS,
  WINDOW_VERSION,
} from '../editor/install.mjs';
import { bundleHostSuites, HOST_SUITES, hostTargets, runHostSuite } from './host-suite.ts';
import { testFilesBelow } from './test-files.mjs';
import type { SuiteResult } from './suite-result.ts';

/** The parts of `npm test`, in their order. */
export const PARTS = ['static', 'unit', 'store', 'host', 'e2e'] as const;
export type Part = (typeof PARTS)[number];

/**
 * Builds what these parts need, runs them one after the other and answers what came of each. What
 * is needed is installed.
 */
export async function runSuites(parts: readonly Part[]): Promise<ReadonlyMap<string, SuiteResult>> {
  const results = new Map<string, SuiteResult>();
  const add = async (name: string, suite: () => Promise<SuiteResult>): Promise<void> => {
    console.log(`\n${name} …`);
    const begun = Date.now();
    // One suite that cannot be run must not hide what the others say.
    const result = await suite().catch((error: unknown): SuiteResult => ({
      ...NOTHING,
      crash: String(error),
    }));
    results.set(name, result);
    if (result.crash !== undefined) console.log(`  ✖ ${result.crash.replaceAll('\n', '\n      ')}`);
    const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : '';
    const all = result.passed + failuresOf(result);
    console.log(
      `  ${name}: ${result.passed} of ${all} well${skipped}, in ${((Date.now() - begun) / 1000).toFixed(1)} s`,
    );
  };

  const built = parts.some((part) => part !== 'unit' && part !== 'store');
  if (built) {
    // The package is built from a fresh bundle each time, by vsce itself.
    const vsce = join(ROOT, 'node_modules/@vscode/vsce/vsce');
    await step('Building and packaging the extension', () =>
      run(process.execPath, [vsce, 'package', '-o', 'out/todo2-waves.vsix'], { cwd: ROOT }),
    );
  }
  for (const part of parts) {
    if (part === 'static') await add('types, lint, format, dead code, package', runChecks);
    if (part === 'unit') await add('units', runUnits);
    if (part === 'store')
      await add('store', () =>
        runNodeTests(longestFirst(testFiles('store')), typedNode(sqliteNode())),
      );
    if (part === 'host') {
      await bundleHostSuites();
      const targets = hostTargets(VERSIONS);
      // The longest first; a desktop editor is downloaded once, for the first that needs it.
      const limit = pLimit(targets.every((target) => 'server' in target) ? CORES : 1);
      await limit.map(
        HOST_SUITES.flatMap((suite) => targets.map((target) => ({ target, suite }))),
        ({ target, suite }) =>
          add(`${suite.title} of ${Object.values(target).join('')}`, () =>
            runHostSuite(target, suite),
          ),
      );
    }
    if (part === 'e2e') {
      await add(`in the window of ${WINDOW_VERSION}`, () =>
        runNodeTests(
          longestFirst(testFiles('e2e')),
          typedNode(process.execPath),
          'process',
          WINDOWS_AT_ONCE,
        ),
      );
    }
  }
  return results;
}

const CORES = availableParallelism();
/** A window waits for most of its time: for an agent, a lock, a notification. */
const WINDOWS_AT_ONCE = CORES + 1;

const NOTHING = { passed: 0, failed: 0, skipped: 0 };

/** At least one where the suite crashed, even if its counts report none. */
export function failuresOf({ passed, failed, crash }: SuiteResult): number {
  return Math.max(failed, crash !== undefined || passed + failed === 0 ? 1 : 0);
}

/**
 * Runs what `npm run check` runs but for the units, as many at once as there are cores, the longest
 * first.
 */
async function runChecks(): Promise<SuiteResult> {
  const bin = join(ROOT, 'node_modules');
  const checks = [
    ['lint', join(bin, 'eslint/bin/eslint.js'), '.'],
    ['dead code', join(bin, 'knip/bin/knip.js')],
    ['format', join(bin, 'prettier/bin/prettier.cjs'), '--check', '.'],
    ['types', join(bin, 'typescript-native/bin/tsc'), '--noEmit'],
    ['types of the board', join(bin, 'typescript-native/bin/tsc'), '--noEmit', '-p', 'media'],
    [
      'layers',
      join(bin, 'dependency-cruiser/bin/dependency-cruise.mjs'),
      '--config',
      '.dependency-cruiser.mjs',
      'src',
      'media',
    ],
    ['package', join(ROOT, 'test/support/package-check.mjs')],
  ] as const;
  const count = { ...NOTHING };
  const limit = pLimit(CORES);
  await limit.map(checks, async ([name, ...command]) => {
    try {
      await run(process.execPath, [...command], { cwd: ROOT });
      count.passed++;
      console.log(`  ✔ ${name}`);
    } catch (error) {
      count.failed++;
      console.log(`  ✖ ${name}\n${(error as Error).message.replace(/^/gm, '      ')}`);
    }
  });
  return count;
}

/**
 * All unit tests. Where this machine has a Node that can do so, files share a process per core:
 * starting one for each file is most of the time. Files with hooks for all that runs in their
 * process, or with a stand-in for the editor, keep their own.
 */
async function runUnits(): Promise<SuiteResult> {
  const files = longestFirst(testFiles('unit'));
  const node = newestNode();
  if (node === undefined) return runNodeTests(files, typedNode(process.execPath));
  const [own, shared] = [true, false].map((isOwn) =>
    files.filter((file) => needsOwnProcess(file) === isOwn),
  );
  const shares = Array.from({ length: CORES }, (_, share) =>
    (shared ?? []).filter((_file, i) => i % CORES === share),
  );
  const results = [
    await runNodeTests(own ?? [], typedNode(node)),
    ...(await Promise.all(shares.map((share) => runNodeTests(share, typedNode(node), 'none')))),
  ];
  const crash = results.find((result) => result.crash !== undefined)?.crash;
  const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
    results.reduce((all, each) => all + each[key], 0);
  const total = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  return crash === undefined ? total : { ...total, crash };
}

function needsOwnProcess(file: string): boolean {
  return /^(before|after)(Each)?\(|use-editor-stub/m.test(readFileSync(file, 'utf8'));
}

function testFiles(folder: string): readonly string[] {
  return testFilesBelow(join(ROOT, 'test', folder));
}

/**
 * The longest files first, as a guess at what takes long: a file that is begun last leaves the
 * other cores idle.
 */
function longestFirst(files: readonly string[]): readonly string[] {
  const sizes = new Map(files.map((file) => [file, statSync(file).size]));
  return files.toSorted((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0));
}

/** Runs test files with node:test, and shows what they say while they run. */
async function runNodeTests(
  files: readonly string[],
  [node, ...options]: readonly [string, ...string[]],
  isolation: 'process' | 'none' = 'process',
  atOnce = CORES,
): Promise<SuiteResult> {
  if (files.length === 0) return { ...NOTHING, crash: 'There are no tests' };
  const scratch = mkdtempSync(join(tmpdir(), 'todo2-suite-'));
  const counts = join(scratch, 'result.json');
  const request = JSON.stringify({
    isolation,
    concurrency: isolation === 'none' ? 1 : atOnce,
    files,
  });
  try {
    const end = await new Promise<string | undefined>((resolve, reject) => {
      const child = spawn(node, [...options, 'test/support/run-node-tests.mjs', request], {
        cwd: ROOT,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, SUITE_RESULT: counts },
      });
      process.once('exit', () => child.kill());
      child.on('error', reject);
      child.on('close', (code, signal) =>
        resolve(signal ?? (code === 0 || code === 1 ? undefined : String(code))),
      );
    });
    const result = JSON.parse(readFileSync(counts, 'utf8')) as SuiteResult;
    return end === undefined ? result : { ...result, crash: `the tests ended with ${end}` };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * A Node and what it needs to read TypeScript: newer ones leave the types out by themselves, which
 * is much faster.
 */
function typedNode(node: string): readonly [string, ...string[]] {
  return node === newestNode() ? [node] : [node, '--import', 'tsx'];
}

/**
 * This Node, if it is new enough to read TypeScript, or that of the newest editor; undefined where
 * that is not installed.
 */
function newestNode(): string | undefined {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return isInstalled(serverFolder(NEWEST)) ? nodeOf(NEWEST) : undefined;
}

/** This Node where it has SQLite without asking for it, else that of the newest editor. */
function sqliteNode(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13) ? process.execPath : nodeOf(NEWEST);
}
