// Keeps an editor server while the process that asked for it is alive: `node leash.mjs <scratch
// folder> <command> …`.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { kill, MARK, reap } from './reap.mjs';

const [scratch, command, ...args] = process.argv.slice(2);
const mark = process.env[MARK];
let lastWord = '';
let ending = false;

const server = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
server.on('error', (error) => {
  console.error(error.message);
  void end();
});
server.on('exit', () => void end());
process.stdin.setEncoding('utf8').on('data', (text) => (lastWord += text));
process.stdin.on('error', () => undefined);
process.stdin.on('close', () => void end());
// Only the process at the other end decides; these signals come to a whole group, or from a
// shutdown that kills us soon enough.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());

async function end() {
  if (ending) return;
  ending = true;
  const { graceMs, keepScratch } = {
    graceMs: 3000,
    keepScratch: false,
    ...(lastWord === '' ? {} : JSON.parse(lastWord)),
  };
  if (server.pid !== undefined && server.exitCode === null) kill(server.pid, 'SIGTERM');
  // Extensions get to say goodbye and give back their locks; a shell would stay for ever.
  await reap(mark, graceMs, (line) => /server-main\.js|--type=extensionHost/.test(line));
  if (!keepScratch)
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(0);
}
