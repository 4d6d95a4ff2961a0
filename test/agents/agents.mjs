// `npm run agents [-- AGENT … CASE … --record]`: installs the command lines of agents that npm has
// and runs them through the supervisor against a model stand-in on loopback. A name of an agent or
// a case runs these alone. Nothing but loopback can be reached where the system allows it.
import { spawn, spawnSync } from 'node:child_process';
import { installRoot, ROOT } from '../editor/install.mjs';
import { AGENTS, installAgent } from './install.mjs';

const args = process.argv.slice(2);
await installRoot();
const named = AGENTS.filter(({ name }) => args.includes(name));
for (const agent of named.length > 0 ? named : AGENTS) await installAgent(agent);

const runner = [process.execPath, '--import', 'tsx', 'test/agents/run.ts', ...args];
const alone = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const isAlone = spawnSync('unshare', [...alone, 'true']).status === 0;
if (!isAlone) {
  console.log(
    'This system gives us no network of our own: the agents could reach more than loopback.',
  );
}
// The agents see nothing of this user's environment but what every program needs.
const kept = ['PATH', 'TMPDIR', 'TODO2_NODE', 'SystemRoot'];
const env = Object.fromEntries(
  kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
);
const [command, ...rest] = isAlone ? ['unshare', ...alone, ...runner] : runner;
const child = spawn(command, rest, {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...env, LANG: 'C.UTF-8', TERM: 'dumb' },
});
child.on('exit', (code) => (process.exitCode = code ?? 1));
