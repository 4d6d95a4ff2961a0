import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import fc from 'fast-check';
import {
  buildCommand,
  type AgentCommand,
  type CommandRequest,
} from '../../../src/agent-process/agent-command.ts';
import {
  AUTO_ORDER,
  PRESET_KINDS,
  PRESETS,
  type PresetKind,
} from '../../../src/agent-process/agent-presets.ts';
import {
  findAgent,
  findProgram,
  readCustomAgent,
  type Agent,
  type CustomAgent,
} from '../../../src/agent-process/agents.ts';
import { fillArgs, toSafeName } from '../../../src/agent-process/args-template.ts';
import type { Disk } from '../../../src/disk/find-command.ts';

/** A disk that has these files, each with its text; a text that begins with `->` is a link. */
function diskOf(files: Readonly<Record<string, string>>): Disk {
  return {
    isExecutable: (file) => Promise.resolve(file in files),
    resolveLinks: (file) => Promise.resolve(/^->(.*)/.exec(files[file] ?? '')?.[1] ?? file),
    readText: (file) => Promise.resolve(files[file] ?? ''),
  };
}

const REQUEST: CommandRequest = {
  agentMode: 'unattended',
  model: undefined,
  sessionId: '11111111-2222-4333-8444-555555555555',
  resumes: undefined,
  promptFile: '/backlog/.todo2/waves/runs/r1/1.prompt.md',
  cwd: '/backlog',
  taskId: 'T-1',
  runId: 'r1',
};

function build(agent: Agent, change: Partial<CommandRequest> = {}): AgentCommand {
  const built = buildCommand(agent, { ...REQUEST, ...change });
  assert(built.ok, JSON.stringify(built));
  return built.value;
}

function argsOf(agent: Agent, change: Partial<CommandRequest> = {}): readonly string[] {
  return build(agent, change).args;
}

function whyNot(agent: Agent, change: Partial<CommandRequest>): string {
  const built = buildCommand(agent, { ...REQUEST, ...change });
  assert(!built.ok && built.failure.kind === 'agentNotStarted');
  return built.failure.detail;
}

async function preset(kind: PresetKind): Promise<Agent> {
  const name = `/usr/bin/${PRESETS[kind].commands[0] ?? ''}`;
  const found = await findAgent(
    { kind },
    { PATH, AMP_API_KEY: 'key' },
    'linux',
    diskOf({ [name]: '' }),
  );
  assert(found.ok);
  return found.value;
}

const HOME = '/home/me';
const PATH = '/usr/bin:/opt/tools';

async function find(
  kind: 'auto' | PresetKind,
  files: Readonly<Record<string, string>>,
  env: Record<string, string> = {},
): Promise<string> {
  const found = await findAgent({ kind }, { HOME, PATH, ...env }, 'linux', diskOf(files));
  return found.ok ? `${found.value.kind} ${found.value.command}` : found.failure.kind;
}

const searches: readonly [
  name: string,
  kind: 'auto' | 'claude' | 'cursor',
  files: string[],
  found: string,
][] = [
  [
    'the first on the PATH wins',
    'claude',
    ['/opt/tools/claude', '/usr/bin/claude'],
    'claude /usr/bin/claude',
  ],
  [
    'auto takes the first kind that is there',
    'auto',
    ['/usr/bin/codex', '/usr/bin/claude'],
    'claude /usr/bin/claude',
  ],
  [
    'an agent off the PATH of a desktop is found',
    'claude',
    ['/home/me/.local/bin/claude'],
    'claude /home/me/.local/bin/claude',
  ],
  ['nothing is nothing', 'auto', [], 'noAgent'],
  ['another agent does not do', 'claude', ['/usr/bin/codex'], 'noAgent'],
  [
    'cursor-agent is Cursor',
    'cursor',
    ['/usr/bin/agent', '/usr/bin/cursor-agent'],
    'cursor /usr/bin/cursor-agent',
  ],
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
  const everywhere: Disk = {
    ...diskOf({}),
    isExecutable: (file) => Promise.resolve(!file.startsWith('/usr')),
  };
  const found = await findAgent(
    { kind: 'claude' },
    { PATH: ':.:bin:./x:/opt/tools' },
    'linux',
    everywhere,
  );
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
  const tried = [
    'cursor-agent',
    'agent',
    'claude',
    'codex',
    'gemini',
    'qwen',
    'copilot',
    'opencode',
    'amp',
    'aider',
  ];
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
  for (const { unattended, interactive } of Object.values(PRESETS)) {
    const all = [...unattended.args, ...interactive].flat().join(' ');
    assert.doesNotMatch(all, /yolo|force|bypass|dangerous|allow-all|full-access|--auto\b|approve/i);
    assert.doesNotMatch(all, /\{(?!(cwd|promptFile|model|newSession|resumes)\})|\$\{/);
  }
});

