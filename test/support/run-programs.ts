import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Programs } from './run-window.ts';
import { findSqliteNode } from './sqlite-node.ts';

const ENTRIES = {
  supervisor: 'src/supervise.ts',
  writer: 'src/store/writer-process.ts',
  'simulated-agent': 'src/run/simulated-agent.ts',
};

/** Bundles what a window starts, as the build does, and further programs by the names that their bundles are to have. */
export async function bundlePrograms(folder: string, others: Readonly<Record<string, string>> = {}): Promise<Programs> {
  await build({
    entryPoints: { ...ENTRIES, ...others },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['node:sqlite'],
    minify: true,
    logLevel: 'warning',
  });
  const wasm = join(folder, 'sql-wasm.wasm');
  await copyFile(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'), wasm);
  return {
    supervisor: join(folder, 'supervisor.cjs'),
    writer: join(folder, 'writer.cjs'),
    simulatedAgent: join(folder, 'simulated-agent.cjs'),
    wasm,
    node: findSqliteNode(),
  };
}
