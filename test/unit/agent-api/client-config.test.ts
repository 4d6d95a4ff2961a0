import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type ClientConfig,
  clientConfigs,
  SERVER_NAME,
  type ServerCommand,
  serverCommand,
} from '../../../src/agent-api/client-config.ts';

const SERVER = serverCommand({
  node: '/Applications/An Editor.app/Contents/MacOS/Editor',
  script: '/home/me/.config/Editor/todo2waves/mcp.cjs',
  root: '/home/me/my project',
});

function configFor(
  client: ClientConfig['client'],
  server = SERVER,
  platform: NodeJS.Platform = 'linux',
): ClientConfig {
  const all = clientConfigs(server, platform);
  return all.find((each) => each.client === client) ?? assert.fail(client);
}

/** Any text that a path could be, and most that it could not. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    `it's "quoted"`,
    'a\\b\\u0041',
    '$(touch x)`y`',
    '\u007f\u0000\t\n',
    '${env:HOME}',
    '\ud800',
    "'''",
    '"""',
    '%PATH%',
  ),
);

/**
 * A basic string, an array of them and an inline table, as TOML 1.0 has them: no control character,
 * no other escapes.
 */
const BASIC =
  /"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\ud7ff\ue000-\u{10ffff}]|\\(?:[btnfr"\\]|u(?!d[89a-f])[0-9a-f]{4}))*"/iu;