test('auto never takes an agent that nothing limits, nor one that lacks what it needs', async () => {
  assert(!AUTO_ORDER.some((kind) => (kind as string) === 'goose'));
  assert.equal(await find('auto', { '/usr/bin/goose': '' }), 'noAgent');
  assert.equal(await find('goose', { '/usr/bin/goose': '' }), 'goose /usr/bin/goose');
  assert.equal(await find('auto', { '/usr/bin/amp': '' }), 'agentNotStarted');
  assert.equal(
    await find('auto', { '/usr/bin/amp': '', '/usr/bin/aider': '' }),
    'aider /usr/bin/aider',
  );
  assert.equal(
    await find('auto', { '/usr/bin/amp': '' }, { AMP_API_KEY: 'k' }),
    'amp /usr/bin/amp',
  );
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
  assert.deepEqual(found.value.first, [script]);
  assert.deepEqual(argsOf(found.value).slice(0, 3), [script, 'exec', '--json']);
});

test('npm itself, and any other program that a person names, is started without a shell', async () => {
  const npm = [
    '@ECHO OFF',
    'SET "NODE_EXE=%~dp0\\node.exe"',
    'SET "NPM_PREFIX_JS=%~dp0\\node_modules\\npm\\bin\\npm-prefix.js"',
    'SET "NPM_CLI_JS=%~dp0\\node_modules\\npm\\bin\\npm-cli.js"',
    '"%NODE_EXE%" "%NPM_CLI_JS%" %*',
  ].join('\r\n');
  const npx = npm.replace(
    /"%NODE_EXE%".*/,
    'SET "NPX_CLI_JS=%~dp0\\node_modules\\npm\\bin\\npx-cli.js"',
  );
  const disk = diskOf({ 'C:\\n\\npm.CMD': npm, 'C:\\n\\npx.CMD': npx, 'C:\\n\\node.exe': '' });
  for (const name of ['npm', 'npx']) {
    const found = await findProgram(name, { Path: 'C:\\n' }, 'win32', disk);
    assert(found.ok);
    assert.equal(found.value.command, 'C:\\n\\node.exe');
    assert.deepEqual(found.value.args, [`C:\\n\\node_modules\\npm\\bin\\${name}-cli.js`]);
  }
  const found = await findProgram('make', { PATH }, 'linux', diskOf({ '/usr/bin/make': '' }));
  assert(found.ok && found.value.command === '/usr/bin/make');
  assert(!(await findProgram('./make', { PATH }, 'linux', diskOf({ './make': '' }))).ok);
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
  const { command, args, stdin, env } = build(byName);
  assert.deepEqual(
    [command, args, stdin, env['A']],
    ['/opt/tools/mine', [REQUEST.promptFile], 'none', 'b'],
  );
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
  const { command, args, env } = build(found.value, { model: 'ignored' });
  assert.deepEqual([command, env], ['/x/node', { ELECTRON_RUN_AS_NODE: '1' }]);
  assert.deepEqual(args, ['/x/{cwd}/sim.cjs']);
  assert.deepEqual(argsOf(found.value, { agentMode: 'interactive' }), [
    '/x/{cwd}/sim.cjs',
    REQUEST.promptFile,
  ]);
  assert(!(AUTO_ORDER as readonly string[]).includes('simulated'));
});

test('placeholders are replaced within an argument, once, and unknown ones stay', () => {
  const values = { promptFile: '/p/{cwd}.md', cwd: '/a b', taskId: 'T-1', runId: 'r1' };
  const args = ['--in={promptFile}', '{cwd}', '{taskId}@{runId}', '{model}', '$(x) {'];
  assert.deepEqual(fillArgs(args, values), [
    '--in=/p/{cwd}.md',
    '/a b',
    'T-1@r1',
    '{model}',
    '$(x) {',
  ]);
});

test('a group of arguments is left out where one of its placeholders has no value', () => {
  const values = { promptFile: '/p', cwd: '/c', taskId: 'T-1', runId: 'r1', model: 'm' };
  const args = [
    'a',
    ['--model', '{model}'],
    ['--resume={resumes}'],
    ['{model}', '{sessionId}'],
    ['constant'],
  ];
  assert.deepEqual(fillArgs(args, values), ['a', '--model', 'm', 'constant']);
});

const SESSION = REQUEST.sessionId;

const lines: readonly [kind: PresetKind, begins: string, resumes: string][] = [
  ['cursor', '', '--resume old-1'],
  ['claude', `--session-id ${SESSION}`, '--resume old-1'],
  ['codex', '', 'resume old-1 -'],
  ['gemini', `--session-id ${SESSION}`, '--resume old-1'],
  ['qwen', `--session-id ${SESSION}`, '--resume old-1'],
  ['copilot', `--session-id ${SESSION}`, '--resume=old-1'],
  ['opencode', '', '--session old-1'],
  ['amp', '', 'threads continue old-1 -x'],
];

for (const [kind, begins, resumes] of lines) {
  test(`${kind} begins a session, and goes on with an earlier one`, async () => {
    const agent = await preset(kind);
    const fresh = build(agent);
    assert(fresh.args.join(' ').includes(begins));
    assert(!fresh.args.join(' ').includes('old-1'));
    assert.equal(fresh.sessionId, begins === '' ? undefined : SESSION);
    const again = build(agent, { resumes: 'old-1' });
    assert(` ${again.args.join(' ')} `.includes(` ${resumes} `), again.args.join(' '));
    assert(!again.args.includes(SESSION));
    assert.equal(again.sessionId, 'old-1');
  });
}

