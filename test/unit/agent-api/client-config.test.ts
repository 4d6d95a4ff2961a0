import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type ClientConfig,
  clientConfigs,
  SERVER_NAME,
  serverCommand,
} from '../../../src/agent-api/client-config.ts';

const SERVER = serverCommand({
  node: '/Applications/An Editor.app/Contents/MacOS/Editor',
  script: '/home/me/.config/Editor/todo2waves/mcp.cjs',
  root: '/home/me/my project',
});

function configFor(client: ClientConfig['client'], server = SERVER): ClientConfig {
  return clientConfigs(server).find((each) => each.client === client) ?? assert.fail(client);
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

/** What each client gets out of its text. */
function readBack({ client, text: source }: ClientConfig): unknown {
  switch (client) {
    case 'cursor':
    case 'claudeFile':
      return (JSON.parse(source) as { mcpServers: Record<string, unknown> }).mcpServers[
        SERVER_NAME
      ];
    case 'vscode':
      return (JSON.parse(source) as { servers: Record<string, unknown> }).servers[SERVER_NAME];
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
    ]);
    const { command, args, env } = SERVER;
    assert.deepEqual(JSON.parse(configFor('cursor').text), {
      mcpServers: { 'todo2-waves': { command, args, env } },
    });
    const typed = { 'todo2-waves': { type: 'stdio', command, args, env } };
    assert.deepEqual(JSON.parse(configFor('vscode').text), { servers: typed });
    assert.deepEqual(JSON.parse(configFor('claudeFile').text), { mcpServers: typed });
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
        for (const config of clientConfigs(server)) {
          const read = readBack(config) as Record<string, unknown>;
          const expected = config.client === 'codex' ? whole : server;
          const typed = config.client === 'vscode' || config.client.startsWith('claude');
          assert.deepEqual(read, typed ? { type: 'stdio', ...expected } : expected, config.client);
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

  test('warns where a client would replace a part of it', () => {
    assert(clientConfigs(SERVER).every(({ warning }) => warning === undefined));
    const odd = serverCommand({ node: 'node', script: '/x/mcp.cjs', root: '/home/${user}/x' });
    const warned = clientConfigs(odd).filter(
      ({ warning }) => warning?.includes('/home/${user}/x') === true,
    );
    assert.deepEqual(
      warned.map(({ client }) => client),
      ['cursor', 'vscode', 'claudeFile', 'claudeCommand'],
    );
  });
});
