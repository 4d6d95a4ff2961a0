import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles programs as the build does, each as `<name>.cjs` in this folder; `minify` where their
 * size is what counts.
 */
export async function bundle(
  folder: string,
  entries: Readonly<Record<string, string>>,
  { minify = false }: { readonly minify?: boolean } = {},
): Promise<void> {
  await build({
    entryPoints: { ...entries },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['vscode', 'node:sqlite'],
    minify,
    logLevel: 'warning',
  });
}

/**
 * Puts SQLite, which reads what our own reader does not, beside a program in this folder; answers
 * where it is.
 */
export async function copySqlite(folder: string): Promise<string> {
  const wasm = join(folder, 'sql-wasm.wasm');
  await copyFile(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'), wasm);
  return wasm;
}