test('an agent without sessions begins anew', async () => {
  for (const kind of ['aider', 'goose'] as const) {
    const { args, sessionId } = build(await preset(kind), { resumes: 'old-1' });
    assert(!args.includes('old-1'));
    assert.equal(sessionId, undefined);
  }
});

test('every agent gets its prompt once: on stdin, or as a file that its arguments name', async () => {
  for (const kind of PRESET_KINDS) {
    const agent = await preset(kind);
    const { args, stdin } = build(agent);
    assert.equal(args.includes(REQUEST.promptFile), stdin === 'none', kind);
    const inTerminal = build(agent, { agentMode: 'interactive' });
    assert.equal(inTerminal.stdin, 'none');
    const names = inTerminal.args.some((arg) => arg.includes(REQUEST.promptFile));
    assert(names || inTerminal.tell?.includes(REQUEST.promptFile), kind);
  }
});

test('a model is one word, and none is dropped in silence', async () => {
  for (const kind of PRESET_KINDS) {
    const agent = await preset(kind);
    if (kind === 'amp') assert.match(whyNot(agent, { model: 'm' }), /takes no model/);
    else
      assert(
        argsOf(agent, { model: 'vendor/model-1.5:fast@2' }).includes('vendor/model-1.5:fast@2'),
      );
    assert(!argsOf(agent).includes('--model'));
    for (const model of ['--yolo', '', ' m', 'a b', 'a\n', '$(x)', '${env:X}', 'a'.repeat(101)]) {
      assert.match(whyNot(agent, { model }), /no name of a model/);
    }
  }
});

test('a session that is no plain word is not passed on', async () => {
  const agent = await preset('claude');
  for (const resumes of ['--help', '', '../x', 'a b', 'a\n', '$(x)', 'a'.repeat(129)])
    whyNot(agent, { resumes });
});

test('Amp without its key is not started unattended, and it is said why', async () => {
  const found = await findAgent({ kind: 'amp' }, { PATH }, 'linux', diskOf({ '/usr/bin/amp': '' }));
  assert(found.ok);
  assert.match(whyNot(found.value, {}), /AMP_API_KEY.*login/);
  assert(buildCommand(found.value, { ...REQUEST, agentMode: 'interactive' }).ok);
});

test('a mode that the user set for goose stays', async () => {
  const disk = diskOf({ '/usr/bin/goose': '' });
  const own = await findAgent({ kind: 'goose' }, { PATH, GOOSE_MODE: 'chat' }, 'linux', disk);
  assert(own.ok && own.value.env['GOOSE_MODE'] === undefined);
  assert.equal((await preset('goose')).env['GOOSE_MODE'], 'smart_approve');
});

test('a command in a terminal has nothing that an editor would replace', async () => {
  const agent = await preset('claude');
  assert.match(
    whyNot(agent, { agentMode: 'interactive', promptFile: '/a/${env:HOME}/1.prompt.md' }),
    /variable/,
  );
  assert(buildCommand(agent, { ...REQUEST, promptFile: '/a/${env:HOME}/1.prompt.md' }).ok);
});

test('a custom agent says where model and session go', async () => {
  const disk = diskOf({ '/usr/bin/mine': '' });
  const custom = async (args: CustomAgent['args']): Promise<Agent> => {
    const preference = {
      kind: 'custom',
      custom: { command: 'mine', args, stdin: 'prompt', env: {} },
    } as const;
    const found = await findAgent(preference, { PATH }, 'linux', disk);
    assert(found.ok);
    return found.value;
  };
  const grouped = await custom(['-s', '{sessionId}', ['-m', '{model}'], '{taskId}']);
  assert.deepEqual(argsOf(grouped, { taskId: '../$(x)' }), ['-s', SESSION, toSafeName('../$(x)')]);
  assert.deepEqual(argsOf(grouped, { model: 'm', resumes: 's' }), ['-s', 's', '-m', 'm', 'T-1']);
  assert.match(whyNot(await custom(['-m', '{model}']), {}), /\{model\}/);
  assert.match(whyNot(await custom([]), { model: 'm' }), /no place for \{model\}/);
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
  test(`the id ${JSON.stringify(id)} becomes the word ${name}`, () =>
    assert.equal(toSafeName(id), name));
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
  ['a group of arguments', { command: 'mine', args: ['-x', ['--model', '{model}']] }, true],
  ['a group in a group', { command: 'mine', args: [[['-x']]] }, false],
  ['an output that we can read', { command: 'mine', output: 'streamJson' }, true],
  ['another output', { command: 'mine', output: 'xml' }, false],
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

test(
  'on a real disk only a file that may be executed counts',
  { skip: process.platform === 'win32' },
  async () => {
    const [first, second, third] = ['1', '2', '3'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
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
  },
);
