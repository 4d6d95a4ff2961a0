// Keeps a program while the process that asked for it is alive, and ends all that it started:
// `node leash.mjs <scratch folder> <command> …`, with the mark of `reap.mjs` in its environment, and
// a pipe to that process as standard input. Ends with the exit code of the program.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { kill, MARK, reap } from './reap.mjs';

const [scratch, command, ...args] = process.argv.slice(2);
const mark = process.env[MARK];
let lastWord = '';
let ending = false;

const program = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
program.on('error', (error) => {
  console.error(error.message);
  void end();
});
program.on('exit', () => void end());
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
  if (program.pid !== undefined && program.exitCode === null) kill(program.pid, 'SIGTERM');
  // Extensions get to say goodbye and give back their locks; a shell would stay for ever.
  await reap(mark, graceMs, (line) => /server-main\.js|--type=extensionHost/.test(line));
  if (!keepScratch)
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(program.pid === undefined ? 1 : (program.exitCode ?? 1));
}
