import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEWEST, nodeOf, ROOT, run, step, VERSIONS, WINDOW_VERSION } from '../editor/install.mjs';
import { bundleHostSuites, HOST_SUITES, hostTargets, runHostSuite } from './host-suite.ts';
import { testFilesBelow } from './test-files.mjs';
import type { SuiteResult } from './suite-result.ts';

/** The parts of `npm test`, in their order. */
export const PARTS = ['static', 'unit', 'store', 'host', 'e2e'] as const;
export type Part = (typeof PARTS)[number];

/** Builds what these parts need, runs them one after the other and answers what came of each. What is needed is installed. */
export async function runSuites(parts: readonly Part[]): Promise<ReadonlyMap<string, SuiteResult>> {
  const results = new Map<string, SuiteResult>();
  const add = async (name: string, suite: () => Promise<SuiteResult>): Promise<void> => {
    console.log(`\n${name}`);
    const begun = Date.now();
    // One suite that cannot be run must not hide what the others say.
    const result = await suite().catch((error: unknown): SuiteResult => ({ ...NOTHING, crash: String(error) }));
    results.set(name, result);
    if (result.crash !== undefined) console.log(`  ✖ ${result.crash.replaceAll('\n', '\n      ')}`);
    const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : '';
    const all = result.passed + failuresOf(result);
    console.log(`  ${result.passed} of ${all} well${skipped}, in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
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
    if (part === 'unit') await add('units', () => runNodeTests('unit', process.execPath, ALL_CORES));
    if (part === 'store') await add('store', () => runNodeTests('store', sqliteNode(), ALL_CORES));
    if (part === 'host') {
      await bundleHostSuites();
      for (const target of hostTargets(VERSIONS)) {
        for (const suite of HOST_SUITES) {
          await add(`${suite.title} of ${Object.values(target).join('')}`, () => runHostSuite(target, suite));
        }
      }
    }
    if (part === 'e2e') {
      await add(`in the window of ${WINDOW_VERSION}`, () =>
        runNodeTests('e2e', process.execPath, ['--test-concurrency=1']),
      );
    }
  }
  return results;
}

/** As many files at once as there are cores; by itself Node leaves one of them idle. */
const ALL_CORES = [`--test-concurrency=${availableParallelism()}`];

const NOTHING = { passed: 0, failed: 0, skipped: 0 };

/** At least one where a suite cannot be believed, whatever its own counts say. */
export function failuresOf({ passed, failed, crash }: SuiteResult): number {
  return Math.max(failed, crash !== undefined || passed + failed === 0 ? 1 : 0);
}

async function runChecks(): Promise<SuiteResult> {
  const bin = join(ROOT, 'node_modules');
  const checks = [
    ['types', 'typescript/bin/tsc', '--noEmit'],
    ['lint', 'eslint/bin/eslint.js', '.'],
    ['layers', 'dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.mjs', 'src'],
    ['format', 'prettier/bin/prettier.cjs', '--check', '.'],
    ['dead code', 'knip/bin/knip.js'],
    ['package', join(ROOT, 'test/support/package-check.mjs')],
  ] as const;
  const count = { ...NOTHING };
  for (const [name, script, ...args] of checks) {
    try {
      await run(process.execPath, [join(script.startsWith(ROOT) ? '' : bin, script), ...args], { cwd: ROOT });
      count.passed++;
      console.log(`  ✔ ${name}`);
    } catch (error) {
      count.failed++;
      console.log(`  ✖ ${name}\n${(error as Error).message.replace(/^/gm, '      ')}`);
    }
  }
  return count;
}

/** Runs the test files of a folder under `test` with node:test, and shows what they say while they run. */
async function runNodeTests(folder: string, node: string, options: readonly string[]): Promise<SuiteResult> {
  const files = testFilesBelow(join(ROOT, 'test', folder));
  if (files.length === 0) return { ...NOTHING, crash: `test/${folder} has no tests` };
  const scratch = mkdtempSync(join(tmpdir(), 'todo2-suite-'));
  const counts = join(scratch, 'result.json');
  try {
    const end = await new Promise<string | undefined>((resolve, reject) => {
      const child = spawn(
        node,
        [
          ...['--import', 'tsx', '--test', '--test-reporter=./test/support/suite-reporter.mjs'],
          // For a whole file: what hangs must end, and say which.
          ...['--test-timeout=900000', ...options, ...files],
        ],
        { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, SUITE_RESULT: counts } },
      );
      process.once('exit', () => child.kill());
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(signal ?? (code === 0 || code === 1 ? undefined : String(code))));
    });
    const result = JSON.parse(readFileSync(counts, 'utf8')) as SuiteResult;
    return end === undefined ? result : { ...result, crash: `node --test ended with ${end}` };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** This Node where it has SQLite without asking for it, else that of the newest editor. */
function sqliteNode(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13) ? process.execPath : nodeOf(NEWEST);
}
