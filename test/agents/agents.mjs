// `npm run agents [-- AGENT … CASE … PART … --record]`: installs the command lines of agents that
// npm has and runs them against a model stand-in on loopback. A name of an agent, a case or a part
// (`mcp`, `two-waves`) runs these alone. Nothing but loopback can be reached where the system allows
// it, and no agent is left when this ends, however it does.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installRoot, ROOT } from '../editor/install.mjs';
import { MARK } from '../editor/reap.mjs';
import { AGENTS, installAgent } from './install.mjs';

const args = process.argv.slice(2);
await installRoot();
const named = AGENTS.filter(({ name }) => args.includes(name));
for (const agent of named.length > 0 ? named : AGENTS) await installAgent(agent);

const runner = [process.execPath, '--import', 'tsx', 'test/agents/run.ts', ...args];
// With processes of its own all of them end with the first one, whatever they do.
const apart = ['-rn', '--fork', '--pid', '--mount-proc', '--kill-child'];
const inside = ['sh', '-c', 'ip link set lo up && "$@"; exit $?', 'sh'];
const alone = [apart, ['-rn']].find(
  (flags) => spawnSync('unshare', [...flags, ...inside, 'true']).status === 0,
);
if (alone === undefined) {
  console.log(
    'This system gives us no network of our own: the agents could reach more than loopback.',
  );
}
const command = alone === undefined ? runner : ['unshare', ...alone, ...inside, ...runner];
// The agents see nothing of this user's environment but what every program needs.
const kept = ['PATH', 'TODO2_NODE', 'SystemRoot'];
const env = Object.fromEntries(
  kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
);
const scratch = mkdtempSync(join(tmpdir(), 'todo2-agents-'));
const child = spawn(process.execPath, ['test/editor/leash.mjs', scratch, ...command], {
  cwd: ROOT,
  // In a group of its own, so that Ctrl+C reaches us alone; the pipe closes however we end.
  detached: process.platform !== 'win32',
  stdio: ['pipe', 'inherit', 'inherit'],
  env: { ...env, LANG: 'C.UTF-8', TERM: 'dumb', TMPDIR: scratch, [MARK]: randomUUID() },
});
child.stdin.on('error', () => undefined); // it has ended already
let exitCode;
child.on('close', (code) => process.exit(exitCode ?? code ?? 1));
const end = (code) => {
  exitCode ??= code;
  child.stdin.end();
};
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])
  process.on(signal, () => end(code));
const { register } = await import('tsx/esm/api');
register();
const { endWithNpm } = await import('../support/end-with-npm.ts');
endWithNpm(() => end(137));
