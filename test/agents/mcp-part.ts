import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRESETS } from '../../src/agent-process/agent-presets.ts';
import { bundleMcp } from '../support/mcp-rig.ts';
import { versionOf, type InstalledAgent } from './install.mjs';
import { MCP_CLIENTS } from './mcp-clients.ts';
import { runCell, type Part } from './part.ts';
import { runMcpClient } from './run-mcp.ts';

/** Every agent as a client of the MCP server, in every way in which it can be configured. */
export async function runMcpClients(
  agents: readonly InstalledAgent[],
  { logs }: { readonly logs: string },
): Promise<Part> {
  const bundle = await bundleMcp();
  const lines: string[][] = [];
  const wrong: string[] = [];
  try {
    for (const agent of agents) {
      const setups = MCP_CLIENTS[agent.preset] ?? [];
      const label = `${PRESETS[agent.preset].label} ${versionOf(agent)}`;
      if (setups.length === 0) wrong.push(`${label}: no way to configure it is known`);
      for (const setup of setups) {
        const line = [label, setup.client];
        const cell = await runCell(`mcp, ${agent.name}, ${setup.client}`, async () => {
          const seen = await runMcpClient(agent, setup, bundle);
          writeFileSync(join(logs, `mcp-${agent.name}-${setup.client}.log`), seen.log);
          const { shown, holder, givenBackMs: ms, problems } = seen;
          const givenBack = ms === undefined ? '–' : `free after ${(ms / 1000).toFixed(1)} s`;
          line.push(shown, holder, givenBack);
          return { text: problems.length === 0 ? 'as it should be' : 'not right', problems };
        });
        while (line.length < 5) line.push('–');
        lines.push([...line, cell.text]);
        wrong.push(...cell.problems);
      }
    }
  } finally {
    await bundle.remove();
  }
  return {
    title: 'Agents as clients of the MCP server: next, note, complete, next, release, and a kill',
    heads: ['client', 'configuration', 'its name of waves_next', 'in a lock', 'killed', 'result'],
    lines,
    count: lines.length,
    wrong,
  };
}
