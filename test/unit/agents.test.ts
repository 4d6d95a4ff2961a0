import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import fc from 'fast-check';
import {
  AUTO_ORDER,
  fillArgs,
  findAgent,
  PRESETS,
  readCustomAgent,
  toSafeName,
  type Agent,
  type CustomAgent,
} from '../../src/run/agents.ts';
import type { Disk } from '../../src/run/find-command.ts';

/** A disk that has these files, each with its text; a text that begins with `->` is a link. */
function diskOf(files: Readonly<Record<string, string>>): Disk {
  return {
    isExecutable: (file) => Promise.resolve(file in files),
    resolveLinks: (file) => Promise.resolve(/^->(.*)/.exec(files[file] ?? '')?.[1] ?? file),
    readText: (file) => Promise.resolve(files[file] ?? ''),
  };
}

const HOME = '/home/me';
const PATH = '/usr/bin:/opt/tools';

async function find(
  kind: 'auto' | (typeof AUTO_ORDER)[number],
  files: Readonly<Record<string, string>>,
  env: Record<string, string> = {},
): Promise<string> {
  const found = await findAgent({ kind }, { HOME, PATH, ...env }, 'linux', diskOf(files));
  return found.ok ? `${found.value.kind} ${found.value.command}` : found.failure.kind;
}

const searches: readonly [name: string, kind: 'auto' | 'claude' | 'cursor', files: string[], found: string][] = [
  ['the first on the PATH wins', 'claude', ['/opt/tools/claude', '/usr/bin/claude'], 'claude /usr/bin/claude'],
  ['auto takes the first kind that is there', 'auto', ['/usr/bin/codex', '/usr/bin/claude'], 'claude /usr/bin/claude'],
  [
    'an agent off the PATH of a desktop is found',
    'claude',
    ['/home/me/.local/bin/claude'],
    'claude /home/me/.local/bin/claude',
  ],
  ['nothing is nothing', 'auto', [], 'noAgent'],
  ['another agent does not do', 'claude', ['/usr/bin/codex'], 'noAgent'],
  ['cursor-agent is Cursor', 'cursor', ['/usr/bin/agent', '/usr/bin/cursor-agent'], 'cursor /usr/bin/cursor-agent'],
  ['any program called agent is not Cursor', 'cursor', ['/usr/bin/agent'], 'noAgent'],
];

for (const [name, kind, files, found] of searches) {
  test(`looking for an agent: ${name}`, async () => {
    assert.equal(await find(kind, Object.fromEntries(files.map((file) => [file, '']))), found);
  });
}

test('agent is Cursor where the link leads into its folder, or exarp-go is told so', async () => {
  const link = { '/usr/bin/agent': '->/home/me/.local/share/cursor-agent/versions/1/cursor-agent' };
  assert.equal(await find('cursor', link), 'cursor /usr/bin/agent');
  assert.equal(await find('cursor', { '/usr/bin/agent': '->/home/cursor/bin/agent' }), 'noAgent');
  assert.equal(
    await find('cursor', { '/usr/bin/agent': '' }, { EXARP_AGENT_CMD: 'agent --x' }),
    'cursor /usr/bin/agent',
  );
});

test('the current directory is never looked at, whatever the PATH says', async () => {
  const everywhere: Disk = { ...diskOf({}), isExecutable: (file) => Promise.resolve(!file.startsWith('/usr')) };
  const found = await findAgent({ kind: 'claude' }, { PATH: ':.:bin:./x:/opt/tools' }, 'linux', everywhere);
  assert(found.ok);
  assert.equal(found.value.command, '/opt/tools/claude');
  const windows = await findAgent(
    { kind: 'claude' },
    { Path: ';.;bin;\\bin;C:bin;C:\\tools', PATHEXT: '.EXE' },
    'win32',
    { ...diskOf({}), isExecutable: () => Promise.resolve(true) },
  );
  assert(windows.ok);
  assert.equal(windows.value.command, 'C:\\tools\\claude.EXE');
});

test('noAgent names everything that was looked for', async () => {
  const found = await findAgent({ kind: 'auto' }, { PATH }, 'linux', diskOf({}));
  assert(!found.ok && found.failure.kind === 'noAgent');
  const tried = ['cursor-agent', 'agent', 'claude', 'codex', 'gemini', 'copilot', 'opencode'];
  assert.deepEqual(found.failure.tried, tried);
});

