import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/** The programs that do the work on tasks as they are shipped, in a folder of their own. */
export interface AgentBundles {
  readonly folder: string;
  readonly supervisor: string;
  readonly simulatedAgent: string;
  remove(): Promise<void>;
}

/** Bundles the supervisor and the simulated agent as the build does, in a folder that `remove` takes away. */
export async function bundleAgents(): Promise<AgentBundles> {
  const folder = await mkdtemp(join(tmpdir(), 'todo2-waves-'));
  await build({
    entryPoints: { supervisor: 'src/supervise.ts', 'simulated-agent': 'src/run/simulated-agent.ts' },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['node:sqlite'],
    logLevel: 'warning',
  });
  return {
    folder,
    supervisor: join(folder, 'supervisor.cjs'),
    simulatedAgent: join(folder, 'simulated-agent.cjs'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
