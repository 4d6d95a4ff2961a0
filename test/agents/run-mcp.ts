import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { clientConfigs, serverCommand } from '../../src/agent-api/client-config.ts';
import { OPERATIONS } from '../../src/agent-api/operations.ts';
import { endTree, MARK } from '../../src/agent-process/process-tree.ts';
import { writeLauncher } from '../../src/store/files/launcher.ts';
import { createMcpRig, type McpBundle, type McpRig } from '../support/mcp-rig.ts';
import { findSqliteNode } from '../support/sqlite-node.ts';
import { until } from '../support/until.ts';
import { setUp } from './agent-setups.ts';
import { LIMIT_MS } from './cases.ts';
import { binOf, type InstalledAgent } from './install.mjs';
import type { McpClientSetup } from './mcp-clients.ts';
import { startModel, type ModelServer } from './model/model-server.ts';
import { CLAIMED, offeredAs, type ModelStep } from './model/script.ts';
import { chainTo, environmentOf, processesWith } from './processes.ts';

/** How long until what a killed client held must be free again, in ms. */
const GIVEN_BACK_WITHIN_MS = 10_000;
const GRACE_MS = 1000;
const NOTE = 'It needs a second look.';
const SUMMARY = 'It is done.';
const REASON = 'It is too hard.';

/** What a client did with the server. */
export interface McpObserved {
  /** The first part of its name in a lock. */
  readonly holder: string;
  /** The name by which its model knows `waves_next`. */
  readonly shown: string;
  /** From the kill of the client until its task was free again, in ms. */
  readonly givenBackMs: number | undefined;
  /** Everything that is not as it should be. */
  readonly problems: readonly string[];
  /** What the client wrote. */
  readonly log: string;
}

/**
 * Has a client work on a real backlog, and kills it while it holds a task. It is configured with
 * what the product's command copies for it.
 */
export async function runMcpClient(
  installed: InstalledAgent,
  setup: McpClientSetup,
  bundle: McpBundle,
): Promise<McpObserved> {
  const worked = await inScene({ installed, setup, bundle }, WORK, work);
  const killed = await inScene({ installed, setup, bundle }, HOLD, killWhileItHolds);
  return {
    ...worked,
    givenBackMs: killed.givenBackMs,
    problems: [...worked.problems, ...killed.problems],
    log: `${worked.log}\n\n${killed.log}`,
  };
}

const WORK: readonly ModelStep[] = [
  { kind: 'mcp', tool: 'waves_next', args: {} },
  { kind: 'mcp', tool: 'waves_note', args: { id: CLAIMED, text: NOTE } },
  { kind: 'mcp', tool: 'waves_complete', args: { id: CLAIMED, summary: SUMMARY } },
  { kind: 'mcp', tool: 'waves_next', args: {} },
  { kind: 'mcp', tool: 'waves_release', args: { id: CLAIMED, reason: REASON } },
  { kind: 'text', text: 'Hello.' },
];

const HOLD: readonly ModelStep[] = [
  { kind: 'mcp', tool: 'waves_next', args: {} },
  { kind: 'silent' },
];

interface Scene {
  readonly rig: McpRig;
  readonly model: ModelServer;
  readonly client: Client;
  /** What the client was told to start. */
  readonly launcher: string;
  readonly writer: string;
}

/** A client that was started. */
interface Client {
  readonly pid: number;
  readonly log: () => string;
  /** Resolves with how it ended: an exit code, or the name of a signal. */
  readonly ended: Promise<number | string>;
}

type Seen = Pick<McpObserved, 'holder' | 'shown' | 'givenBackMs' | 'problems'>;

/** Starts the client on a backlog of two tasks, looks at it, and ends what is left of it. */
async function inScene(
  {
    installed,
    setup,
    bundle,
  }: {
    readonly installed: InstalledAgent;
    readonly setup: McpClientSetup;
    readonly bundle: McpBundle;
  },
  script: readonly ModelStep[],
  see: (scene: Scene) => Promise<Seen>,
): Promise<McpObserved> {
  await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }, { id: 'T-2' }] });
  const root = rig.dir;
  const git = spawnSync('git', ['init', '--quiet'], { cwd: root, encoding: 'utf8' });
  if (git.status !== 0) throw new Error(`git init: ${git.stderr}`);
  await using model = await startModel(root);
  model.play(script);
  const home = await mkdtemp(join(tmpdir(), 'todo2-home-'));
  const mark = randomBytes(16).toString('hex');
  let client: Client | undefined;
  try {
    const env = {
      ...plainEnvironment(),
      ...(await setUp(installed.preset, model.url, home)),
      PATH: [binOf(installed.name), process.env['PATH'] ?? ''].join(delimiter),
      PWD: root,
      [MARK]: mark,
    };
    const launcher = await writeLauncher(join(home, 'storage'), 'mcp.cjs', bundle.script);
    if (!launcher.ok) throw new Error(JSON.stringify(launcher.failure));
    const server = serverCommand({ node: findSqliteNode(), script: launcher.value, root });
    const config = clientConfigs(server).find((each) => each.client === setup.client);
    if (config === undefined) throw new Error(`There is no configuration for ${setup.client}.`);
    await setup.install(config.text, { root, home, env });
    client = startClient(setup, root, env);
    const writer = join(bundle.folder, 'writer.cjs');
    const seen = await see({ rig, model, client, launcher: launcher.value, writer });
    return { ...seen, log: client.log() };
  } finally {
    await endTree({ leader: client?.pid, mark }, GRACE_MS);
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function startClient(
  { program, args }: McpClientSetup,
  root: string,
  env: Readonly<Record<string, string>>,
): Client {
  const prompt = 'Work on the next task of the backlog.';
  const child = spawn(program, [...args(prompt)], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ?? code ?? 'nothing'));
  });
  ended.catch(() => undefined);
  if (child.pid === undefined) throw new Error(`${program} could not be started.`);
  return { pid: child.pid, log: () => log, ended };
}

function plainEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

async function work({ rig, model, client, launcher, writer }: Scene): Promise<Seen> {
  const problems: string[] = [];
  const ended = await Promise.race([client.ended, after(LIMIT_MS)]);
  if (ended !== 0) problems.push(`it ended with ${ended ?? 'nothing'} after ${LIMIT_MS / 1000} s`);
  const missing = OPERATIONS.filter(({ name }) => !isKnown(name, model, client));
  if (missing.length > 0)
    problems.push(`it did not list ${missing.map(({ name }) => name).join(', ')}`);
  const found = offeredAs('waves_next', model.offered);
  problems.push(...(await untilGone([launcher, writer])));
  const rows = await rig.other.all(
    'SELECT id, status, assignee, lock_until FROM tasks ORDER BY id',
  );
  const lines = rows.map(({ id, status, assignee, lock_until: lock }) =>
    [id, status, assignee, lock].map(String).join(' '),
  );
  const wanted = ['T-1 Review null null', 'T-2 Todo null null'];
  if (lines.join() !== wanted.join())
    problems.push(`the tasks are ${lines.join(', ')} in place of ${wanted.join(', ')}`);
  const comments = (
    await rig.other.all('SELECT task_id, comment_type, content FROM task_comments ORDER BY id')
  ).map(({ task_id: id, comment_type: type, content }) =>
    [id, type, content].map(String).join(' '),
  );
  for (const [start, text] of [
    ['T-1 note ', NOTE],
    ['T-1 result ', SUMMARY],
    ['T-2 note ', REASON],
  ] as const) {
    if (!comments.some((each) => each.startsWith(start) && each.includes(text)))
      problems.push(`no ${start}has ${JSON.stringify(text)}: ${JSON.stringify(comments)}`);
  }
  const holder = /\((.*?) \(MCP\)\)/.exec(comments.join('\n'))?.[1] ?? '?';
  const shown = [found?.namespace, found?.name].filter((part) => part !== undefined).join('/');
  return { holder, shown: shown === '' ? '–' : shown, givenBackMs: undefined, problems };
}

/** Some programs keep tools from the model until it looks for them, and say what they have. */
function isKnown(tool: string, model: ModelServer, client: Client): boolean {
  return offeredAs(tool, model.offered) !== undefined || client.log().includes(`__${tool}"`);
}

async function killWhileItHolds({ rig, client, launcher, writer }: Scene): Promise<Seen> {
  const problems: string[] = [];
  await Promise.race([
    until('the client holds a task', async () => (await rig.holders()).length > 0),
    client.ended.then((how) => {
      throw new Error(`It ended with ${how} before it held a task: ${client.log().slice(-2000)}`);
    }),
  ]);
  const [held = ''] = await rig.holders();
  const [server] = processesWith(launcher);
  if (process.platform === 'linux' && server === undefined)
    problems.push('no process of the server was seen');
  // An editor serves as Node.js by this variable alone.
  if (server !== undefined && environmentOf(server.pid, 'ELECTRON_RUN_AS_NODE') !== '1')
    problems.push('the server was started without ELECTRON_RUN_AS_NODE');
  // Everything of the client that the server descends from: some programs start themselves again.
  const chain = server === undefined ? [] : chainTo(server.pid, client.pid).slice(0, -1);
  const begun = performance.now();
  for (const pid of chain.length === 0 ? [client.pid] : chain) process.kill(pid, 'SIGKILL');
  const isFree = async (): Promise<boolean> => (await rig.lockOf('T-1')) === 'Todo null';
  let givenBackMs: number | undefined;
  try {
    await until('its task is free again', isFree, GIVEN_BACK_WITHIN_MS);
    givenBackMs = performance.now() - begun;
  } catch {
    problems.push(`killed, it still holds a task: T-1 is ${await rig.lockOf('T-1')}`);
  }
  problems.push(...(await untilGone([launcher, writer])));
  return { holder: held.split('-')[0] ?? '', shown: '', givenBackMs, problems };
}

/** A problem for each program that is still there after a while. */
async function untilGone(paths: readonly string[]): Promise<readonly string[]> {
  const left = (): readonly string[] => paths.filter((path) => processesWith(path).length > 0);
  await until('the server has ended', () => left().length === 0, GIVEN_BACK_WITHIN_MS).catch(
    () => undefined,
  );
  return left().map((path) => `a process is left of ${path}`);
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => void setTimeout(() => resolve(undefined), ms).unref());
}
