import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Agent } from '../../src/agent-process/agents.ts';
import { findAgent } from '../../src/agent-process/agents.ts';
import type { WorkOrder } from '../../src/agent-process/work-order.ts';
import type { RunFolder } from '../../src/store/runs/run-folder.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { Job, WorkEnd } from '../../src/core/ports.ts';
import { ok, type Result } from '../../src/core/result.ts';
import { parseWorkState } from '../../src/core/run/journal/read-work-state.ts';
import { prepareWork } from '../../src/wire/work-order.ts';
import { aJob, NO_OPTIONS } from '../support/agent-jobs.ts';
import { createWorkRig } from '../support/work-rig.ts';
import { setUp } from './agent-setups.ts';
import { UNKNOWN_SESSION, type AgentCase, type CaseAttempt } from './cases.ts';
import { binOf, type InstalledAgent } from './install.mjs';
import { startModel, type ModelServer } from './model/model-server.ts';

/** How one attempt of a case ended, as the product tells it. */
export interface Observed {
  readonly end: WorkEnd;
  /** The session in the state of the attempt. */
  readonly sessionId: string | undefined;
  /** The session that it was to resume. */
  readonly resumed: string | undefined;
  /** What the agent wrote, with the lines of the supervisor. */
  readonly log: string;
  readonly asked: readonly string[];
  readonly ms: number;
  /** The command line, for a look at what went wrong. */
  readonly command: readonly string[];
  /** How its processes ended, in order, where that is recorded. */
  readonly exits: readonly { readonly exitCode: number | null; readonly signal: string | null }[];
}

/** Texts that stand for this run alone, for whoever makes a recording neutral. */
export interface Place {
  readonly root: string;
  readonly home: string;
  readonly url: string;
}

/**
 * Runs a case of an agent through the supervisor; answers its attempts in order. `records`: with
 * their exits. `limitMs`: for attempts that say nothing of that.
 */
