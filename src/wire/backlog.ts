import { join } from 'node:path';
import * as vscode from 'vscode';
import { Backlog } from '../core/backlog.ts';
import { type Options, resolveOptions } from '../core/config.ts';
import { createHolderId } from '../core/lease/holder.ts';
import type { AgentAssignment } from '../core/run/run-options.ts';
import { oneLine } from '../core/text.ts';
import { runReport } from '../core/run/report/run-report.ts';
import type { Status, TaskId } from '../core/task.ts';
import type { AgentChoice } from '../ui/backlogs.ts';
import { Emitter, type Disposable } from '../core/events.ts';
import { ClaimReconciler } from '../core/lease/claim-reconciler.ts';
import { LeaseKeeper } from '../core/lease/lease-keeper.ts';
import { PRESET_KINDS, PRESETS } from '../agent-process/agent-presets.ts';
import { type AgentPreference, findAgent, readCustomAgent } from '../agent-process/agents.ts';
import { readGitStatus } from '../agent-process/git-status.ts';
import { openBacklog } from '../store/read/backlog-source.ts';
import { keepHandHeld, tellLocks } from './locks.ts';
import { openHandoffs } from '../store/json/handoffs.ts';
import { patchJsonStatus } from '../store/json/json-patch.ts';
import { readImportable } from '../store/json/importable.ts';
import { replaceWithin } from '../store/files/plan-files.ts';
import { StoreEdits } from '../store/write/store-edits.ts';
import { configuredPaths, type StorePaths } from '../store/files/locate.ts';
import { systemProcesses } from '../store/runs/processes.ts';
import { systemClock as clock } from '../store/files/system-clock.ts';
import { WaveSourceFile } from '../store/files/wave-source-file.ts';
import { Writer } from '../store/write/writer-client.ts';
import { listNodeCommands } from '../store/write/writer-child.ts';
import { explainFailure } from '../ui/messages.ts';
import { plain } from '../ui/plain.ts';
import { agentTitle, explainStop, outcomeWords, verifyWords } from '../ui/run-words.ts';
import { duration } from '../ui/messages.ts';
import { readAgentSettings, readNodePath, readRuleProblems, readSettings, readWaveSource } from '../ui/settings.ts';
import { openTaskDetails } from '../ui/task-details.ts';
import type { OpenBacklog } from '../ui/workspace-backlogs.ts';
import type { WiredAgents } from './agents.ts';
import { wireRuns, type WiredRuns } from './runs.ts';
import { wireTerminals } from './terminals.ts';

/** What every backlog of a window shares. */
export interface Shared {
  readonly extension: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly reportBug: (error: unknown) => void;
  readonly agents: Pick<WiredAgents, 'followsSubagents' | 'serve'>;
}

/** The runs that were begun here are remembered for as long as their journals are kept. */
const REMEMBERED_RUNS = 400;

const PROBE_AFTER_MS = 2_000;

/** Whoever edits a configuration may save it half: the store moves once it has been somewhere else for so long. */
const MOVE_AFTER_MS = 1_000;

