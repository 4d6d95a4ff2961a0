/**
 * Runs benchmarks and prints their tables: `node --import tsx --expose-gc test/bench/run.ts
 * [--write] [name…]`.
 *
 * A name is that of a file `<name>.bench.ts` in this folder; none means all. `--write` also puts
 * the tables into RESULTS.md, where the results of benchmarks that did not run stay as they are.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import type { Bench, Row } from './bench.ts';

const RESULTS = new URL('RESULTS.md', import.meta.url);
const PREAMBLE = `# Benchmarks

Medians of several runs, ours and the reference by turns in one process. Only the ratio means something on another machine.
Written by \`node --import tsx --expose-gc test/bench/run.ts --write\`.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' } },
});
const known = (await readdir(new URL('.', import.meta.url)))
  .flatMap((file) => /^(.+)\.bench\.ts$/.exec(file)?.[1] ?? [])
  .sort();
const unknown = positionals.filter((name) => !known.includes(name));

if (unknown.length > 0) {
  console.error(`No such benchmark: ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exitCode = 1;
} else {
  const sections = new Map<string, string>();
  for (const name of positionals.length > 0 ? positionals : known) await runBench(name, sections);
  if (values.write === true && sections.size > 0) await writeResults(sections);
}

/**
 * Runs one benchmark; a failure is told and makes the exit code 1, and the next one still has its
 * turn.
 */
async function runBench(name: string, sections: Map<string, string>): Promise<void> {
  try {
    const bench = (await import(new URL(`${name}.bench.ts`, import.meta.url).href)) as Bench;
    if (bench.needs === 'sqlite' && !isBuiltin('node:sqlite')) {
      console.log(
        `${name}: skipped, it needs node:sqlite, and Node ${process.version} has none.\n`,
      );
      return;
    }
    const section = showSection(bench.title, await bench.run());
    sections.set(bench.title, section);
    console.log(section);
  } catch (error) {
    console.error(`${name}: failed.`, error);
    process.exitCode = 1;
  }
}

function showSection(title: string, rows: readonly Row[]): string {
  const lines = rows.map(({ what, size, unit, ours, reference, referenceMs, aim }) => [
    what,
    size.toLocaleString('en'),
    showNumber(ours, unit),
    reference,
    showNumber(referenceMs, unit),
    `${(ours / referenceMs).toFixed(ours < referenceMs * 10 ? 2 : 1)}x`,
    aim ?? '',
  ]);
  const table = [
    ['what', 'size', 'ours', 'reference', 'its time', 'ratio', 'aim'],
    ['---', '---:', '---:', '---', '---:', '---:', '---'],
  ];
  const text = [...table, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `## ${title}\n\n${availableParallelism()} cores, Node ${process.version}.\n\n${text}\n`;
}

function showNumber(n: number, unit = 'ms'): string {
  return `${n.toFixed(n < 1 ? 3 : n < 100 ? 1 : 0)} ${unit}`;
}

async function writeResults(fresh: ReadonlyMap<string, string>): Promise<void> {
  const sections = new Map(fresh);
  for (const section of (await readResults()).split(/^(?=## )/m)) {
    const title = /^## (.*)/.exec(section)?.[1];
    if (title !== undefined && !sections.has(title)) sections.set(title, section);
  }
  const inOrder = [...sections].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, section]) => section);
  const config = await resolveConfig(RESULTS);
  await writeFile(
    RESULTS,
    await format([PREAMBLE, ...inOrder].join('\n'), { ...config, parser: 'markdown' }),
  );
}

async function readResults(): Promise<string> {
  try {
    return await readFile(RESULTS, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
