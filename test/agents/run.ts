import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRESETS } from '../../src/agent-process/agent-presets.ts';
import { CASES, LIMIT_MS, SHORT_LIMIT_MS } from './cases.ts';
import { describe, differences } from './check-case.ts';
import { expectedFor } from './expected.ts';
import { ABSENT, AGENTS, versionOf, type InstalledAgent } from './install.mjs';
import { Recorder } from './record.ts';
import { runCase } from './run-case.ts';

// The program behind `npm run agents`, which has installed what there is: every agent in every
// case, a table of what came of each, and what is not right.

/** Agents that the stand-in cannot speak with, which are run for what they say to that. */
const APART: Readonly<Record<string, string>> = {
  amp: 'speaks with the server of its maker alone',
};

const args = process.argv.slice(2);
const records = args.includes('--record');
const chosen = AGENTS.filter(({ name }) => args.includes(name));
const cases = CASES.filter(({ name }) => args.includes(name));
const agents = (chosen.length > 0 ? chosen : AGENTS).filter(({ name }) => !(name in APART));
const columns = cases.length > 0 ? cases : CASES;
const unknown = args.filter(
  (arg) => arg !== '--record' && ![...AGENTS, ...CASES].some(({ name }) => name === arg),
);
if (unknown.length > 0) {
  console.error(`There is no agent or case ${unknown.join(', ')}.`);
  process.exit(2);
}

const logs = join('out', 'agents');
mkdirSync(logs, { recursive: true });
const recorder = records ? new Recorder() : undefined;
const rows: { readonly agent: InstalledAgent; readonly cells: string[] }[] = [];
const wrong: string[] = [];
for (const agent of agents) {
  const cells: string[] = [];
  rows.push({ agent, cells });
  for (const agentCase of columns) {
    const name = `${agent.name}, ${agentCase.name}`;
    process.stdout.write(`• ${name} …`);
    let cell = 'broken';
    let problems: readonly string[];
    const begun = Date.now();
    try {
      const expected = expectedFor(agent.preset, agentCase.name);
      // Who never gives up on a provider need not be waited for at length.
      const limitMs = expected?.outcome === 'timeLimit' ? SHORT_LIMIT_MS : LIMIT_MS;
      const { attempts, place } = await runCase(agent, agentCase, { records, limitMs });
      const last = attempts.at(-1);
      if (last === undefined || expected === undefined)
        throw new Error('The table of what is right has no such case.');
      writeFileSync(
        join(logs, `${agent.name}-${agentCase.name}.log`),
        attempts.map((one) => `$ ${one.command.join(' ')}\n${one.log}\n`).join('\n'),
      );
      cell = describe(last);
      problems = differences(last, expected);
      if (problems.length === 0) recorder?.add(agent, agentCase, last, place);
    } catch (error) {
      problems = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
    }
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    process.stdout.write(` ${cell}, ${seconds} s${problems.length > 0 ? ' ✖' : ''}\n`);
    for (const problem of problems) process.stdout.write(`    ${problem}\n`);
    cells.push(problems.length > 0 ? `✖ ${cell}` : cell);
    wrong.push(...problems.map((problem) => `${name}: ${problem}`));
  }
  await recorder?.write();
}

console.log('');
const heads = ['case', ...rows.map(({ agent }) => `${agent.preset} ${versionOf(agent)}`)];
const lines = columns.map((column, at) => [
  column.name,
  ...rows.map(({ cells }) => cells[at] ?? ''),
]);
const widths = heads.map((head, at) =>
  Math.max(head.length, ...lines.map((line) => line[at]?.length ?? 0)),
);
const format = (line: readonly string[]): string =>
  `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
console.log(format(heads));
console.log(`| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
for (const line of lines) console.log(format(line));
console.log('');
for (const { name, preset } of AGENTS) {
  const why = APART[name];
  if (why !== undefined) console.log(`Not run: ${PRESETS[preset].label} ${why}.`);
}
for (const { preset, why } of ABSENT)
  console.log(`Not run: ${PRESETS[preset].label}: its program ${why}.`);
console.log(
  wrong.length === 0
    ? `\n${rows.length * columns.length} cases, all as they should be`
    : `\n${wrong.length} differences; what the agents wrote is in ${logs}`,
);
for (const problem of wrong) console.log(`✖ ${problem}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
