import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import {
  NO_CONFIG,
  resolveOptions,
  RUN_DEFAULTS,
  type Options,
  type Settings,
} from '../../src/core/config.ts';
import { createHolderId } from '../../src/core/lease/holder.ts';
import type { BacklogSource } from '../../src/core/ports.ts';
import { readinessOf } from '../../src/core/waves/readiness.ts';
import type { AgentAssignment, RunOptions, RunRequest } from '../../src/core/run/run-options.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { TaskId } from '../../src/core/task.ts';
import { planWaves, type Plan } from '../../src/core/waves/waves.ts';
import { findAgent, type CustomAgent } from '../../src/agent-process/agents.ts';
import { PRESET_KINDS } from '../../src/agent-process/agent-presets.ts';
import { openBacklog } from '../../src/store/read/backlog-source.ts';
import { StatusMirror } from '../../src/store/json/status-mirror.ts';
import { storePathsOf } from '../../src/store/files/locate.ts';
import { systemProcesses } from '../../src/disk/processes.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { Writer } from '../../src/store/write/writer-client.ts';
import { wireRuns, type RunParts, type WiredRuns } from '../../src/wire/runs.ts';

/** The bundles that a window starts as processes, and sql.js's file; all absolute. */
export interface Programs {
  readonly supervisor: string;
  readonly writer: string;
  readonly simulatedAgent: string;
  readonly wasm: string;
  /** A Node that has `node:sqlite`. */
  readonly node: string;
}

export interface RunWindowSpec {
  /** A folder with a backlog in it. */
  readonly root: string;
  readonly programs: Programs;
  /** Outside of the root. */
  readonly orderFolder: string;
  /**
   * Where the ids of runs that were begun here are kept, as the editor keeps them for its windows.
   */
  readonly begunFile: string;
  readonly custom: CustomAgent | undefined;
  readonly cap: number;
  readonly run?: Partial<Options['run']>;
  readonly leaseMs?: number;
  readonly verify?: Options['verify'];
}

/**
 * A window on a backlog without an editor: everything of the product that runs tasks, wired as the
 * extension wires it.
 */
export interface RunWindow {
  readonly runs: WiredRuns;
  readonly source: BacklogSource;
  readonly options: RunOptions;
  readonly bugs: unknown[];
  readonly failures: unknown[];
  /** Resolves when the backlog was read. */
  readonly ready: Promise<Snapshot>;
  /** A request for these waves, every task by the same agent. */
  request(waves: RunRequest['waves'], agent: AgentAssignment): RunRequest;
  /** As the user does in the tree. */
  setStatus(id: TaskId, from: string, to: 'Todo' | 'Review' | 'Done'): Promise<void>;
  close(agents: 'keep' | 'stop'): Promise<void>;
}