test('the agent gets a PATH on which its own folder and the usual ones stand last', async () => {
  const found = await findAgent(
    { kind: 'claude' },
    { HOME, PATH },
    'linux',
    diskOf({ '/opt/homebrew/bin/claude': '' }),
  );
  assert(found.ok);
  const folders = found.value.env['PATH']?.split(':') ?? [];
  assert.deepEqual(folders.slice(0, 2), PATH.split(':'));
  assert(folders.includes('/opt/homebrew/bin'));
});

test('no preset lets an agent do whatever it likes, or has a place for the prompt', () => {
  for (const { args } of Object.values(PRESETS)) {
    assert.doesNotMatch(args.join(' '), /yolo|force|bypass|dangerous|allow-all|full-access|--auto\b/i);
    assert.doesNotMatch(args.join(' '), /\{(?!cwd\})/);
  }
});

const SHIM = `@ECHO off\r\nGOTO start\r\n:find_dp0\r\nSET dp0=%~dp0\r\nEXIT /b\r\n:start\r\nSETLOCAL\r\nCALL :find_dp0\r\n
IF EXIST "%dp0%\\node.exe" (\r\n  SET "_prog=%dp0%\\node.exe"\r\n) ELSE (\r\n  SET "_prog=node"\r\n  SET PATHEXT=%PATHEXT:;.JS;=;%\r\n)\r\n
endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & "%_prog%"  "%dp0%\\node_modules\\@openai\\codex\\bin\\codex.js" %*\r\n`;

test('a batch file of npm is resolved to Node and its script', async () => {
  const env = { Path: 'C:\\npm;C:\\node', PATHEXT: '.COM;.EXE;.CMD' };
  const disk = diskOf({ 'C:\\npm\\codex.CMD': SHIM, 'C:\\node\\node.exe': '' });
  const found = await findAgent({ kind: 'codex' }, env, 'win32', disk);
  assert(found.ok);
  assert.equal(found.value.command, 'C:\\node\\node.exe');
  const script = 'C:\\npm\\node_modules\\@openai\\codex\\bin\\codex.js';
  assert.deepEqual(found.value.args, [script, ...PRESETS.codex.args]);
});

test('a batch file that starts a program is resolved to it', async () => {
  const text = '@ECHO off\r\n"%~dp0\\node_modules\\x\\claude.exe"   %*\r\n';
  const found = await findAgent(
    { kind: 'claude' },
    { Path: 'C:\\npm' },
    'win32',
    diskOf({ 'C:\\npm\\claude.CMD': text }),
  );
  assert(found.ok);
  assert.equal(found.value.command, 'C:\\npm\\node_modules\\x\\claude.exe');
});

test('any other batch file is said to need a shell, and auto goes on to the next agent', async () => {
  const files = { 'C:\\npm\\claude.CMD': 'powershell -File x.ps1 %*', 'C:\\npm\\gemini.EXE': '' };
  const claude = await findAgent({ kind: 'claude' }, { Path: 'C:\\npm' }, 'win32', diskOf(files));
  assert(!claude.ok && claude.failure.kind === 'agentNotStarted');
  assert.equal(claude.failure.command, 'C:\\npm\\claude.CMD');
  const auto = await findAgent({ kind: 'auto' }, { Path: 'C:\\npm' }, 'win32', diskOf(files));
  assert(auto.ok && auto.value.kind === 'gemini');
});

async function findCustom(command: string, files: readonly string[]): Promise<Agent | string> {
  const custom: CustomAgent = { command, args: ['{promptFile}'], stdin: 'none', env: { A: 'b' } };
  const disk = diskOf(Object.fromEntries(files.map((file) => [file, ''])));
  const found = await findAgent({ kind: 'custom', custom }, { PATH }, 'linux', disk);
  return found.ok ? found.value : found.failure.kind;
}

