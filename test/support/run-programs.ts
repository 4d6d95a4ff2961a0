import { join } from 'node:path';
import { bundle, copySqlite } from './bundle.ts';
import type { Programs } from './run-window.ts';
import { findSqliteNode } from './sqlite-node.ts';

const ENTRIES = {
  supervisor: 'src/supervisor.ts',
  writer: 'src/writer.ts',
  'simulated-agent': 'src/simulated-agent.ts',
};

/**
 * Bundles what a window starts, as the build does, and further programs by the names that their
 * bundles are to have.
 */
export async function bundlePrograms(
  folder: string,
  others: Readonly<Record<string, string>> = {},
): Promise<Programs> {
  await bundle(folder, { ...ENTRIES, ...others }, { minify: true });
  const wasm = await copySqlite(folder);
  return {
    supervisor: join(folder, 'supervisor.cjs'),
    writer: join(folder, 'writer.cjs'),
    simulatedAgent: join(folder, 'simulated-agent.cjs'),
    wasm,
    node: findSqliteNode(),
  };
}
