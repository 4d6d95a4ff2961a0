/*
 * The MCP server: `node dist/mcp.cjs --root DIR [--agent NAME] [--allow-done]`, over standard input and output.
 *
 * This process reads the bytes of the backlog and never opens the database; a writer process of its own does. What is claimed
 * through it bears the id of this process, is renewed while the client is connected, and is released when the client disconnects.
 * Reading works on Node 20; to write, the writer process finds a Node that has SQLite.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StdioTransport } from './agent-api/stdio-transport.ts';
import { AgentBacklog } from './agent-api/agent-backlog.ts';
import { agentNameOf } from './agent-api/agent-name.ts';
import { createWavesServer } from './agent-api/mcp-server.ts';
import { failureWords } from './agent-api/agent-messages.ts';
import { Backlog } from './core/backlog.ts';
import { NO_SETTINGS, noRuns } from './core/no-runs.ts';
import { readGitStatus } from './agent-process/git-status.ts';
import { objectOf, parseAs, someText } from './core/shape.ts';
import { readWholeSync } from './disk/read-whole.ts';
import { locateStore } from './store/files/config.ts';
import { findRoot } from './store/files/locate.ts';
import { systemClock as clock } from './store/files/system-clock.ts';
import { openStore } from './wire/open-store.ts';
import { writePlan } from './wire/write-plan.ts';
import { messageOf, stackOf } from './core/text.ts';

const USAGE = 'Usage: node mcp.cjs [--root DIR] [--agent NAME] [--allow-done]';

/**
 * Clients kill a server that does not end soon after them; the writer process outlives this one
 * where it must.
 */
const END_WITHIN_MS = 2_800;
/** Timeout for requests that were sent before the client closed its side. */
const ANSWER_WITHIN_MS = 1_000;

/** Standard output belongs to the protocol. */
function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

function reportBug(error: unknown): void {
  log(stackOf(error));
}

interface Arguments {
  readonly root: string;
  readonly agent: string | undefined;
  readonly allowDone: boolean;
}

function readArguments(): Arguments | string {
  try {
    const { values } = parseArgs({
      options: {
        root: { type: 'string' },
        agent: { type: 'string' },
        'allow-done': { type: 'boolean' },
      },
    });
    const { root: given = '.' } = values;
    // An agent in a worktree has a copy of the backlog there, and the backlog elsewhere.
    const shared = process.env['TODO2_WAVES_ROOT'];
    const root = isAbsolute(given) ? given : (shared ?? resolve(given));
    return { root, agent: values.agent, allowDone: values['allow-done'] ?? false };
  } catch (error) {
    return messageOf(error);
  }
}

interface Opened {
  readonly served: AgentBacklog;
  /** Releases all locks; resolves when that is done, or left to the writer process. */
  close(): Promise<void>;
}

/** Opens the backlog of the root that `folder` lies in, with all that serves it. */
async function open(
  { root: folder, agent, allowDone }: Arguments,
  clientName: string | undefined,
): Promise<Opened> {
  // A store may be created later: then it is in the folder itself.
  const paths = await locateStore((await findRoot(folder)) ?? folder);
  const name = agentNameOf(agent ?? clientName);
  const store = openStore({
    paths,
    dist: __dirname,
    name,
    settings: () => NO_SETTINGS,
    nodePath: () => undefined,
    // This process starts no agents that would have to end first.
    graceMs: 0,
    log,
    warn: log,
    explainFailure: (failure) => failureWords(failure, clock.now()),
    explainEvent: ({ kind, id }) => `${kind}: ${id}`,
    reportBug,
  });
  const { locks, keeper, clock } = store;
  const backlog = new Backlog({
    ...store,
    runs: noRuns(),
    gitStatus: () => readGitStatus(paths.root),
    settings: () => NO_SETTINGS,
  });
  const served = new AgentBacklog({
    backlog,
    locks,
    keeper,
    allowDone,
    label: `${name} (MCP)`,
    writePlan: (kind) => writePlan(backlog, kind),
    foldCase: process.platform === 'win32' || process.platform === 'darwin',
  });
  log(`Serving ${paths.root} as ${locks.holder}`);
  return {
    served,
    close: async () => {
      await store.close('release');
      backlog.dispose();
    },
  };
}

const VERSION = objectOf({ version: someText });

/**
 * Beside this file lies `dist`'s package, in an installed extension and in the repository alike.
 */
function readVersion(): string {
  const read = readWholeSync(join(dirname(__dirname), 'package.json'), { mostBytes: 4 << 20 });
  const manifest = read.ok ? read.value?.bytes.toString('utf8') : undefined;
  // A copy elsewhere has none.
  return parseAs(VERSION, manifest ?? '')?.version ?? '0.0.0';
}

async function serve(given: Arguments): Promise<void> {
  let opened: Promise<Opened> | undefined;
  const waves = createWavesServer({
    version: readVersion(),
    open: async (clientName) => (await (opened ??= open(given, clientName))).served,
    clock,
    reportBug,
  });
  const { server } = waves;
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(0), END_WITHIN_MS);
    void (async () => {
      await Promise.race([waves.idle(), new Promise((done) => setTimeout(done, ANSWER_WITHIN_MS))]);
      waves.dispose();
      await (await opened)?.close();
    })()
      .catch(reportBug)
      .finally(() => process.exit(0));
  };
  server.onclose = end;
  server.onerror = (error) => log(`Protocol: ${error.message}`);
  // The transport does not mind the end of its input.
  process.stdin.once('end', end).once('close', end);
  process.stdout.on('error', end);
  // The client no longer reads our log, which is no reason to end.
  process.stderr.on('error', () => undefined);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
  process.on('unhandledRejection', reportBug);
  await server.connect(new StdioTransport(process.stdin, process.stdout));
}

const given = readArguments();
if (typeof given === 'string') {
  log(`${given}\n${USAGE}`);
  process.exitCode = 2;
} else {
  void serve(given);
}