/** Wires one backlog: reader, writer, lease keeper, runner and plan files around the files of one root. */
export function wireBacklog(paths: StorePaths, { extension, log, reportBug, agents }: Shared): OpenBacklog {
  const { root } = paths;
  const folder = vscode.Uri.file(root);
  const bundle = (name: string): string => join(extension.extensionPath, 'dist', name);
  const storage = (extension.storageUri ?? extension.globalStorageUri).fsPath;
  const source = openBacklog(root, { wasmFile: bundle('sql-wasm.wasm'), paths });
  const host = systemProcesses.hostname;
  const handoffs = openHandoffs({ file: paths.handoffs, clock, random: Math.random, host });
  const simulated = bundle('simulated-agent.cjs');
  const settings = () => readSettings(folder);
  // Ids and file names are others' text: none of it is to look like a line of its own.
  const say = (line: string): void => log.info(oneLine(line));
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
    log: say,
  });
  const edits = new StoreEdits({ writer: locks, source, json: paths.json, clock, log: say });
  const leaseMs = (): number => options().leaseMs;
  const keeper: LeaseKeeper = new LeaseKeeper({
    ...{ locks, clock, leaseMs, reportBug },
    renewalMs: () => options().renewalMs,
    reclaim: (id) => claimWatch.reclaim(id),
  });
  const claimWatch: ClaimReconciler = new ClaimReconciler({ source, locks, keeper, clock, leaseMs, reportBug });
  const findAssigned = ({ agent }: AgentAssignment) => findAgent(preferenceOf(agent, folder, simulated));
  const titleOf = (id: TaskId): string => backlog.task(id)?.title ?? id;
  const terminals = wireTerminals({
    supervisor: bundle('supervisor.cjs'),
    node: () => locks.node(),
    titleOf,
    onStopRequested: (id) => void backlog.stopTask(id).catch(reportBug),
    log: say,
    reportBug,
  });
  const runs: WiredRuns = wireRuns({
    ...{ paths, source, locks, options, findAgent: findAssigned, reportBug },
    ...{ supervisor: bundle('supervisor.cjs'), orderFolder: join(storage, 'orders') },
    readiness: (snapshot, id, opened) => backlog.readinessIn(snapshot, id, opened),
    begun: begunIn(extension.globalState),
    keeper,
    // Cursor's agents cannot be started by an extension: they claim through the MCP server.
    followsSubagents: () => agents.followsSubagents(),
    openTask: (id) => void openTaskDetails(backlog, id).catch(reportBug),
    openInteractive: terminals.openInteractive,
    onAttempt: terminals.onAttempt,
    onFailed: (failure) => {
      const { message } = explainFailure(failure, clock.now());
      log.error(oneLine(message));
      void vscode.window.showWarningMessage(plain(message));
    },
    wordsOf: (outcome) => outcomeWords(outcome, clock.now()),
    log: say,
  });
  terminals.follow(runs);
  tellLocks({ keeper, claimWatch, locks, log });
  const handHeld = keepHandHeld({
    ...{ keeper, locks, clock, leaseMs, log, reportBug },
    ...{ folder: join(storage, 'held'), store: paths.database },
  });
  const waveSource = new WaveSourceFile({
    ...{ root, clock, chosen: () => readWaveSource(folder) },
    // Reading plans brings YAML along, too.
    parse: async (file, text) => (await import('../core/plan/read-wave-override.ts')).readWaveOverride(file, text),
  });
  const backlog: Backlog = new Backlog({
    source,
    locks,
    edits,
    keeper,
    runs: { ...runs, settle: () => new Promise((resolve) => setImmediate(resolve)) },
    handoffs,
    waveSource,
    gitStatus: () => readGitStatus(root),
    clock,
    processes: systemProcesses,
    settings,
  });
  // Writing plans brings YAML along, which nobody should wait for who only looks.
  const writePlan: OpenBacklog['writePlan'] = async (kind) =>
    (await import('./write-plan.ts')).writePlan(backlog, kind);
  const { door, caseFoldPaths: foldCase } = runs;
  const served = agents.serve({ backlog, locks, keeper, writePlan, door, foldCase });
  for (const problem of readRuleProblems(folder)) log.warn(problem);
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
    hasTerminal: (id) => terminals.terminals.has(id),
    onDidAdoptTerminal: terminals.onDidAdopt,
    showTerminal: (id) => terminals.terminals.show(id),
    activityOf: (id) => terminals.terminals.activityOf(id),
    onDidChangeActivity: terminals.terminals.onDidChangeActivity,
    openLog: (runId, attemptNo) => terminals.openLog(runs, runId, attemptNo),
    reportOf: (runId) => reportOf(backlog, runId),
    lastChoice: () => extension.workspaceState.get(`${CHOICE_KEY}${root}`),
    rememberChoice: (choice) => extension.workspaceState.update(`${CHOICE_KEY}${root}`, choice),
    writePlan,
    replacePlan: (file, expected, text) => replaceWithin(root, file, expected, text),
    agents: () => listAgents(folder, simulated),
    importable: () => readImportable(paths.json, paths.project),
    initialise: async (tasks) => {
      const made = await locks.initialise(tasks);
      await source.refresh();
      return made;
    },
    close: async (what) => {
      served.dispose();
      probe?.dispose();
      move?.dispose();
      moved.dispose();
      // Whoever takes the folder out of the window does not want it to go on; a window that goes may come back.
      await runs.close(what === 'window' ? options().run.whenWindowCloses : 'stop');
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
      waveSource.dispose();
      handoffs.dispose();
      source.dispose();
    },
  };
}

/** The JSON file that exarp-go keeps beside the database is told of every status we write, or it would bring the old one back. */
async function mirrorStatus(file: string, id: TaskId, status: Status, log: vscode.LogOutputChannel): Promise<void> {
  if (status === 'Unknown') return;
  const patched = await patchJsonStatus(file, id, status, clock.now());
  if (!patched.ok) log.warn(oneLine(explainFailure(patched.failure, clock.now()).message));
}

function preferenceOf(agent: string, folder: vscode.Uri, simulated: string): AgentPreference {
  if (agent === 'simulated') return { kind: 'simulated', script: simulated, node: process.execPath };
  if (agent === 'custom') {
    const read = readCustomAgent(readAgentSettings(folder).custom);
    // An entry that is no agent is looked for under a name that no program has, and so named in the message.
    return {
      kind: 'custom',
      custom: read ?? { command: 'todo2Waves.customAgent', args: [], stdin: 'prompt', env: {} },
    };
  }
  return { kind: PRESET_KINDS.find((kind) => kind === agent) ?? 'auto' };
}

function reportOf(backlog: Backlog, runId: string): string {
  const run =
    backlog.runs.find((each) => each.runId === runId) ?? backlog.pastRuns.find((each) => each.runId === runId);
  if (run === undefined) return '';
  const { now } = backlog;
  return runReport(run, {
    titleOf: (id) => backlog.task(id)?.title,
    dependenciesOf: (id) => backlog.task(id)?.dependencies ?? [],
    now,
    words: {
      outcome: (outcome) => outcomeWords(outcome, now),
      stop: (stop) => explainStop(stop, now),
      verify: verifyWords,
      agent: agentTitle,
      duration,
    },
  });
}

const CHOICE_KEY = 'todo2Waves.runChoice:';
const BEGUN_KEY = 'todo2Waves.runsBegun';

/** The ids of runs that were begun by this installation, in whatever window; only these go on by themselves. */
function begunIn(memento: vscode.Memento): { has(runId: string): boolean; add(runId: string): void } {
  const known = (): readonly string[] => {
    const value = memento.get<unknown>(BEGUN_KEY);
    return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
  };
  return {
    has: (runId) => known().includes(runId),
    add: (runId) => void memento.update(BEGUN_KEY, [...known(), runId].slice(-REMEMBERED_RUNS)),
  };
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
    PRESET_KINDS.map(async (kind) => {
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
