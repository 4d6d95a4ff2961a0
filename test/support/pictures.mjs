// `npm run pictures`: sets up what is missing and takes the pictures of the README anew.
import { spawn } from 'node:child_process';
import { installChromium } from '../editor/chromium.mjs';
import { installRoot, installServer, NEWEST, ROOT, run } from '../editor/install.mjs';

await installRoot();
await installServer(NEWEST);
await installChromium();
await run('npm', ['run', '-s', 'package'], { cwd: ROOT });
const args = ['--import', 'tsx', '--test', 'test/support/readme-pictures.ts'];
const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
child.on('exit', (code) => (process.exitCode = code ?? 1));
