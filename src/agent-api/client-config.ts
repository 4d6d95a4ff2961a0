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
  readonly client: 'cursor' | 'vscode' | 'claudeFile' | 'claudeCommand' | 'codex';
  readonly title: string;
  /** Where the text belongs, for people. */
  readonly place: string;
  readonly text: string;
  /** Set where the client would take a part of the text for a variable. */
  readonly warning: string | undefined;
}

/** The same server for each client that has a form of its own. */
export function clientConfigs(server: ServerCommand): readonly ClientConfig[] {
  const { command, args, env } = server;
  const plain = { command, args, env };
  const typed = { type: 'stdio', ...plain };
  const named = (value: object): object => ({ [SERVER_NAME]: value });
  const warning = warningFor(server);
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
  ];
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** These clients replace `${…}` in a configuration, and it cannot be escaped. */
function warningFor({ command, args, env }: ServerCommand): string | undefined {
  const part = [command, ...args, ...Object.values(env)].find((text) => text.includes('${'));
  return part === undefined
    ? undefined
    : `${part} contains "\${", which this client replaces. Start the server from another path.`;
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
