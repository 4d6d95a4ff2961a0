import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRESETS } from '../../src/agent-process/agent-presets.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import { versionOf, type InstalledAgent } from './install.mjs';
import { runCell, type Part } from './part.ts';
import { runTwoWavesOf } from './run-two-waves.ts';

/** Every agent in a run of two waves with a key that is refused. */
export async function runTwoWaves(
  agents: readonly InstalledAgent[],
  { logs }: { readonly logs: string },
): Promise<Part> {
  const folder = await mkdtemp(join(tmpdir(), 'todo2-programs-'));
  const lines: string[][] = [];
  const wrong: string[] = [];
  try {
    const programs = await bundlePrograms(folder);
    for (const agent of agents) {
      let counts = '–';
      const cell = await runCell(`two-waves, ${agent.name}`, async () => {
        const seen = await runTwoWavesOf(agent, programs);
        writeFileSync(join(logs, `two-waves-${agent.name}.log`), seen.log);
        ({ counts } = seen);
        const { problems } = seen;
        return { text: problems.length === 0 ? 'as it should be' : 'not right', problems };
      });
      lines.push([`${PRESETS[agent.preset].label} ${versionOf(agent)}`, counts, cell.text]);
      wrong.push(...cell.problems);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    title: 'Agents with a wrong key in a run of two waves: three tasks, and three after them',
    heads: ['agent', 'its tasks', 'result'],
    lines,
    count: lines.length,
    wrong,
  };
}
