import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PRESETS } from '../../src/agent-process/agent-presets.ts';
import { runCases } from './case-part.ts';
import { CASES } from './cases.ts';
import { ABSENT, AGENTS } from './install.mjs';
import { runMcpClients } from './mcp-part.ts';
import { tableOf, type Part } from './part.ts';
import { Recorder } from './record.ts';
import { runTwoWaves } from './two-waves-part.ts';

// The program behind `npm run agents`, which has installed what there is: every agent in every
// case, as a client of the MCP server, and in a run of two waves; tables of what came of each, and
// what is not right.

/** Agents that the stand-in cannot speak with. */
const APART: Readonly<Record<string, string>> = {
  amp: 'speaks with the server of its maker alone',
};
const PARTS = ['mcp', 'two-waves'] as const;

const args = process.argv.slice(2);
const records = args.includes('--record');
const named = AGENTS.filter(({ name }) => args.includes(name));
const agents = (named.length > 0 ? named : AGENTS).filter(({ name }) => !(name in APART));
const cases = CASES.filter(({ name }) => args.includes(name));
const parts = PARTS.filter((name) => args.includes(name));
const names = [...[...AGENTS, ...CASES].map(({ name }) => name), ...PARTS, '--record'];
const unknown = args.filter((arg) => !names.includes(arg));
if (unknown.length > 0) {
  console.error(
    `There is no agent, case or part ${unknown.join(', ')}. There are: ${names.join(', ')}.`,
  );
  process.exit(2);
}

const logs = join('out', 'agents');
mkdirSync(logs, { recursive: true });
const isAll = cases.length === 0 && parts.length === 0;
const done: Part[] = [];
if (isAll || cases.length > 0) {
  const recorder = records ? new Recorder() : undefined;
  done.push(await runCases(agents, isAll ? CASES : cases, { logs, recorder }));
}
if (isAll || parts.includes('mcp')) done.push(await runMcpClients(agents, { logs }));
if (isAll || parts.includes('two-waves')) done.push(await runTwoWaves(agents, { logs }));

for (const part of done) console.log(`\n${part.title}\n\n${tableOf(part)}`);
console.log('');
for (const { name, preset } of AGENTS) {
  const why = APART[name];
  if (why !== undefined) console.log(`Not run: ${PRESETS[preset].label} ${why}.`);
}
for (const { preset, why } of ABSENT)
  console.log(`Not run: ${PRESETS[preset].label}: its program ${why}.`);
const wrong = done.flatMap((part) => part.wrong);
const count = done.reduce((sum, part) => sum + part.count, 0);
console.log(
  wrong.length === 0
    ? `\n${count} cases, all as they should be`
    : `\n${wrong.length} differences; what the agents wrote is in ${logs}`,
);
for (const problem of wrong) console.log(`✖ ${problem}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
