// Holds the package to what users need: which files, and how large. Takes the package that `npm run
// package` made.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from '../editor/install.mjs';

const KB = 1024;

/** Bytes; each about a half more than what it was when it was set, so that growth is a decision. */
const BOUNDS = {
  // Loaded by the editor with the first view. A sixth is the parser for YAML, a sixth the views;
  // what agents use inside the editor is a tenth, and could only be a bundle of its own with a
  // second copy of the core that it works on.
  'dist/extension.cjs': 900 * KB,
  'dist/writer.cjs': 100 * KB,
  // One runs beside each agent: judging its end by what some thirty providers say is 25 of it, and
  // watching that its last write stays 13. How long a provider refuses, the window reads.
  'dist/supervisor.cjs': 110 * KB,
  'dist/sql.cjs': 65 * KB,
  'dist/board.cjs': 65 * KB,
  'dist/mcp.cjs': 750 * KB, // half of it is the SDK of the protocol, with its validators
  'dist/simulated-agent.cjs': 50 * KB,
  'dist/board/board.js': 150 * KB,
  'dist/board/layout.js': 150 * KB,
  'dist/board/board.css': 50 * KB,
  'out/todo2-waves.vsix': 1100 * KB, // SQLite as WebAssembly is 330 of them
};

const NEEDED = [
  'package.json',
  'CHANGELOG.md',
  'LICENSE',
  'dist/README.md',
  'dist/extension.cjs',
  'dist/sql.cjs',
  'dist/board.cjs',
  'dist/sql-wasm.wasm',
  'dist/board/board.js',
  'dist/board/board.css',
  'dist/board/layout.js',
];
const EXPECTED = [
  /^package(\.nls(\.[a-z-]+)?)?\.json$/,
  /^dist\/[a-z-]+\.cjs$/,
  /^media\/[a-z0-9-]+\.(svg|png)$/,
];

const vsce = join(ROOT, 'node_modules/@vscode/vsce/vsce');
const listed = await run(
  process.execPath,
  [vsce, 'ls', '--no-dependencies', '--readme-path', 'dist/README.md'],
  {
    cwd: ROOT,
  },
);
const files = listed.split('\n').filter((line) => line !== '');

const wrong = [
  ...NEEDED.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
  ...files
    .filter((file) => !NEEDED.includes(file) && !EXPECTED.some((pattern) => pattern.test(file)))
    .map((file) => `${file} is nothing that users need (.vscodeignore)`),
  ...files.filter((file) => file.endsWith('.node')).map((file) => `${file} is a native module`),
  ...Object.entries(BOUNDS)
    .map(([file, bound]) => [file, sizeOf(file), bound])
    .filter(([, size, bound]) => size > bound)
    .map(([file, size, bound]) => `${file} has ${toKb(size)}, more than ${toKb(bound)}`),
];
for (const line of wrong) console.error(`The package: ${line}`);
console.log(
  `The package has ${files.length} files and ${toKb(sizeOf('out/todo2-waves.vsix'))}, extension.cjs ${toKb(sizeOf('dist/extension.cjs'))}`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;

function sizeOf(file) {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.size ?? 0;
}

function toKb(bytes) {
  return `${Math.ceil(bytes / KB)} KB`;
}
