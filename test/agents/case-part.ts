import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIMIT_MS, SHORT_LIMIT_MS, type AgentCase } from './cases.ts';
import { describe, differences } from './check-case.ts';
import { expectedFor } from './expected.ts';
import { versionOf, type InstalledAgent } from './install.mjs';
import { runCell, type Cell, type Part } from './part.ts';
import type { Recorder } from './record.ts';
import { runCase } from './run-case.ts';

/** Every agent in every case, through the supervisor. */
export async function runCases(
  agents: readonly InstalledAgent[],
  cases: readonly AgentCase[],
  { logs, recorder }: { readonly logs: string; readonly recorder: Recorder | undefined },
): Promise<Part> {
  const columns: { readonly agent: InstalledAgent; readonly cells: Cell[] }[] = [];
  for (const agent of agents) {
    const cells: Cell[] = [];
    columns.push({ agent, cells });
    for (const agentCase of cases) {
      const name = `${agent.name}, ${agentCase.name}`;
      cells.push(
        await runCell(name, async () => {
          const expected = expectedFor(agent.preset, agentCase.name);
          // Who never gives up on a provider need not be waited for at length.
          const limitMs = expected?.outcome === 'timeLimit' ? SHORT_LIMIT_MS : LIMIT_MS;
          const records = recorder !== undefined;
          const { attempts, place } = await runCase(agent, agentCase, { records, limitMs });
          const last = attempts.at(-1);
          if (last === undefined || expected === undefined)
            throw new Error('The table of what is right has no such case.');
          writeFileSync(
            join(logs, `${agent.name}-${agentCase.name}.log`),
            attempts.map((one) => `$ ${one.command.join(' ')}\n${one.log}\n`).join('\n'),
          );
          const problems = differences(last, expected);
          if (problems.length === 0) recorder?.add(agent, agentCase, last, place);
          return { text: describe(last), problems };
        }),
      );
    }
    await recorder?.write();
  }
  return {
    title: 'Agents at work on a task, through the supervisor',
    heads: ['case', ...columns.map(({ agent }) => `${agent.preset} ${versionOf(agent)}`)],
    lines: cases.map(({ name }, at) => [
      name,
      ...columns.map(({ cells }) => cells[at]?.text ?? ''),
    ]),
    count: columns.length * cases.length,
    wrong: columns.flatMap(({ cells }) => cells.flatMap(({ problems }) => problems)),
  };
}
