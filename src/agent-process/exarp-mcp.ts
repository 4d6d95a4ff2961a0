import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExarpCall, refusalOf, type ToolHints } from '../core/batch/exarp-rules.ts';
import { type Exarp, ToolTrouble } from '../core/batch/tool.ts';
import { cut, oneLine } from '../core/text.ts';
import { findProgram } from './agents.ts';
import { childEnvironment } from './child-environment.ts';
import { McpClient, ServerTrouble } from './mcp-client.ts';

export interface ExarpPlace {
  readonly root: string;
  /** A name to be found on the PATH, or an absolute path. */
  readonly program: string;
  /** Our version, sent to the server. */
  readonly version: string;
  readonly limits?: { readonly startMs: number; readonly callMs: number };
}

const LIMITS = { startMs: 20_000, callMs: 120_000 };
const MOST_PAGES = 20;
const MOST_COMPLAINT = 400;

/**
 * exarp-go as a server of MCP, which it is without arguments. One process for each call, so that
 * nothing of it stays behind. Only for folders that are trusted: it reads the configuration there.
 */
export function openExarp(place: ExarpPlace): Exarp {
  return {
    call: async (call, signal) => {
      const client = new McpClient(await startOf(place));
      try {
        return await callWith(client, call, place, signal);
      } catch (error) {
        if (!(error instanceof ServerTrouble)) throw error;
        throw new ToolTrouble(`exarp-go: ${cut(oneLine(error.message), MOST_COMPLAINT)}`);
      } finally {
        await client.close();
      }
    },
  };
}

async function startOf({ root, program }: ExarpPlace) {
  const found = await findProgram(program);
  if (!found.ok) {
    const why =
      found.failure.kind === 'agentNotStarted' ? found.failure.detail : 'There is no such program.';
    throw new ToolTrouble(`exarp-go cannot be started as ${cut(oneLine(program), 200)}. ${why}`);
  }
  const { command, args, env } = found.value;
  const own = {
    PROJECT_ROOT: root,
    // Else it would run the project's own files named like migrations on the database, and make a
    // folder for them.
    DB_AUTO_MIGRATE: 'false',
  };
  // With any value of this variable it would end at once.
  const { GIT_HOOK: _, ...inherited } = process.env;
  return { command, args, cwd: root, env: childEnvironment(inherited, { ...env, ...own }, root) };
}

async function callWith(
  client: McpClient,
  call: ExarpCall,
  place: ExarpPlace,
  signal: AbortSignal,
): Promise<string> {
  const { startMs, callMs } = place.limits ?? LIMITS;
  await client.initialize(place.version, startMs, signal);
  const tools = await listTools(client, startMs, signal);
  const { tool } = call;
  const hints = tools.get(tool);
  const refusal = refusalOf(call, hints);
  if (refusal !== undefined) {
    throw new ToolTrouble(
      `exarp-go’s ${tool} was not called: ${refusal}. With “allow: true” among its params it is, after a question`,
    );
  }
  // A mode of its own hides tools that can be called all the same, so what is not listed is tried
  // where the rules know it.
  return withReportElsewhere(call, async (args) =>
    textIn(await client.request('tools/call', { name: tool, arguments: args }, callMs, signal)),
  );
}

async function listTools(
  client: McpClient,
  limitMs: number,
  signal: AbortSignal,
): Promise<Map<string, ToolHints>> {
  const tools = new Map<string, ToolHints>();
  let cursor: unknown;
  for (let page = 0; page < MOST_PAGES; page++) {
    const params = typeof cursor === 'string' ? { cursor } : {};
    const answer = await client.request('tools/list', params, limitMs, signal);
    const listed = Array.isArray(answer['tools']) ? (answer['tools'] as readonly unknown[]) : [];
    for (const each of listed) {
      const { name, annotations } = (each ?? {}) as {
        readonly name?: unknown;
        readonly annotations?: unknown;
      };
      if (typeof name === 'string') tools.set(name, hintsIn(annotations));
    }
    cursor = answer['nextCursor'];
    if (typeof cursor !== 'string' || cursor === '') break;
  }
  return tools;
}

function hintsIn(annotations: unknown): ToolHints {
  const given = (annotations ?? {}) as Readonly<Record<string, unknown>>;
  const names = ['readOnlyHint', 'destructiveHint', 'openWorldHint'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (typeof given[name] === 'boolean' ? [[name, given[name]]] : [])),
  );
}

/**
 * Its `task_analysis` writes each answer into a file of the project's documents too, unless it is
 * given another.
 */
async function withReportElsewhere(
  { tool, args }: ExarpCall,
  then: (args: ExarpCall['args']) => Promise<string>,
): Promise<string> {
  if (tool !== 'task_analysis' || 'output_path' in args) return then(args);
  const folder = await mkdtemp(join(tmpdir(), 'todo2-waves-'));
  try {
    return await then({ ...args, output_path: join(folder, 'analysis.json') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function textIn(result: Readonly<Record<string, unknown>>): string {
  const content = Array.isArray(result['content']) ? (result['content'] as readonly unknown[]) : [];
  const texts = content.flatMap((part) => {
    const { type, text } = (part ?? {}) as { readonly type?: unknown; readonly text?: unknown };
    return type === 'text' && typeof text === 'string' ? [text] : [];
  });
  const text = texts.join('\n');
  if (result['isError'] === true)
    throw new ServerTrouble(`it failed: ${text || 'without a reason'}`);
  if (text !== '') return text;
  return result['structuredContent'] === undefined
    ? ''
    : JSON.stringify(result['structuredContent']);
}
