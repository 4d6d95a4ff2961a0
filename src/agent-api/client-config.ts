/** How to start the server, as every client wants to know it. */
export interface ServerCommand {
  /** An executable, absolute or on the PATH. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Under which the server stands in every configuration. */
export const SERVER_NAME = 'todo2-waves';

/**
 * The command that serves a root: `node` is a Node.js, or an editor's own, which is one when it is
 * asked to be; `script` is `mcp.cjs`.
 */
export function serverCommand(options: {
  readonly node: string;
  readonly script: string;
  readonly root: string;
  readonly agent?: string;
}): ServerCommand {
  const { node, script, root, agent } = options;
  return {
    command: node,
    args: [script, '--root', root, ...(agent === undefined ? [] : ['--agent', agent])],
    env: { ELECTRON_RUN_AS_NODE: '1' },
  };
}

/** The configuration for one client: where it goes, and the text. */
export interface ClientConfig {
  readonly client:
    | 'cursor'
    | 'vscode'
    | 'claudeFile'
    | 'claudeCommand'
    | 'codex'
    | 'gemini'
    | 'qwen'
    | 'copilot'
    | 'opencode';
  readonly title: string;
  /** Where the text belongs, for people. */
  readonly place: string;
  readonly text: string;
  /** Set where the client would take a part of the text for a variable. */
  readonly warning: string | undefined;
}

/** The same server for each client that has a form of its own. */
export function clientConfigs(
  server: ServerCommand,
  platform: NodeJS.Platform = process.platform,
): readonly ClientConfig[] {
  const { command, args, env } = server;
  const plain = { command, args, env };
  const typed = { type: 'stdio', ...plain };
  const named = (value: object): object => ({ [SERVER_NAME]: value });
  const warning = warningFor(server, BRACES);
  return [
    {
      client: 'cursor',
      title: 'Cursor',
      place: '.cursor/mcp.json in the project, or ~/.cursor/mcp.json',
      text: json({ mcpServers: named(plain) }),
      warning,
    },
    {
      client: 'vscode',
      title: 'VS Code',
      place: '.vscode/mcp.json in the project',
      text: json({ servers: named(typed) }),
      warning,
    },
    {
      client: 'claudeFile',
      title: 'Claude Code, for the project',
      place: '.mcp.json in the project',
      text: json({ mcpServers: named(typed) }),
      warning,
    },
    {
      client: 'claudeCommand',
      title: 'Claude Code, for you',
      place: 'a terminal in the project (sh, bash, zsh)',
      text: `claude mcp add-json ${SERVER_NAME} ${shellWord(JSON.stringify(typed))}\n`,
      warning,
    },
    {
      client: 'codex',
      title: 'Codex',
      place: '~/.codex/config.toml',
      text: toml(server),
      warning: undefined,
    },
    {
      client: 'gemini',
      title: 'Gemini CLI',
      place: '.gemini/settings.json in the project, or ~/.gemini/settings.json',
      ...geminiConfig(server, platform),
    },
    {
      client: 'qwen',
      title: 'Qwen Code',
      place: '.qwen/settings.json in the project, or ~/.qwen/settings.json',
      text: json({ mcpServers: named(plain) }),
      warning: warningFor(server, NAMES),
    },
    {
      client: 'copilot',
      title: 'GitHub Copilot CLI',
      place: '~/.copilot/mcp-config.json',
      text: json({ mcpServers: named({ type: 'local', ...plain, tools: ['*'] }) }),
      warning: warningFor(server, NAMES),
    },
    {
      client: 'opencode',
      title: 'opencode',
      place: 'opencode.json in the project, or ~/.config/opencode/opencode.json',
      text: json({
        mcp: named({ type: 'local', command: [command, ...args], environment: env }),
      }),
      warning: warningFor(server, OPENCODE),
    },
  ];
}

/**
 * Gemini CLI starts no server with `ELECTRON_RUN_AS_NODE`, so `env` sets it. Without that, an editor
 * that is to serve as Node.js would open a window.
 */
function geminiConfig(
  server: ServerCommand,
  platform: NodeJS.Platform,
): Pick<ClientConfig, 'text' | 'warning'> {
  const { command, args, env } = server;
  const of = (value: object): string => json({ mcpServers: { [SERVER_NAME]: value } });
  // `env` would take a path with a `=` for one more variable.
  if (platform !== 'win32' && !command.includes('=')) {
    const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const text = of({ command: '/usr/bin/env', args: [...set, command, ...args] });
    return { text, warning: warningFor(server, NAMES) };
  }
  const warning =
    'It starts the Node.js of your PATH, which has to be 22.13 or newer: Gemini CLI cannot start an editor as Node.js.';
  return {
    text: of({ command: 'node', args }),
    warning: warningFor({ ...server, command: 'node' }, NAMES) ?? warning,
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** What clients replace in a configuration, in ways that cannot be escaped. */
const BRACES = /\$\{/;
const NAMES = /\$[\w{]/;
const OPENCODE = /\{(?:env|file):/;

function warningFor({ command, args, env }: ServerCommand, replaced: RegExp): string | undefined {
  for (const part of [command, ...args, ...Object.values(env)]) {
    const found = replaced.exec(part)?.[0];
    if (found !== undefined)
      return `${part} contains "${found}", which this client replaces. Start the server from another path.`;
  }
  return undefined;
}

function toml({ command, args, env }: ServerCommand): string {
  const entries = Object.entries(env).map(
    ([name, value]) => `${tomlKey(name)} = ${tomlText(value)}`,
  );
  return [
    `[mcp_servers.${SERVER_NAME}]`,
    `command = ${tomlText(command)}`,
    `args = [${args.map(tomlText).join(', ')}]`,
    ...(entries.length === 0 ? [] : [`env = { ${entries.join(', ')} }`]),
    '',
  ].join('\n');
}

function tomlKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : tomlText(name);
}

/** A basic string. JSON's escapes are TOML's; of control characters JSON leaves DEL as it is. */
function tomlText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll('\u007f', '\\u007f');
}

/** One word for a POSIX shell, in which nothing is replaced. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
