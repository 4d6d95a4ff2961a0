import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Backlog } from './core/backlog.ts';
import { type Options, resolveOptions } from './core/config.ts';
import { createHolderId } from './core/holder.ts';
import type { Status, TaskId } from './core/task.ts';
import type { AgentChoice } from './ui/backlogs.ts';
import { Emitter, type Disposable } from './core/events.ts';
import { ClaimWatch } from './core/run/claim-watch.ts';
import { LeaseKeeper } from './core/run/lease-keeper.ts';
import { WaveRunner } from './core/run/wave-runner.ts';
import { type AgentPreference, AUTO_ORDER, findAgent, PRESETS, readCustomAgent } from './run/agents.ts';
import { readGitStatus } from './run/git-status.ts';
import { TerminalRunner } from './run/terminal-runner.ts';
import { openBacklog } from './store/backlog-source.ts';
import { keepHandHeld, tellLocks } from './wire-locks.ts';
import { openHandoffs } from './store/handoffs.ts';
import { patchJsonStatus } from './store/json-patch.ts';
import { readImportable } from './store/importable.ts';
import { StoreEdits } from './store/store-edits.ts';
import { configuredPaths, type StorePaths } from './store/locate.ts';
import { systemProcesses } from './store/processes.ts';
import { systemClock as clock } from './store/system-clock.ts';
import { Writer } from './store/writer.ts';
import { listNodeCommands } from './store/writer-child.ts';
import { explainFailure } from './ui/explain.ts';
import { readAgentSettings, readNodePath, readSettings } from './ui/settings.ts';
import type { OpenBacklog } from './ui/workspace-backlogs.ts';

/** What every backlog of a window shares. */
export interface Shared {
  readonly extension: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly reportBug: (error: unknown) => void;
}

/** Prompts and logs of agents stay for two weeks. */
const KEEP_LOGS_MS = 14 * 24 * 60 * 60_000;

const PROBE_AFTER_MS = 2_000;

/** Whoever edits a configuration may save it half: the store moves once it has been somewhere else for so long. */
const MOVE_AFTER_MS = 1_000;