export async function runCase(
  installed: InstalledAgent,
  agentCase: AgentCase,
  { records, limitMs }: { readonly records: boolean; readonly limitMs: number },
): Promise<{ readonly attempts: readonly Observed[]; readonly place: Place }> {
  const tasks = agentCase.attempts.map((_, index) => ({ id: `T-${index + 1}` }));
  await using rig = await createWorkRig({ tasks });
  const { root } = rig;
  // Some agents work in repositories alone, and changed files are git's to tell.
  const git = spawnSync('git', ['init', '--quiet'], { cwd: root, encoding: 'utf8' });
  if (git.status !== 0) throw new Error(`git init: ${git.stderr}`);
  await using model = await startModel(root);
  const home = await mkdtemp(join(tmpdir(), 'todo2-home-'));
  try {
    const env = await setUp(installed.preset, model.url, home);
    const attempts: Observed[] = [];
    for (const [index, attempt] of agentCase.attempts.entries()) {
      const resumed =
        attempt.resumes === 'unknown'
          ? UNKNOWN_SESSION
          : attempt.resumes && attempts.at(-1)?.sessionId;
      attempts.push(
        await runAttempt({
          ...{ rig, model, env, installed, resumed, attemptNo: index + 1 },
          attempt: { limitMs, ...attempt },
          exitFile: records ? join(home, `exits-${index + 1}`) : undefined,
        }),
      );
    }
    return { attempts, place: { root, home, url: model.url } };
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

interface AttemptParts {
  readonly rig: Awaited<ReturnType<typeof createWorkRig>>;
  readonly model: ModelServer;
  readonly env: Readonly<Record<string, string>>;
  readonly installed: InstalledAgent;
  readonly attempt: CaseAttempt;
  readonly attemptNo: number;
  readonly resumed: string | undefined;
  readonly exitFile: string | undefined;
}

async function runAttempt(parts: AttemptParts): Promise<Observed> {
  const { rig, model, env, installed, attempt, attemptNo, resumed, exitFile } = parts;
  const folder = join(rig.root, '.todo2', 'waves', 'runs', 'run-1');
  mkdirSync(folder, { recursive: true });
  const filesOf = (_run: string, no: number): ReturnType<RunFolder['filesOf']> => {
    const file = (kind: string): string => join(folder, `${no}.${kind}`);
    return {
      prompt: file('prompt.md'),
      followUp: file('follow-up.md'),
      resolve: file('resolve.md'),
      resolveAnew: file('resolve-anew.md'),
      answer: file('answer'),
      log: file('log'),
      state: file('state.json'),
      stop: file('stop'),
    };
  };
  const files = filesOf('run-1', attemptNo);
  let command: readonly string[] = [];
  const worker = rig.open({
    stateFileOf: ({ runId, attemptNo: no }) => filesOf(runId, no),
    prepare: async (job) => {
      const order = await prepareWork(job, {
        paths: { database: join(rig.root, '.todo2', 'todo2.db'), json: rig.json },
        findAgent: () => findInstalled(installed, env),
        filesOf,
        results: () => Promise.resolve(ok(new Map())),
        earlier: () => [],
        worktreeSetup: () => [],
        verifyRules: () => [],
        log: (line) => void rig.logged.push(line),
      });
      if (!order.ok) return order;
      command = [order.value.agent.command, ...order.value.agent.args];
      return exitFile === undefined ? order : ok(noting(order.value, exitFile));
    },
  });
  const stop = new AbortController();
  model.play(attempt.script);
  const before = model.asked.length;
  const begun = performance.now();
  const working = worker.work(jobOf(rig.root, parts), stop.signal, {
    onClaimed: () => undefined,
    onStarted: () => undefined,
  });
  const stateOf = (): ReturnType<typeof parseWorkState> =>
    existsSync(files.state) ? parseWorkState(readFileSync(files.state, 'utf8')) : undefined;
  if (attempt.during !== undefined) {
    await Promise.race([model.wasAsked, working]);
    const pid = stateOf()?.agentPid;
    if (attempt.during === 'stop') stop.abort();
    else if (pid !== undefined) process.kill(pid, 'SIGTERM');
  }
  const end = await working;
  return {
    end,
    command,
    sessionId: stateOf()?.sessionId,
    resumed,
    log: existsSync(files.log) ? readFileSync(files.log, 'utf8') : '',
    asked: model.asked.slice(before),
    ms: performance.now() - begun,
    exits:
      exitFile === undefined || !existsSync(exitFile)
        ? []
        : readFileSync(exitFile, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as Observed['exits'][number]),
  };
}

/** The same order, by way of a program that notes the exits of the agent. */
function noting(order: WorkOrder, exitFile: string): WorkOrder {
  const { agent, anew } = order;
  const around = (args: readonly string[]): readonly string[] => [
    EXIT_NOTE,
    exitFile,
    agent.command,
    ...args,
  ];
  return {
    ...order,
    agent: { ...agent, command: process.execPath, args: around(agent.args) },
    anew: anew && { ...anew, args: around(anew.args) },
  };
}

const EXIT_NOTE = fileURLToPath(new URL('exit-note.mjs', import.meta.url));

function jobOf(root: string, { installed, attempt, attemptNo, resumed }: AttemptParts): Job {
  const job = aJob({
    id: `T-${attemptNo}`,
    title: 'Say hello',
    description: 'Say hello and stop.',
  });
  return {
    ...job,
    runId: 'run-1',
    attemptNo,
    root,
    agent: { agent: installed.preset, model: undefined, agentMode: 'unattended' },
    options: { ...NO_OPTIONS, timeLimitMs: attempt.limitMs ?? 0 },
    sessionId: resumed,
  };
}

/** The preset as the product finds it, which gets the environment of its setup on top. */
export async function findInstalled(
  { name, preset }: InstalledAgent,
  env: Readonly<Record<string, string>>,
): Promise<Result<Agent, Failure>> {
  const path = [binOf(name), process.env['PATH'] ?? ''].join(delimiter);
  const found = await findAgent({ kind: preset }, { ...process.env, ...env, PATH: path });
  return found.ok ? ok({ ...found.value, env: { ...found.value.env, ...env } }) : found;
}
