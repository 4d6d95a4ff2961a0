// Bundles what the extension ships: `node esbuild.mjs [--watch]`. Types are checked apart, by `npm run check`.
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { context } from 'esbuild';

const require = createRequire(import.meta.url);
const watch = process.argv.includes('--watch');

// Each entry is a process of its own, or (extension) the one that the editor loads.
const ENTRIES = {
  extension: 'src/extension.ts',
  writer: 'src/writer.ts',
  supervisor: 'src/supervisor.ts',
  mcp: 'src/mcp.ts',
  'simulated-agent': 'src/simulated-agent.ts',
};

/**
 * What is loaded when it is first wanted, by how it is imported: a bundle of its own, since most
 * windows never want it. Only `import(…)` of it is held apart, and a type of it is no import.
 */
const CHUNKS = { 'sql.js': 'sql', './ui/board/board-panels.ts': 'board' };

await rm('dist', { recursive: true, force: true });
await mkdir('out', { recursive: true }); // where the package goes
const build = await context({
  entryPoints: {
    ...ENTRIES,
    ...Object.fromEntries(
      Object.entries(CHUNKS).map(([path, name]) => [name, path.replace(/^\.\//, './src/')]),
    ),
  },
  plugins: [{ name: 'chunks', setup: holdApart }],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  external: ['vscode', 'node:sqlite'],
  supported: { 'dynamic-import': false }, // to `require`, which is what finds a file beside the bundle
  // As ES modules, of which only what is used is bundled.
  alias: { yaml: join(dirname(require.resolve('yaml/package.json')), 'browser/dist/index.js') },
  minify: !watch,
  charset: 'utf8',
  sourcemap: watch ? 'linked' : false,
  legalComments: 'none',
  logLevel: watch ? 'info' : 'warning',
});
const board = await context({
  entryPoints: { board: 'media/board/main.tsx', layout: 'media/board/layout.ts' },
  outdir: 'dist/board',
  bundle: true,
  platform: 'browser',
  format: 'iife', // finds the files beside it by the address of its own script
  target: 'chrome138', // of VS Code 1.105; Cursor's is newer
  jsx: 'automatic',
  jsxImportSource: 'preact',
  plugins: [{ name: 'codicons', setup: bundleSigns }],
  minify: !watch,
  charset: 'utf8',
  sourcemap: watch ? 'inline' : false,
  legalComments: 'none',
  logLevel: watch ? 'info' : 'warning',
});
await Promise.all([build.rebuild(), board.rebuild()]);
await copyFile(require.resolve('sql.js/dist/sql-wasm.wasm'), 'dist/sql-wasm.wasm');
await writeFile('dist/README.md', forTheEditor(await readFile('README.md', 'utf8')));
for (const each of [build, board]) await (watch ? each.watch() : each.dispose());

/** Lets each chunk be what it is imported as, from the file that is made of it. */
function holdApart({ onResolve }) {
  onResolve({ filter: /./ }, ({ kind, path }) =>
    kind === 'dynamic-import' && path in CHUNKS
      ? { path: `./${CHUNKS[path]}.cjs`, external: true }
      : undefined,
  );
}

/** The outlines of the signs that the board names, from the drawings that Visual Studio Code is made with. */
function bundleSigns({ onResolve, onLoad }) {
  onResolve({ filter: /^@vscode\/codicons\/outlines$/ }, ({ path }) => ({
    path,
    namespace: 'codicons',
  }));
  onLoad({ filter: /./, namespace: 'codicons' }, async () => {
    const icons = join(dirname(require.resolve('@vscode/codicons/package.json')), 'src/icons');
    const names = (await readFile('media/board/signs.ts', 'utf8')).match(/(?<=^ {2}')[a-z-]+/gm);
    const outlines = names.map(async (name) => {
      const drawing = await readFile(join(icons, `${name}.svg`), 'utf8');
      const paths = [...drawing.matchAll(/<path ([^>]*)>/g)].map(([, attributes]) => ({
        d: /\bd="([^"]+)/.exec(attributes)[1],
        rule: attributes.includes('fill-rule="evenodd"') ? 'evenodd' : 'nonzero',
      }));
      return [name, { box: /viewBox="([^"]+)/.exec(drawing)[1], paths }];
    });
    return {
      contents: JSON.stringify(Object.fromEntries(await Promise.all(outlines))),
      loader: 'json',
    };
  });
}

/** An editor shows pictures and follows links of an installed extension's page only on the internet, so files of ours go. */
function forTheEditor(readme) {
  return readme
    .replace(/^!\[[^\]]*\]\((?!https:)[^)]*\)\n+/gm, '')
    .replace(/\[([^\]]*)\]\((?!https:|#)[^)]*\)/g, '$1');
}
