// Runs an editor server for as long as whoever started it is alive: `node leash.mjs server-main.js …`, with a pipe as standard input.
// The pipe ends however its other end went, SIGKILL included; then the server, all that it started and its scratch folder go too.
import { rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { MARK, reap } from './reap.mjs';

process.stdin.on('error', () => undefined);
process.stdin.on('close', async () => {
  await reap(process.env[MARK], 0);
  if (process.env.TODO2_EDITOR_SCRATCH) rmSync(process.env.TODO2_EDITOR_SCRATCH, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
});
process.stdin.resume();

// From here on this is the server, which reads its own name and arguments from here.
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1]).href);