test('a custom agent is a name on the PATH or an absolute path, nothing relative', async () => {
  const byName = await findCustom('mine', ['/opt/tools/mine']);
  assert(typeof byName !== 'string');
  const { command, args, stdin, env } = byName;
  assert.deepEqual([command, args, stdin, env['A']], ['/opt/tools/mine', ['{promptFile}'], 'none', 'b']);
  assert(typeof (await findCustom('/elsewhere/mine', ['/elsewhere/mine'])) !== 'string');
  assert.equal(await findCustom('/elsewhere/mine', []), 'noAgent');
  assert.equal(await findCustom('./mine', ['./mine', 'mine']), 'agentNotStarted');
  assert.equal(await findCustom('', ['/opt/tools/']), 'agentNotStarted');
});

test('the simulated agent is found without looking anywhere, but never by auto', async () => {
  const found = await findAgent(
    { kind: 'simulated', script: '/x/{cwd}/sim.cjs', node: '/x/node' },
    {},
    'linux',
    diskOf({}),
  );
  assert(found.ok);
  const { command, args, env } = found.value;
  assert.deepEqual([command, env], ['/x/node', { ELECTRON_RUN_AS_NODE: '1' }]);
  assert.deepEqual(fillArgs(args, { promptFile: '', cwd: 'no', taskId: '', runId: '' }), ['/x/{cwd}/sim.cjs']);
  assert(!(AUTO_ORDER as readonly string[]).includes('simulated'));
});

test('placeholders are replaced within an argument, once, and unknown ones stay', () => {
  const values = { promptFile: '/p/{cwd}.md', cwd: '/a b', taskId: 'T-1', runId: 'r1' };
  const args = ['--in={promptFile}', '{cwd}', '{taskId}@{runId}', '{model}', '$(x) {'];
  assert.deepEqual(fillArgs(args, values), ['--in=/p/{cwd}.md', '/a b', 'T-1@r1', '{model}', '$(x) {']);
});

const ids: readonly [id: string, name: string][] = [
  ['T-12', 'T-12'],
  ['T-1.2_a', 'T-1.2_a'],
  ['../../etc/passwd', '__.._etc_passwd'],
  ['--force', '_force'],
  ['.hidden', '_hidden'],
  ['$(touch pwned)`x`"\'\n', '__touch_pwned__x____'],
  ['', '_'],
];

for (const [id, name] of ids) {
  test(`the id ${JSON.stringify(id)} becomes the word ${name}`, () => assert.equal(toSafeName(id), name));
}

test('whatever an id is, its word is no option, no path and not long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (id) =>
      assert.match(toSafeName(id), /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/),
    ),
    { seed: 20_261_123 },
  );
});

const settings: readonly [name: string, value: unknown, valid: boolean][] = [
  ['a command alone', { command: 'mine' }, true],
  ['everything', { command: 'mine', args: ['-x'], stdin: 'none', env: { A: 'b' } }, true],
  ['no command', { args: [] }, false],
  ['a blank command', { command: ' ' }, false],
  ['a command line in place of a list', { command: 'mine', args: '-x' }, false],
  ['a number as an argument', { command: 'mine', args: [1] }, false],
  ['another stdin', { command: 'mine', stdin: 'file' }, false],
  ['a number in env', { command: 'mine', env: { A: 1 } }, false],
  ['a text', 'mine', false],
  ['null', null, false],
];

for (const [name, value, valid] of settings) {
  test(`a custom agent in settings: ${name} is ${valid ? '' : 'not '}accepted`, () => {
    assert.equal(readCustomAgent(value) !== undefined, valid);
  });
}

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'todo2-waves-'))));
after(() => rm(folder, { recursive: true, force: true }));

test('on a real disk only a file that may be executed counts', { skip: process.platform === 'win32' }, async () => {
  const [first, second, third] = ['1', '2', '3'].map((name) => join(folder, name)) as [string, string, string];
  await mkdir(join(first, 'claude'), { recursive: true });
  await mkdir(second);
  await mkdir(third);
  await writeFile(join(second, 'claude'), 'not executable');
  await writeFile(join(folder, 'target'), '#!/bin/sh\n');
  await chmod(join(folder, 'target'), 0o700);
  await symlink(join(folder, 'target'), join(third, 'claude'));
  const found = await findAgent({ kind: 'claude' }, { PATH: [first, second, third].join(':') });
  assert(found.ok);
  assert.equal(found.value.command, join(third, 'claude'));
});
