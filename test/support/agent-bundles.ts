import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

/** The programs that do the work on tasks as they are shipped, in a folder of their own. */
export interface AgentBundles {
  readonly folder: string;
  readonly supervisor: string;
  readonly simulatedAgent: string;
  remove(): Promise<void>;
}

/**
 * Bundles the supervisor and the simulated agent as the build does, in a folder that `remove` takes
 * away.
 */
export async function bundleAgents(): Promise<AgentBundles> {
  const folder = await mkdtemp(join(tmpdir(), 'todo2-waves-'));
  await bundle(folder, {
    supervisor: 'src/supervisor.ts',
    'simulated-agent': 'src/simulated-agent.ts',
  });
  return {
    folder,
    supervisor: join(folder, 'supervisor.cjs'),
    simulatedAgent: join(folder, 'simulated-agent.cjs'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
