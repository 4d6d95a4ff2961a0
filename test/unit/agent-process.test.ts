import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { AgentEnd } from '../../src/core/ports.ts';
import { runAgentProcess } from '../../src/run/agent-process.ts';
import type { AgentSpec, FromSupervisor } from '../../src/run/supervisor-protocol.ts';
import { bundleAgents, type AgentBundles } from '../support/agent-bundles.ts';

let bundles: AgentBundles;
before(async () => (bundles = await bundleAgents()));
after(() => bundles.remove());

const posix = { skip: process.platform === 'win32' };
let files = 0;

function specOf(spec: Partial<AgentSpec>): AgentSpec {
  const none = { args: [], env: {}, stdinFile: undefined, logFile: undefined };
  return { command: process.execPath, cwd: bundles.folder, graceMs: 200, ...none, ...spec };
}

/** An agent whose whole program is this JavaScript. */
async function scriptOf(source: string): Promise<string> {
  const file = join(bundles.folder, `agent-${++files}.cjs`);
  await writeFile(file, source);
  return file;
}

interface Started {
  readonly end: Promise<AgentEnd>;
  readonly stop: () => void;
  /** Resolves with the first match in what the agent has written so far or will write. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly output: () => Buffer;
}

function start(spec: AgentSpec): Started {
  const stop = new AbortController();
  const pieces: Uint8Array[] = [];
  const waiting = new Set<() => void>();
  const output = (): Buffer => Buffer.concat(pieces);
  const end = runAgentProcess(spec, stop.signal, {
    supervisor: bundles.supervisor,
    onOutput: (bytes) => {
      pieces.push(bytes);
      for (const look of [...waiting]) look();
    },
  });
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve) => {
      const look = (): void => {
        const match = pattern.exec(output().toString());
        if (match === null) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      look();
    });
  return { end, stop: () => stop.abort(), said, output };
}

async function startScript(source: string, spec: Partial<AgentSpec> = {}): Promise<Started> {
  return start(specOf({ args: [await scriptOf(source)], ...spec }));
}

/** True for a process that has not ended; one that has and was not collected yet counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits for something that no event tells of; fails after a while. */
async function until(claim: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    assert(performance.now() < end, claim);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Starts another process that takes no notice of SIGTERM and would outlive it, and when that is so prints both ids.
 * `output` is where the other one writes.
 */
const withChild = (rest: string, { output = 'ignore', detached = false } = {}): string =>
  `const child = require('node:child_process').spawn(
     process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); process.send("ready")'],
     { stdio: ['ignore', '${output}', '${output}', 'ipc'], detached: ${detached} });
   child.on('message', () => { console.log('pids ' + process.pid + ' ' + child.pid); ${rest} });`;

async function pidsOf(agent: Started): Promise<readonly [number, number]> {
  const [, own, child] = await agent.said(/pids (\d+) (\d+)\n/);
  return [Number(own), Number(child)];
}

for (const code of [0, 1, 75, 255]) {
  test(`an agent that ends with ${code} is reported with ${code}`, async () => {
    const agent = await startScript(`process.exitCode = ${code}`);
    assert.deepEqual(await agent.end, { kind: 'exited', exitCode: code, signal: undefined });
  });
}

test('an agent that a signal ends has no exit code', posix, async () => {
  const agent = await startScript(`process.kill(process.pid, 'SIGKILL')`);
  assert.deepEqual(await agent.end, { kind: 'exited', exitCode: undefined, signal: 'SIGKILL' });
});

for (const [name, spec, said] of [
  ['a program that is not there', { command: '/nowhere/agent' }, /ENOENT/],
  ['a folder that is not there', { cwd: '/nowhere' }, /nowhere/],
  ['a prompt that is not there', { stdinFile: '/nowhere/prompt.md' }, /ENOENT.*prompt\.md/],
  ['a text with a zero byte as an argument', { args: ['a\0b'] }, /null bytes/],
] as const) {
  test(`${name} is an agent that was not started, and says so`, posix, async () => {
    const full = specOf(spec);
    const end = await start(full).end;
    assert(end.kind === 'notStarted' && end.failure.kind === 'agentNotStarted');
    assert.equal(end.failure.command, full.command);
    assert.match(end.failure.detail, said);
  });
}

test('a program that may not be executed is an agent that was not started', posix, async () => {
  const command = await scriptOf('not a program');
  const end = await start(specOf({ command })).end;
  assert(end.kind === 'notStarted' && end.failure.kind === 'agentNotStarted');
  assert.match(end.failure.detail, /EACCES/);
});

test('a supervisor that is not there is an agent that was not started', async () => {
  const spec = specOf({});
  const end = await runAgentProcess(spec, new AbortController().signal, { supervisor: '/nowhere/supervisor.cjs' });
  assert(end.kind === 'notStarted' && end.failure.kind === 'agentNotStarted');
  assert.match(end.failure.detail, /Cannot find module/);
});

const HOSTILE = [
  '$(touch pwned) `touch pwned` "; touch pwned; # \' & | > pwned < %PATH% !! ${env:HOME} ${command:workbench.action.quit}',
  '\r\n\t\u0000\u001b[2J\u001b]0;title\u0007 \\ \\\\ ~ * ? [a-z] {a,b} --force -rf /',
  '\u202eright to left\u202c 🏳️‍🌈 \ud83d\udc69\u200d\ud83d\udcbb é é 漢字 \ufeff',
  '```\n~~~\nEOF\n',
].join('\n');

test('hostile text arrives byte for byte on stdin, and nothing of it is in the arguments or the environment', async () => {
  const stdinFile = join(bundles.folder, 'hostile.prompt.md');
  const text = Buffer.concat([Buffer.from(HOSTILE), Buffer.from([0xff, 0xfe, 0x80])]);
  await writeFile(stdinFile, text);
  const agent = await startScript(
    `const stdin = require('node:fs').readFileSync(0).toString('base64');
     console.log(JSON.stringify({ stdin, args: process.argv.slice(2), execArgs: process.execArgv, env: process.env }));`,
    { stdinFile },
  );
  assert.equal((await agent.end).kind, 'exited');
  const seen = JSON.parse(agent.output().toString()) as {
    stdin: string;
    args: string[];
    execArgs: string[];
    env: object;
  };
  assert.deepEqual(Buffer.from(seen.stdin, 'base64'), text);
  assert.deepEqual([...seen.args, ...seen.execArgs], []);
  assert(!JSON.stringify(seen.env).includes('pwned'));
});

test('arguments arrive as they are, without a shell', async () => {
  const args = HOSTILE.replaceAll('\0', '').split('\n').concat('', ' ');
  const script = await scriptOf('console.log(JSON.stringify(process.argv.slice(2)))');
  const agent = start(specOf({ args: [script, ...args] }));
  await agent.end;
  assert.deepEqual(JSON.parse(agent.output().toString()), args);
});

test("the editor's own variables do not reach the agent, and those of the spec do", async () => {
  const before = { ...process.env };
  Object.assign(process.env, { VSCODE_IPC_HOOK: 'x', ELECTRON_NO_ASAR: '1', TODO2_WAVES_TEST: 'kept' });
  try {
    const agent = await startScript('console.log(JSON.stringify(process.env))', { env: { EXTRA: 'a "b" $c' } });
    await agent.end;
    const env = JSON.parse(agent.output().toString()) as Record<string, string>;
    assert.deepEqual(
      Object.keys(env).filter((name) => /^(VSCODE_|ELECTRON_|NODE_OPTIONS|NODE_CHANNEL)/.test(name)),
      [],
    );
    assert.equal(env['TODO2_WAVES_TEST'], 'kept');
    assert.equal(env['EXTRA'], 'a "b" $c');
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) Reflect.deleteProperty(process.env, name);
  }
});

test('an agent without a prompt finds an empty stdin', async () => {
  const agent = await startScript(`console.log(require('node:fs').readFileSync(0).length)`);
  await agent.end;
  assert.equal(agent.output().toString(), '0\n');
});

test('five megabytes arrive in order and whole, here and in the log', async () => {
  const logFile = join(bundles.folder, 'long.log');
  const agent = await startScript(
    `let i = 0; const more = () => { while (i < 5 * 1024 * 1024 / 16) if (!process.stdout.write(String(i++).padStart(15, '0') + '\\n')) return process.stdout.once('drain', more); }; more();`,
    { logFile },
  );
  assert.deepEqual(await agent.end, { kind: 'exited', exitCode: 0, signal: undefined });
  const output = agent.output();
  assert.equal(output.length, 5 * 1024 * 1024);
  const lines = output.toString().trimEnd().split('\n');
  assert(lines.every((line, i) => Number(line) === i));
  assert(output.equals(await readFile(logFile)));
});

test('a character that is written in two pieces arrives whole', async () => {
  const agent = await startScript(
    `const bytes = Buffer.from('漢字🏳️‍🌈'); let i = 0;
     const more = () => { if (i < bytes.length) process.stdout.write(bytes.subarray(i, ++i), () => setTimeout(more, 2)); }; more();`,
  );
  await agent.end;
  assert.equal(agent.output().toString(), '漢字🏳️‍🌈');
});

test('what is written on stderr is seen too', async () => {
  const agent = await startScript(`console.error('trouble'); process.exitCode = 1`);
  await agent.end;
  assert.equal(agent.output().toString(), 'trouble\n');
});

test('a log that cannot be written is told, and the agent works on', posix, async () => {
  const told: string[] = [];
  const script = await scriptOf('console.log("worked")');
  const end = await runAgentProcess(
    specOf({ args: [script], logFile: '/nowhere/agent.log' }),
    new AbortController().signal,
    { supervisor: bundles.supervisor, onLogFailed: (detail) => void told.push(detail) },
  );
  assert.deepEqual(end, { kind: 'exited', exitCode: 0, signal: undefined });
  assert.match(told.join(), /ENOENT/);
});

test('a stop before the start starts nothing', async () => {
  const end = await runAgentProcess(specOf({ command: '/nowhere/agent' }), AbortSignal.abort(), {
    supervisor: bundles.supervisor,
  });
  assert.deepEqual(end, { kind: 'stopped' });
});

test('a stop right after the start ends as stopped', async () => {
  const agent = await startScript('setInterval(() => {}, 1000)');
  agent.stop();
  assert.deepEqual(await agent.end, { kind: 'stopped' });
});

test('an agent that ends itself well when asked to end is stopped, not successful', posix, async () => {
  const agent = await startScript(
    `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('ready')`,
  );
  await agent.said(/ready/);
  agent.stop();
  assert.deepEqual(await agent.end, { kind: 'stopped' });
});

test('an agent that takes no notice of a stop is ended by force, and its child with it', posix, async () => {
  const agent = await startScript(`process.on('SIGTERM', () => console.log('no')); ${withChild('')}`);
  const [own, child] = await pidsOf(agent);
  agent.stop();
  assert.deepEqual(await agent.end, { kind: 'stopped' });
  assert(!isAlive(own));
  assert(!isAlive(child));
});

test('a stop also ends a grandchild that made a group of its own', posix, async () => {
  const agent = await startScript(withChild('', { detached: true }));
  const [own, child] = await pidsOf(agent);
  agent.stop();
  assert.deepEqual(await agent.end, { kind: 'stopped' });
  assert(!isAlive(own));
  assert(!isAlive(child));
});

test('what an agent leaves behind in its group when it ends is ended too', posix, async () => {
  const agent = await startScript(withChild('process.exit(3)', { output: 'inherit' }));
  const [, child] = await pidsOf(agent);
  assert.deepEqual(await agent.end, { kind: 'exited', exitCode: 3, signal: undefined });
  assert(!isAlive(child));
});

test('a supervisor that dies takes its agent with it, and the end of that is unknown', posix, async () => {
  const agent = await startScript(withChild(`console.log('parent ' + process.ppid)`));
  const [own, child] = await pidsOf(agent);
  const [, supervisor] = await agent.said(/parent (\d+)/);
  process.kill(Number(supervisor), 'SIGKILL');
  assert.deepEqual(await agent.end, { kind: 'exited', exitCode: undefined, signal: undefined });
  assert(!isAlive(own));
  assert(!isAlive(child));
});

/** A supervisor without the window's side of it, so that a test can be a window that is gone. */
async function superviseBare(spec: AgentSpec): Promise<{ supervisor: ChildProcess; pids: readonly [number, number] }> {
  const supervisor = fork(bundles.supervisor, [], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const pids = new Promise<readonly [number, number]>((resolve) => {
    let text = '';
    supervisor.on('message', (message: FromSupervisor) => {
      if (message.kind === 'output') text += Buffer.from(message.bytes).toString();
      const match = /pids (\d+) (\d+)\n/.exec(text);
      if (match !== null) resolve([Number(match[1]), Number(match[2])]);
    });
  });
  supervisor.send({ kind: 'start', spec });
  return { supervisor, pids: await pids };
}

for (const [name, leave] of [
  ['the window is gone', (supervisor: ChildProcess) => supervisor.disconnect()],
  ['the system ends the supervisor', (supervisor: ChildProcess) => supervisor.kill('SIGTERM')],
] as const) {
  test(`no agent works on after ${name}, however stubborn`, posix, async () => {
    const script = await scriptOf(`process.on('SIGTERM', () => {}); ${withChild('')}`);
    const { supervisor, pids } = await superviseBare(specOf({ args: [script], graceMs: 60_000 }));
    const gone = new Promise((resolve) => supervisor.once('exit', resolve));
    leave(supervisor);
    await gone;
    await until('agent and grandchild are gone', () => !pids.some(isAlive));
  });
}

async function simulate(...orders: string[]): Promise<Started> {
  const stdinFile = join(bundles.folder, `${++files}.prompt.md`);
  const prompt = ['Title: Bake a cake', 'Description:', ...orders.map((order) => `  simulate: ${order}`), 'end'];
  await writeFile(stdinFile, prompt.join('\n'));
  return start(specOf({ args: [bundles.simulatedAgent], stdinFile }));
}

test('the simulated agent names its task, prints what it is told and ends well', async () => {
  const agent = await simulate('seconds=0 print=40');
  assert.deepEqual(await agent.end, { kind: 'exited', exitCode: 0, signal: undefined });
  assert.match(agent.output().toString(), /at work on: Bake a cake\n/);
  assert.match(agent.output().toString(), /\[40\/40\]/);
});

for (const [order, code] of [
  ['fail', 1],
  ['fail=3', 3],
] as const) {
  test(`the simulated agent ends with ${code} when told ${order}`, async () => {
    const agent = await simulate('seconds=0', order);
    assert.deepEqual(await agent.end, { kind: 'exited', exitCode: code, signal: undefined });
  });
}

test('the simulated agent hangs, stubbornly and with a child, until it is ended by force', posix, async () => {
  const agent = await simulate('seconds=0', 'hang', 'stubborn', 'tree');
  const [, child] = await agent.said(/Started process (\d+)/);
  await agent.said(/Hanging/);
  agent.stop();
  await agent.said(/will not/);
  assert.deepEqual(await agent.end, { kind: 'stopped' });
  assert(!isAlive(Number(child)));
});
