import { execFile } from 'node:child_process';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SERVER_NAME, type ClientConfig } from '../../src/agent-api/client-config.ts';
import type { PresetKind } from '../../src/agent-process/agent-presets.ts';

const run = promisify(execFile);

/** The folder that a client works in, its home folder and its environment. */
export interface ClientPlace {
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** How a user connects a client to the server, and starts it without a dialog. */
export interface McpClientSetup {
  /** Which of the product's configurations it gets. */
  readonly client: ClientConfig['client'];
  /** Puts that where it belongs, by its `place`, and does what else the user has to do once. */
  readonly install: (text: string, place: ClientPlace) => Promise<void>;
  /** The name of the program. */
  readonly program: string;
  /** With what a user allows beforehand: the tools of this server, by the client's own means. */
  readonly args: (prompt: string) => readonly string[];
}

const claude: Pick<McpClientSetup, 'program' | 'args'> = {
  program: 'claude',
  args: (prompt) => [
    ...['-p', prompt, '--output-format', 'stream-json', '--verbose'],
    ...['--allowedTools', `mcp__${SERVER_NAME}`],
  ],
};

/** Every way of the manual to connect an agent that npm has, by the kind of the agent. */
export const MCP_CLIENTS: Partial<Record<PresetKind, readonly McpClientSetup[]>> = {
  claude: [
    {
      ...claude,
      client: 'claudeFile',
      install: (text, { root }) => put(root, '.mcp.json', text),
    },
    {
      ...claude,
      client: 'claudeCommand',
      install: async (text, { root, env }) => {
        await run('sh', ['-c', text], { cwd: root, env });
      },
    },
  ],
  codex: [
    {
      client: 'codex',
      install: (text, { home }) => put(home, '.codex/config.toml', `\n${text}`),
      program: 'codex',
      args: (prompt) => ['exec', '--json', '--skip-git-repo-check', prompt],
    },
  ],
  gemini: [
    {
      client: 'gemini',
      install: async (text, { root, home }) => {
        await put(root, '.gemini/settings.json', text);
        // What it asks the user, who answers that the folder is to be trusted.
        await put(home, '.gemini/trustedFolders.json', JSON.stringify({ [root]: 'TRUST_FOLDER' }));
      },
      program: 'gemini',
      args: (prompt) => [
        ...['-p', prompt, '--output-format', 'stream-json'],
        ...['--allowed-mcp-server-names', SERVER_NAME],
      ],
    },
  ],
  qwen: [
    {
      client: 'qwen',
      install: (text, { root }) => put(root, '.qwen/settings.json', text),
      program: 'qwen',
      args: (prompt) => [
        ...['-p', prompt, '--output-format', 'stream-json'],
        ...['--allowed-tools', `mcp__${SERVER_NAME}`],
      ],
    },
  ],
  copilot: [
    {
      client: 'copilot',
      install: (text, { home }) => put(home, '.copilot/mcp-config.json', text),
      program: 'copilot',
      args: (prompt) => ['-p', prompt, '--output-format', 'json', '--allow-tool', SERVER_NAME],
    },
  ],
  opencode: [
    {
      client: 'opencode',
      install: (text, { root }) => put(root, 'opencode.json', text),
      program: 'opencode',
      args: (prompt) => ['run', '--format', 'json', prompt],
    },
  ],
};

/** Adds to the file below a folder, which is made where there is none. */
async function put(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await appendFile(join(folder, path), text);
}
