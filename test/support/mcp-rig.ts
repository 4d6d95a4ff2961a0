import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { FAILURE_META } from '../../src/agent-api/mcp-server.ts';
import { bundle, copySqlite } from './bundle.ts';
import {
  type BacklogSpec,
  createBacklog,
  nativeWriter,
  type NativeWriter,
  type SqlRow,
} from './fixture.ts';
import { findSqliteNode } from './sqlite-node.ts';

/** The server as it is shipped, in a folder of its own. */
export interface McpBundle {
  readonly folder: string;
  readonly script: string;
  remove(): Promise<void>;
}

export async function bundleMcp(): Promise<McpBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'todo2-mcp-'));
  await bundle(folder, { mcp: 'src/mcp.ts', writer: 'src/writer.ts' });
  await copySqlite(folder);
  return {
    folder,
    script: join(folder, 'mcp.cjs'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Asked {
  readonly text: string;
  readonly isError: boolean;
  /** What a success answered as data. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The kind of the failure, where it is one. */
  readonly failure: string | undefined;
}

/** A client of the protocol, connected to a server process of its own. */
export interface McpClient {
  readonly client: Client;
  readonly pid: number;
  /** What the server wrote to its log. */
  readonly log: () => string;
  readonly ask: (tool: string, input?: unknown) => Promise<Asked>;
  /** Ends the connection as a client should. */
  close(): Promise<void>;
}

export interface McpRig extends AsyncDisposable {
  readonly dir: string;
  readonly file: string;
  readonly other: NativeWriter;
  connect(...args: readonly string[]): Promise<McpClient>;
  /** A task as `status holder`. */
  lockOf(id: string): Promise<string>;
  /** The names of all who hold anything. */
  holders(): Promise<readonly string[]>;
}

/**
 * A backlog on disk, another process that has it open, and clients; all released at the end of the
 * scope.
 */
export async function createMcpRig(
  bundle: Pick<McpBundle, 'script'>,
  spec: BacklogSpec,
): Promise<McpRig> {
  const dir = await mkdtemp(join(tmpdir(), 'todo2-mcp-store-'));
  const file = await createBacklog(dir, spec);
  const other = await nativeWriter(dir);
  const clients: McpClient[] = [];
  return {
    dir,
    file,
    other,
    connect: async (...args) => {
      const client = await connectMcp([bundle.script, '--root', dir, ...args]);
      clients.push(client);
      return client;
    },
    lockOf: async (id) => {
      const [row] = await other.all('SELECT status, assignee FROM tasks WHERE id = ?', id);
      return `${textOf(row, 'status')} ${textOf(row, 'assignee')}`;
    },
    holders: async () => {
      const rows = await other.all(
        `SELECT DISTINCT assignee FROM tasks WHERE COALESCE(assignee, '') <> ''`,
      );
      return rows.map((row) => textOf(row, 'assignee'));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await other.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export async function connectMcp(
  args: readonly string[],
  node = findSqliteNode(),
): Promise<McpClient> {
  const transport = new StdioClientTransport({ command: node, args: [...args], stderr: 'pipe' });
  let log = '';
  transport.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const client = new Client({ name: 'test-client', version: '1' });
  await client.connect(transport);
  return {
    client,
    pid: transport.pid ?? 0,
    log: () => log,
    ask: async (name, input = {}) => {
      const args = input as Record<string, unknown>;
      const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
      const [content] = result.content;
      const failure = result._meta?.[FAILURE_META] as { kind: string } | undefined;
      return {
        text: content?.type === 'text' ? content.text : '',
        isError: result.isError === true,
        data: result.structuredContent ?? {},
        failure: failure?.kind,
      };
    },
    close: () => client.close(),
  };
}

/** A column of a row as text; `null` where it is NULL. */
export function textOf(row: SqlRow | undefined, column: string): string {
  const value = row?.[column];
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
