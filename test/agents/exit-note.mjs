// Runs a command as it is, and adds how it ended to a file: `exit-note.mjs FILE COMMAND …`. The
// supervisor forgets the exit code of an agent that was refused, and a recording needs it.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const [file, command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: 'inherit' });
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => child.kill(name));
child.on('exit', (code, signal) => {
  appendFileSync(file, `${JSON.stringify({ exitCode: code, signal })}\n`);
  if (signal === null) process.exit(code ?? 1);
  for (const name of ['SIGTERM', 'SIGINT']) process.removeAllListeners(name);
  process.kill(process.pid, signal);
});
