import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import {
  runChild,
  type ChildEnd,
  type ChildOptions,
} from '../../../src/agent-process/child-work.ts';
import { endOrphan, isMarkAlive, MARK } from '../../../src/agent-process/process-tree.ts';
import { processStartTime } from '../../../src/disk/processes.ts';
import { isAlive } from '../../support/work-rig.ts';
import { until } from '../../support/until.ts';

const posix = { skip: process.platform === 'win32' };
const linux = { skip: process.platform !== 'linux' };

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'todo2-child-'))));
after(() => rm(folder, { recursive: true, force: true }));

let files = 0;

/** An agent whose whole program is this JavaScript. */
async function scriptOf(source: string): Promise<string> {
  const file = join(folder, `agent-${++files}.cjs`);
  await writeFile(file, source);
  return file;
}

interface Started {
  readonly end: Promise<ChildEnd>;
  readonly mark: string;
  readonly stop: () => void;
  /** Resolves with the first match in what it has written so far or will write. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly output: () => Buffer;
}

type Spec = Partial<Pick<ChildOptions, 'cwd' | 'stdinFile'>> & Partial<ChildOptions['spec']>;

function start({
  cwd = folder,
  stdinFile,
  command = process.execPath,
  args = [],
  env = {},
}: Spec): Started {
  const stop = new AbortController();
  const pieces: Uint8Array[] = [];
  const output = (): Buffer => Buffer.concat(pieces);
  const mark = randomBytes(16).toString('hex');
  const options: ChildOptions = {
    ...{
      spec: { command, args, env },
      cwd,
      stdinFile,
      mark,
      inTerminal: false,
      graceMs: () => 200,
    },
    onOutput: (bytes) => void pieces.push(bytes),
    onStarted: () => undefined,
  };
  return {
    end: runChild(options, stop.signal),
    mark,
    stop: () => stop.abort(),
    output,
    said: async (pattern) => {
      await until(`it says ${pattern.source}`, () => pattern.test(output().toString()));
      return pattern.exec(output().toString())!;
    },
  };
}

async function startScript(source: string, spec: Spec = {}): Promise<Started> {
  return start({ args: [await scriptOf(source)], ...spec });
}

const exited = (exitCode: number | undefined, signal?: string): ChildEnd => {
  return { kind: 'ended', exitCode, signal, stopped: false };
};

async function isStopped(agent: Started): Promise<boolean> {
  const end = await agent.end;
  return end.kind === 'ended' && end.stopped;
}

/**
 * Starts another process that takes no notice of SIGTERM and would outlive it, and when that is so
 * prints both ids. `output` is where the other one writes.
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
    assert.deepEqual(await agent.end, exited(code));
  });
}

test('an agent that a signal ends has no exit code', posix, async () => {
  const agent = await startScript(`process.kill(process.pid, 'SIGKILL')`);
  assert.deepEqual(await agent.end, exited(undefined, 'SIGKILL'));
});

for (const [name, spec, said] of [
  ['a program that is not there', { command: '/nowhere/agent' }, /ENOENT/],
  ['a folder that is not there', { cwd: '/nowhere' }, /nowhere/],
  ['a prompt that is not there', { stdinFile: '/nowhere/prompt.md' }, /ENOENT.*prompt\.md/],
  ['a text with a zero byte as an argument', { args: ['a\0b'] }, /null bytes/],
] as const) {
  test(`${name} is an agent that was not started, and says so`, posix, async () => {
    const end = await start(spec).end;
    assert(end.kind === 'notStarted');
    assert.match(end.detail, said);
  });
}

test('a program that may not be executed is an agent that was not started', posix, async () => {
  const end = await start({ command: await scriptOf('not a program') }).end;
  assert(end.kind === 'notStarted');
  assert.match(end.detail, /EACCES/);
});

const HOSTILE = [
  '$(touch pwned) `touch pwned` "; touch pwned; # \' & | > pwned < %PATH% !! ${env:HOME} ${command:workbench.action.quit}',
  '\r\n\t\u0000\u001b[2J\u001b]0;title\u0007 \\ \\\\ ~ * ? [a-z] {a,b} --force -rf /',
  '\u202eright to left\u202c 🏳️‍🌈 \ud83d\udc69\u200d\ud83d\udcbb é é 漢字 \ufeff',
  '```\n~~~\nEOF\n',
].join('\n');

test('hostile text arrives byte for byte on stdin, and nothing of it is in the arguments or the environment', async () => {
  const stdinFile = join(folder, 'hostile.prompt.md');
  const text = Buffer.concat([Buffer.from(HOSTILE), Buffer.from([0xff, 0xfe, 0x80])]);
  await writeFile(stdinFile, text);
  const agent = await startScript(
    `const stdin = require('node:fs').readFileSync(0).toString('base64');
     console.log(JSON.stringify({ stdin, args: process.argv.slice(2), execArgs: process.execArgv, env: process.env }));`,
    { stdinFile },
  );
  assert.deepEqual(await agent.end, exited(0));
  const seen = JSON.parse(agent.output().toString()) as {
    stdin: string;
    args: [];
    execArgs: [];
    env: object;
  };
  assert.deepEqual(Buffer.from(seen.stdin, 'base64'), text);
  assert.deepEqual([...seen.args, ...seen.execArgs], []);
  assert(!JSON.stringify(seen.env).includes('pwned'));
});

test('arguments arrive as they are, without a shell', async () => {
  const args = HOSTILE.replaceAll('\0', '').split('\n').concat('', ' ');
  const script = await scriptOf('console.log(JSON.stringify(process.argv.slice(2)))');
  const agent = start({ args: [script, ...args] });
  await agent.end;
  assert.deepEqual(JSON.parse(agent.output().toString()), args);
});

test("the editor's own variables do not reach the agent; those of the spec and its mark do", async () => {
  const own = { ...process.env };
  Object.assign(process.env, {
    VSCODE_IPC_HOOK: 'x',
    ELECTRON_NO_ASAR: '1',
    TODO2_WAVES_TEST: 'kept',
  });
  try {
    const agent = await startScript('console.log(JSON.stringify(process.env))', {
      env: { EXTRA: 'a "b" $c' },
    });
    await agent.end;
    const env = JSON.parse(agent.output().toString()) as Record<string, string>;
    const isEditors = (name: string): boolean =>
      /^(VSCODE_|ELECTRON_|NODE_OPTIONS|NODE_CHANNEL)/.test(name);
    assert.deepEqual(Object.keys(env).filter(isEditors), []);
    assert.equal(env['TODO2_WAVES_TEST'], 'kept');
    assert.equal(env['EXTRA'], 'a "b" $c');
    assert.equal(env[MARK], agent.mark);
  } finally {
    for (const name of Object.keys(process.env))
      if (!(name in own)) Reflect.deleteProperty(process.env, name);
  }
});

test('an agent without a prompt finds an empty stdin', async () => {
  const agent = await startScript(`console.log(require('node:fs').readFileSync(0).length)`);
  await agent.end;
  assert.equal(agent.output().toString(), '0\n');
});

test('five megabytes arrive in order and whole', async () => {
  const agent = await startScript(
    `let i = 0; const more = () => { while (i < 5 * 1024 * 1024 / 16)
       if (!process.stdout.write(String(i++).padStart(15, '0') + '\\n')) return process.stdout.once('drain', more); }; more();`,
  );
  assert.deepEqual(await agent.end, exited(0));
  assert.equal(agent.output().length, 5 * 1024 * 1024);
  const lines = agent.output().toString().trimEnd().split('\n');
  assert(lines.every((line, i) => Number(line) === i));
});

test('what is written on stderr is seen too', async () => {
  const agent = await startScript(`console.error('trouble'); process.exitCode = 1`);
  await agent.end;
  assert.equal(agent.output().toString(), 'trouble\n');
});

test('a stop before the start starts nothing', async () => {
  const marker = join(folder, 'started');
  const spec = {
    command: process.execPath,
    args: ['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`],
    env: {},
  };
  const options = {
    spec,
    cwd: folder,
    stdinFile: undefined,
    mark: 'none',
    inTerminal: false,
    graceMs: () => 0,
  };
  const end = await runChild(
    { ...options, onOutput: () => undefined, onStarted: () => assert.fail('it was started') },
    AbortSignal.abort(),
  );
  assert(end.kind === 'ended' && end.stopped);
});

test('a stop right after the start ends as stopped', async () => {
  const agent = await startScript('setInterval(() => {}, 1000)');
  agent.stop();
  assert(await isStopped(agent));
});

test(
  'an agent that ends itself well when asked to end is stopped, not successful',
  posix,
  async () => {
    const agent = await startScript(
      `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('ready')`,
    );
    await agent.said(/ready/);
    agent.stop();
    assert(await isStopped(agent));
  },
);

test(
  'an agent that takes no notice of a stop is ended by force, and its child with it',
  posix,
  async () => {
    const agent = await startScript(
      `process.on('SIGTERM', () => console.log('no')); ${withChild('')}`,
    );
    const pids = await pidsOf(agent);
    agent.stop();
    assert(await isStopped(agent));
    assert.deepEqual(pids.filter(isAlive), []);
  },
);

test('a stop also ends a grandchild that made a group of its own', posix, async () => {
  const agent = await startScript(withChild('', { detached: true }));
  const pids = await pidsOf(agent);
  agent.stop();
  assert(await isStopped(agent));
  assert.deepEqual(pids.filter(isAlive), []);
});

test('what an agent leaves behind in its group when it ends is ended too', posix, async () => {
  const agent = await startScript(withChild('process.exit(3)', { output: 'inherit' }));
  const [, child] = await pidsOf(agent);
  assert.deepEqual(await agent.end, exited(3));
  assert(!isAlive(child));
});

for (const [name, how] of [
  ['ends by itself', () => undefined],
  ['is stopped', (agent: Started) => agent.stop()],
] as const) {
  test(
    `what left the group and lost its parent is found by its mark when the agent ${name}`,
    linux,
    async () => {
      // The one between them ends at once, so that nothing but the environment leads from the agent
      // to the last one.
      const last = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('last ' + process.pid)`;
      const between = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(last)}],
      { stdio: ['ignore', 'inherit', 'ignore'], detached: true }).unref()`;
      const agent = await startScript(
        `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(between)}],
         { stdio: ['ignore', 'inherit', 'inherit'], detached: true }).unref();
       process.on('SIGUSR1', () => process.exit(0)); setInterval(() => {}, 1000); console.log('own ' + process.pid)`,
      );
      const [, pid] = await agent.said(/last (\d+)/);
      const [, own] = await agent.said(/own (\d+)/);
      if (name === 'ends by itself') process.kill(Number(own), 'SIGUSR1');
      how(agent);
      await agent.end;
      assert(!isAlive(Number(pid)));
      assert.equal(await isMarkAlive({ mark: agent.mark }), false);
    },
  );
}

test('an orphan is ended by its beginning, and what carries its mark with it', posix, async () => {
  const mark = randomBytes(16).toString('hex');
  const env = { ...process.env, [MARK]: mark };
  const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    env,
    detached: true,
    stdio: 'ignore',
  });
  const agentBegin = (await processStartTime(orphan.pid!)) ?? null;
  await endOrphan({ agentPid: orphan.pid, agentBegin, mark }, processStartTime, 200);
  await until('it is gone', () => !isAlive(orphan.pid!));
});

test(
  'a process that only has the id of an orphan is left alone, and so is everything where the mark is none',
  posix,
  async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      detached: true,
      stdio: 'ignore',
    });
    try {
      const marks = [randomBytes(16).toString('hex'), '', '.*'];
      for (const mark of marks) {
        await endOrphan(
          { agentPid: other.pid, agentBegin: 'long ago', mark },
          processStartTime,
          50,
        );
        await endOrphan({ agentPid: other.pid, agentBegin: null, mark }, processStartTime, 50);
      }
      assert(isAlive(other.pid!));
    } finally {
      other.kill('SIGKILL');
    }
  },
);
