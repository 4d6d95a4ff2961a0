// `npm run proof [-- name…] [--seed n] [--short] [--help]`: sets up what is missing and runs the
// proofs on a Node.js that has SQLite.
import { spawn } from 'node:child_process';
import { installRoot, installServer, NEWEST, nodeOf, ROOT } from '../editor/install.mjs';

await installRoot();
await installServer(NEWEST);
const args = ['--import', 'tsx', 'test/proof/run.ts', ...process.argv.slice(2)];
const child = spawn(nodeOf(NEWEST), args, { cwd: ROOT, stdio: 'inherit' });
child.on('exit', (code) => (process.exitCode = code ?? 1));