function readToml(source: string): {
  command: string;
  args: string[];
  env: Record<string, string>;
} {
  const lines = source.split('\n');
  assert.deepEqual([lines[0], lines.length, lines[4]], [`[mcp_servers.${SERVER_NAME}]`, 5, '']);
  const rest = (line: string | undefined, name: string): string => {
    if (line?.startsWith(`${name} = `) !== true) assert.fail(`${name} is in: ${line ?? 'nothing'}`);
    return line.slice(name.length + 3);
  };
  // What may stand between the quotes of TOML here may stand there in JSON and means the same.
  const strings = (part: string): string[] => {
    const found = part.match(new RegExp(BASIC, 'giu')) ?? [];
    return found.map((each) => JSON.parse(each.replaceAll('\t', '\\t')) as string);
  };
  const command = rest(lines[1], 'command');
  assert.match(command, new RegExp(`^${BASIC.source}$`, 'iu'));
  const args = rest(lines[2], 'args');
  assert.match(args, new RegExp(`^\\[(?:${BASIC.source}(?:, ${BASIC.source})*)?\\]$`, 'iu'));
  const env = rest(lines[3], 'env');
  assert.match(env, new RegExp(`^\\{ [A-Z_]+ = ${BASIC.source} \\}$`, 'iu'));
  return {
    command: strings(command)[0] ?? '',
    args: strings(args),
    env: { [/^\{ ([A-Z_]+)/.exec(env)?.[1] ?? '']: strings(env)[0] ?? '' },
  };
}

type Read = Pick<ServerCommand, 'command' | 'args' | 'env'>;

/** What of a server stands under its name in a file of JSON. */
function readJson(source: string, key: string): unknown {
  const file = JSON.parse(source) as Record<string, Record<string, unknown>>;
  return file[key]?.[SERVER_NAME];
}

/** What each client gets out of its text. */
function readBack({ client, text: source }: ClientConfig): unknown {
  switch (client) {
    case 'cursor':
    case 'claudeFile':
    case 'qwen':
    case 'copilot':
      return readJson(source, 'mcpServers');
    case 'gemini': {
      // As `env` starts it.
      const { args } = readJson(source, 'mcpServers') as Read;
      const [set = '', command = '', ...rest] = args;
      const [, name = '', value] = /^([^=]*)=([^]*)$/.exec(set) ?? [];
      return { command, args: rest, env: { [name]: value } };
    }
    case 'opencode': {
      const { type, command, environment } = readJson(source, 'mcp') as {
        type: string;
        command: string[];
        environment: Record<string, string>;
      };
      return { type, command: command[0], args: command.slice(1), env: environment };
    }
    case 'vscode':
      return readJson(source, 'servers');
    case 'codex':
      return readToml(source);
    case 'claudeCommand':
      return JSON.parse(
        source
          .slice(`claude mcp add-json ${SERVER_NAME} '`.length, -"'\n".length)
          .replaceAll("'\\''", "'"),
      );
  }
}

/** What clients want to be told beside what a server is started with. */
const ADDED: Partial<Record<ClientConfig['client'], object>> = {
  vscode: { type: 'stdio' },
  claudeFile: { type: 'stdio' },
  claudeCommand: { type: 'stdio' },
  copilot: { type: 'local', tools: ['*'] },
  opencode: { type: 'local' },
};

describe('the configuration for a client', () => {
  test('starts the server with the node and the root that it was given, as a Node', () => {
    assert.deepEqual(SERVER, {
      command: '/Applications/An Editor.app/Contents/MacOS/Editor',
      args: ['/home/me/.config/Editor/todo2waves/mcp.cjs', '--root', '/home/me/my project'],
      env: { ELECTRON_RUN_AS_NODE: '1' },
    });
    const named = serverCommand({ node: 'node', script: 'mcp.cjs', root: '/x', agent: 'codex' });
    assert.deepEqual(named.args, ['mcp.cjs', '--root', '/x', '--agent', 'codex']);
  });

  test('says for each client where it belongs, in the form that its documentation has', () => {
    const places = clientConfigs(SERVER).map(({ client, place }) => `${client}: ${place}`);
    assert.deepEqual(places, [
      'cursor: .cursor/mcp.json in the project, or ~/.cursor/mcp.json',
      'vscode: .vscode/mcp.json in the project',
      'claudeFile: .mcp.json in the project',
      'claudeCommand: a terminal in the project (sh, bash, zsh)',
      'codex: ~/.codex/config.toml',
      'gemini: .gemini/settings.json in the project, or ~/.gemini/settings.json',
      'qwen: .qwen/settings.json in the project, or ~/.qwen/settings.json',
      'copilot: ~/.copilot/mcp-config.json',
      'opencode: opencode.json in the project, or ~/.config/opencode/opencode.json',
    ]);
    const { command, args, env } = SERVER;
    assert.deepEqual(JSON.parse(configFor('cursor').text), {
      mcpServers: { 'todo2-waves': { command, args, env } },
    });
    const typed = { 'todo2-waves': { type: 'stdio', command, args, env } };
    assert.deepEqual(JSON.parse(configFor('vscode').text), { servers: typed });
    assert.deepEqual(JSON.parse(configFor('claudeFile').text), { mcpServers: typed });
    assert.deepEqual(JSON.parse(configFor('qwen').text), {
      mcpServers: { 'todo2-waves': { command, args, env } },
    });
    assert.deepEqual(JSON.parse(configFor('copilot').text), {
      mcpServers: { 'todo2-waves': { type: 'local', command, args, env, tools: ['*'] } },
    });
    assert.deepEqual(JSON.parse(configFor('opencode').text), {
      mcp: {
        'todo2-waves': { type: 'local', command: [command, ...args], environment: env },
      },
    });
    assert.equal(
      configFor('codex').text,
      [
        '[mcp_servers.todo2-waves]',
        'command = "/Applications/An Editor.app/Contents/MacOS/Editor"',
        'args = ["/home/me/.config/Editor/todo2waves/mcp.cjs", "--root", "/home/me/my project"]',
        'env = { ELECTRON_RUN_AS_NODE = "1" }',
        '',
      ].join('\n'),
    );
  });

  test('gives back whatever paths it was made of, in every form', () => {
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 4 }), text, (command, args, value) => {
        const server = { command, args, env: { ELECTRON_RUN_AS_NODE: value } };
        // TOML has no way to write half of a pair of surrogates.
        const whole = JSON.parse(
          JSON.stringify(server, (_, each: unknown) =>
            typeof each === 'string' ? each.toWellFormed() : each,
          ),
        ) as typeof server;
        for (const config of clientConfigs(server, 'linux')) {
          // For such a path see below.
          if (config.client === 'gemini' && command.includes('=')) continue;
          const read = readBack(config) as Record<string, unknown>;
          const expected = config.client === 'codex' ? whole : server;
          assert.deepEqual(read, { ...ADDED[config.client], ...expected }, config.client);
        }
      }),
      { numRuns: 500 },
    );
  });

  test(
    'is one word for a shell, in which nothing is replaced',
    { skip: process.platform === 'win32' },
    () => {
      const server = serverCommand({
        node: 'node',
        script: '/a\'b/$(exit 3)/`id`/"x"/!!/mcp.cjs',
        root: '/r\n\\ ${HOME}',
      });
      const { text: command } = configFor('claudeCommand', server);
      const word = command.slice('claude mcp add-json '.length);
      const printed = execFileSync('/bin/sh', ['-c', `printf '[%s]' ${word}`], {
        encoding: 'utf8',
      });
      const { command: node, args, env } = server;
      assert.equal(
        printed,
        `[${SERVER_NAME}][${JSON.stringify({ type: 'stdio', command: node, args, env })}]`,
      );
    },
  );

  test('starts an editor as a Node from Gemini CLI too, which drops the variable for that', () => {
    const { command, args } = SERVER;
    assert.deepEqual(JSON.parse(configFor('gemini').text), {
      mcpServers: {
        'todo2-waves': {
          command: '/usr/bin/env',
          args: ['ELECTRON_RUN_AS_NODE=1', command, ...args],
        },
      },
    });
  });

  test(
    'reaches the server whole through env',
    { skip: process.platform === 'win32' && 'there is no env' },
    () => {
      const script = 'process.stdout.write(JSON.stringify([process.env, process.argv.slice(1)]))';
      const server = {
        command: process.execPath,
        args: ['-e', script, 'a b', '$X'],
        env: { Y: 'é =' },
      };
      const { command, args } = readJson(configFor('gemini', server).text, 'mcpServers') as Read;
      const printed = execFileSync(command, [...args], { encoding: 'utf8' });
      const [env, rest] = JSON.parse(printed) as [Record<string, string>, string[]];
      assert.deepEqual([env['Y'], rest], ['é =', ['a b', '$X']]);
    },
  );

  test('names the Node of the PATH to Gemini CLI where env cannot start the editor, and says so', () => {
    const odd = { ...SERVER, command: '/opt/a=b/editor' };
    for (const { text, warning } of [
      configFor('gemini', odd),
      configFor('gemini', { ...SERVER, command: 'C:\\Editor\\Code.exe' }, 'win32'),
    ]) {
      assert.deepEqual(readJson(text, 'mcpServers'), { command: 'node', args: SERVER.args });
      assert.match(warning ?? '', /Node\.js of your PATH, which has to be 22\.13 or newer/);
    }
  });

  test('warns where a client would replace a part of it', () => {
    assert(clientConfigs(SERVER, 'linux').every(({ warning }) => warning === undefined));
    const warnedOf = (root: string): readonly string[] => {
      const odd = serverCommand({ node: 'node', script: '/x/mcp.cjs', root });
      return clientConfigs(odd, 'linux')
        .filter(({ warning }) => warning?.includes(root) === true)
        .map(({ client }) => client);
    };
    const braces = ['cursor', 'vscode', 'claudeFile', 'claudeCommand'];
    assert.deepEqual(warnedOf('/home/${user}/x'), [...braces, 'gemini', 'qwen', 'copilot']);
    assert.deepEqual(warnedOf('/home/$user/x'), ['gemini', 'qwen', 'copilot']);
    assert.deepEqual(warnedOf('/home/{env:user}/x'), ['opencode']);
    assert.deepEqual(warnedOf('/home/$/{x}'), []);
  });
});