export function openRunWindow(
  spec: RunWindowSpec,
  parts: Partial<
    Pick<RunParts, 'openInteractive' | 'onAttempt' | 'onActivity' | 'log' | 'keeper' | 'findAgent'>
  > = {},
): RunWindow {
  const { root, programs, orderFolder, begunFile, custom } = spec;
  const paths = storePathsOf(root);
  const source = openBacklog(root, { wasmFile: programs.wasm, paths });
  const options = resolveOptions(settingsOf(spec), NO_CONFIG);
  const [bugs, failures]: [unknown[], unknown[]] = [[], []];
  const reportBug = (error: unknown): void => void bugs.push(error);
  const log = parts.log ?? ((): void => undefined);
  // In an editor there is always something to wait for.
  const alive = setInterval(() => undefined, 1000);
  const onFailed = (failure: unknown): void => void failures.push(failure);
  const mirror = new StatusMirror({ json: paths.json, clock: systemClock, onFailed, reportBug });
  const locks = new Writer({
    file: paths.database,
    json: paths.json,
    project: paths.project,
    script: programs.writer,
    holder: createHolderId('vscode', systemProcesses.hostname, process.pid),
    nodes: () => [{ command: programs.node, args: [] }],
    clock: systemClock,
    random: Math.random,
    log,
    onStatusWritten: (id, status) => mirror.write(id, status),
  });
  let planned: { readonly of: Snapshot; readonly plan: Plan } | undefined;
  const planOf = (snapshot: Snapshot): Plan => {
    if (planned?.of !== snapshot)
      planned = { of: snapshot, plan: planWaves(snapshot.tasks, options.waves) };
    return planned.plan;
  };
  const runs: WiredRuns = wireRuns({
    paths,
    source,
    locks,
    orderFolder,
    log,
    reportBug,
    supervisor: programs.supervisor,
    keeper: parts.keeper ?? {
      track: () => undefined,
      tracks: () => false,
      untrack: () => () => undefined,
      onDidLose: () => ({ dispose: () => undefined }),
      onDidChange: () => ({ dispose: () => undefined }),
    },
    followsSubagents: () => false,
    openTask: () => undefined,
    options: () => options,
    findAgent:
      parts.findAgent ??
      (({ agent }) => {
        if (agent === 'simulated') {
          return findAgent({
            kind: 'simulated',
            script: programs.simulatedAgent,
            node: programs.node,
          });
        }
        if (agent === 'custom' && custom !== undefined)
          return findAgent({ kind: 'custom', custom });
        return findAgent({ kind: PRESET_KINDS.find((kind) => kind === agent) ?? 'auto' });
      }),
    titleOf: (id) => id,
    worktreesFolder: () => '',
    worktreeFiles: () => ['.env*'],
    readiness: (snapshot, id, opened) => {
      const task = snapshot.byId.get(id);
      if (task === undefined) return { kind: 'notReady', reasons: [{ kind: 'missing', id }] };
      return readinessOf(task, {
        plan: planOf(snapshot),
        byId: snapshot.byId,
        now: systemClock.now(),
        opened: (other) => opened.has(other),
        isOurs: (holder) => holder === locks.holder || runs.runner.isHolder(holder),
      });
    },
    begun: {
      has: (runId) =>
        existsSync(begunFile) && readFileSync(begunFile, 'utf8').split('\n').includes(runId),
      add: (runId) => appendFileSync(begunFile, `${runId}\n`),
    },
    ...(parts.openInteractive && { openInteractive: parts.openInteractive }),
    onAttempt: parts.onAttempt ?? (() => undefined),
    onActivity: parts.onActivity ?? (() => undefined),
    onFailed,
    wordsOf: ({ kind }) => kind,
  });
  const { whenWindowCloses: _, isolation: __, ...course } = options.run;
  const runOptions: RunOptions = {
    ...course,
    reviewGate: options.reviewOpensGate,
    leaseMs: options.leaseMs,
    statusOnSuccess: options.statusOnSuccess,
    agentCaps: [],
    isolation: undefined,
  };
  return {
    runs,
    source,
    options: runOptions,
    bugs,
    failures,
    ready: firstSnapshot(source),
    request: (waves, agent) => {
      const agents = new Map<TaskId, AgentAssignment>(waves.flat().map((id) => [id, agent]));
      return { title: 'A wave', waves, options: runOptions, agents };
    },
    setStatus: async (id, from, to) => {
      assert((await locks.setStatus(id, from, to)).ok);
      await source.refresh();
    },
    close: async (agents) => {
      await runs.close(agents);
      await locks.close('release');
      await mirror.written();
      source.dispose();
      clearInterval(alive);
    },
  };
}

function settingsOf({ cap, run, leaseMs, verify = [] }: RunWindowSpec): Settings {
  return {
    waveNumbering: 'open',
    missingDependencies: 'satisfied',
    maxTasksPerWave: undefined,
    maxParallelTasks: cap,
    leaseMs,
    statusOnSuccess: 'Review',
    reviewOpensGate: 'inRun',
    agentRules: [],
    verify,
    verifyWave: undefined,
    worktreeSetup: [],
    run: { ...RUN_DEFAULTS, ...run },
    agent: { agent: 'custom', model: undefined, agentMode: 'unattended' },
  };
}

async function firstSnapshot(source: BacklogSource): Promise<Snapshot> {
  await source.refresh();
  const { state } = source;
  if (state.kind !== 'ready')
    throw new Error(`The backlog of ${source.root} is ${JSON.stringify(state)}`);
  return state.snapshot;
}
