// `npm run bench [-- name…] [--write]`: sets up what is missing and runs the benchmarks on a
// Node.js that has SQLite.
import { spawn } from 'node:child_process';
import { installChromium } from '../editor/chromium.mjs';
import { installRoot, installServer, NEWEST, nodeOf, ROOT, run } from '../editor/install.mjs';

await installRoot();
await installServer(NEWEST);
await installChromium();
await run(process.execPath, ['esbuild.mjs'], { cwd: ROOT });
const args = ['--import', 'tsx', '--expose-gc', 'test/bench/run.ts', ...process.argv.slice(2)];
const child = spawn(nodeOf(NEWEST), args, { cwd: ROOT, stdio: 'inherit' });
child.on('exit', (code) => (process.exitCode = code ?? 1));