/** Wires one backlog: reader, writer, lease keeper, runner and plan files around the files of one root. */
export function wireBacklog(paths: StorePaths, { extension, log, reportBug }: Shared): OpenBacklog {
  const { root } = paths;
  const folder = vscode.Uri.file(root);
  const bundle = (name: string): string => join(extension.extensionPath, 'dist', name);
  const storage = (extension.storageUri ?? extension.globalStorageUri).fsPath;
  const source = openBacklog(root, { wasmFile: bundle('sql-wasm.wasm'), paths });
  const host = systemProcesses.hostname;
  const handoffs = openHandoffs({ file: paths.handoffs, clock, random: Math.random, host });
  const settings = () => readSettings(folder);
  const options = (): Options => resolveOptions(settings(), source.config);
  // The last change on its way to the JSON file; changes of one file are made one after the other.
  let mirroring: Promise<void> = Promise.resolve();
  const locks = new Writer({
    file: paths.database,
    json: paths.json,
    project: paths.project,
    holder: createHolderId('vscode', host, process.pid),
    script: bundle('writer.cjs'),
    nodes: () => listNodeCommands(readNodePath()),
    clock,
    random: Math.random,
    onStatusWritten: (id, status) => {
      mirroring = mirrorStatus(paths.json, id, status, log);
    },
    log: (line) => log.info(line),
  });
  const edits = new StoreEdits({ writer: locks, source, json: paths.json, clock, log: (line) => log.info(line) });
  const leaseMs = (): number => options().leaseMs;
  const keeper: LeaseKeeper = new LeaseKeeper({
    ...{ locks, clock, leaseMs, reportBug },
    renewalMs: () => options().renewalMs,
    reclaim: (id) => claimWatch.reclaim(id),
  });
  const claimWatch: ClaimWatch = new ClaimWatch({ source, locks, keeper, clock, leaseMs, reportBug });
  const preference = (): AgentPreference => agentPreference(folder, bundle('simulated-agent.cjs'));
  const terminals = new TerminalRunner({
    window: vscode.window,
    icon: new vscode.ThemeIcon('layers'),
    supervisor: bundle('supervisor.cjs'),
    folder: join(storage, 'runs'),
    findAgent: () => findAgent(preference()),
    explain: (failure) => explainFailure(failure, clock.now()).message,
    clock,
    log: (line) => log.info(line),
  });
  const runner = new WaveRunner(
    {
      source,
      locks,
      keeper,
      runner: terminals,
      clock,
      readiness: (snapshot, id, opened) => backlog.readinessIn(snapshot, id, opened),
      policy: () => {
        const { leaseMs, statusOnSuccess, reviewOpensGate } = options();
        return { leaseMs, successStatus: statusOnSuccess, gate: reviewOpensGate };
      },
      newRunId: () => `${new Date().toISOString().replace(/[-:]|\..*/g, '')}-${randomBytes(3).toString('hex')}`,
      reportBug,
    },
    options().maxParallelTasks,
  );
  tellLocks({ keeper, claimWatch, locks, log });
  const handHeld = keepHandHeld({
    ...{ keeper, locks, clock, leaseMs, log, reportBug },
    ...{ folder: join(storage, 'held'), store: paths.database },
  });
  terminals.removeOlderThan(clock.now() - KEEP_LOGS_MS).catch(reportBug);
  // The first agent of a run comes to the front, beside what has the focus; the others are a click away.
  const shownRuns = new Set<string>();
  runner.onEvent((event) => {
    if (event.kind !== 'taskStarted' || shownRuns.has(event.runId)) return;
    shownRuns.add(event.runId);
    terminals.show(event.id, true);
  });
  const backlog: Backlog = new Backlog({
    source,
    locks,
    edits,
    keeper,
    runner,
    handoffs,
    gitStatus: () => readGitStatus(root),
    clock,
    processes: systemProcesses,
    settings,
    findAgent: async () => {
      const found = await findAgent(preference());
      return found.ok ? undefined : found.failure;
    },
  });
  // Whether claims are possible is known by trying: a process is started for it, once everything else is there.
  let probe: Disposable | undefined;
  const probeOnce = (): void => {
    if (probe !== undefined || backlog.snapshot?.source !== 'sqlite') return;
    probe = clock.after(PROBE_AFTER_MS, () => void backlog.probeClaims().catch(reportBug));
  };
  source.onDidChange(probeOnce);
  const moved = new Emitter<undefined>();
  const isElsewhere = (): boolean => {
    const { database, json } = configuredPaths(paths, source.config);
    return database !== paths.database || json !== paths.json;
  };
  let move: Disposable | undefined;
  backlog.onDidChange(() => {
    // What runs here holds locks in the old database, so it ends there.
    if (move !== undefined || !isElsewhere() || backlog.isRunning) return;
    move = clock.after(MOVE_AFTER_MS, () => {
      move = undefined;
      if (isElsewhere() && !backlog.isRunning) moved.fire(undefined);
    });
  });
  return {
    backlog,
    onDidMove: moved.event,
    hasTerminal: (id) => terminals.has(id),
    showTerminal: (id) => terminals.show(id),
    // Writing plans brings YAML along, which nobody should wait for who only looks.
    writePlan: async (kind) => (await import('./write-plan.ts')).writePlan(backlog, kind),
    agents: () => listAgents(folder, bundle('simulated-agent.cjs')),
    importable: () => readImportable(paths.json, paths.project),
    initialise: async (tasks) => {
      const made = await locks.initialise(tasks);
      await source.refresh();
      return made;
    },
    close: async (what) => {
      probe?.dispose();
      move?.dispose();
      moved.dispose();
      await runner.stopAll();
      runner.dispose();
      claimWatch.dispose();
      // After a reload the window comes back for what a person holds; nobody comes back for a folder that was removed.
      if (what === 'folder') await handHeld.forget();
      handHeld.dispose();
      keeper.dispose();
      edits.dispose();
      await locks.close(what === 'window' ? 'linger' : 'release');
      await mirroring;
      terminals.dispose();
      backlog.dispose();
      handoffs.dispose();
      source.dispose();
    },
  };
}

/** The JSON file that exarp-go keeps beside the database is told of every status we write, or it would bring the old one back. */
async function mirrorStatus(file: string, id: TaskId, status: Status, log: vscode.LogOutputChannel): Promise<void> {
  if (status === 'Unknown') return;
  const patched = await patchJsonStatus(file, id, status, clock.now());
  if (!patched.ok) log.warn(explainFailure(patched.failure, clock.now()).message);
}

function agentPreference(folder: vscode.Uri, simulated: string): AgentPreference {
  const { agent, custom } = readAgentSettings(folder);
  if (agent === 'simulated') return { kind: 'simulated', script: simulated, node: process.execPath };
  if (agent === 'custom') {
    const read = readCustomAgent(custom);
    // An entry that is no agent is looked for under a name that no program has, and so named in the message.
    return {
      kind: 'custom',
      custom: read ?? { command: 'todo2Waves.customAgent', args: [], stdin: 'prompt', env: {} },
    };
  }
  const known = AUTO_ORDER.find((kind) => kind === agent);
  return { kind: known ?? 'auto' };
}

async function listAgents(folder: vscode.Uri, simulated: string): Promise<readonly AgentChoice[]> {
  const { agent, custom } = readAgentSettings(folder);
  const choice = (id: string, title: string, command: string | undefined): AgentChoice => ({
    id,
    title,
    command,
    isChosen: id === agent,
  });
  const presets = await Promise.all(
    AUTO_ORDER.map(async (kind) => {
      const found = await findAgent({ kind });
      return choice(kind, PRESETS[kind].label, found.ok ? found.value.command : undefined);
    }),
  );
  const installed = presets.filter((preset) => preset.command !== undefined);
  return [
    choice('auto', 'The first that is installed', installed[0]?.command),
    ...installed,
    choice('simulated', 'Simulated agent, to try things out', simulated),
    choice('custom', 'My own command', readCustomAgent(custom)?.command),
    ...presets.filter((preset) => preset.command === undefined),
  ];
}
