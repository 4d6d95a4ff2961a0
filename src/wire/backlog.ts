import { join } from 'node:path';
import * as vscode from 'vscode';
import { Backlog } from '../core/backlog.ts';
import type { AgentAssignment } from '../core/run/run-options.ts';
import { oneLine, plain } from '../core/text.ts';
import type { Failure } from '../core/failure.ts';
import type { TaskId } from '../core/task.ts';
import type { AgentChoice } from '../ui/backlogs.ts';
import { Emitter, type Disposable } from '../core/events.ts';
import { PRESET_KINDS, PRESETS } from '../agent-process/agent-presets.ts';
import { type AgentPreference, findAgent, readCustomAgent } from '../agent-process/agents.ts';
import { readGitStatus } from '../agent-process/git-status.ts';
import { keepHandHeld } from './locks.ts';
import { openStore } from './open-store.ts';
import { readImportable } from '../store/json/importable.ts';
import { replaceWithin } from '../store/files/plan-files.ts';
import { configuredPaths, type StorePaths } from '../store/files/locate.ts';
import { ArgumentChecks } from '../agent-process/check-arguments.ts';
import { systemProcesses } from '../disk/processes.ts';
import { localTime } from '../core/messages.ts';
import { systemClock as clock } from '../store/files/system-clock.ts';
import { WaveSourceFile } from '../store/files/wave-source-file.ts';
import { explainFailure, explainJump, explainWatchEvent } from '../ui/messages.ts';
import { readRunChoice } from '../ui/runs/run-choice.ts';
import { outcomeWords } from '../core/run/run-messages.ts';
import {
  readAgentSettings,
  readNodePath,
  readRuleProblems,
  readSettings,
  readWaveSource,
  readWorktreeFiles,
  readWorktreesFolder,
} from '../ui/settings.ts';
import type { OpenBacklog } from '../ui/workspace-backlogs.ts';
import type { WiredAgents } from './agents.ts';
import { pullRequestsOf } from './pull-requests.ts';
import { reviewsOf } from './reviews.ts';
import { wireRuns, type WiredRuns } from './runs.ts';
import { wireTerminals } from './terminals.ts';
import type { RunState } from '../core/run/run-events.ts';
import { runReport } from '../core/run/report/run-report.ts';
import { openDocument } from '../ui/documents.ts';

/** What every backlog of a window shares. */
export interface Shared {
  readonly extension: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly reportBug: (error: unknown) => void;
  readonly agents: Pick<WiredAgents, 'followsSubagents' | 'serve'>;
}

/** What installed agents answered about their arguments, for every backlog of this window. */
const argumentChecks = new ArgumentChecks();
/** The runs that were begun here are remembered for as long as their journals are kept. */
const REMEMBERED_RUNS = 400;

const PROBE_AFTER_MS = 2_000;

/**
 * An editor may save half of a configuration: the store moves once it has been somewhere else for
 * this long.
 */
const MOVE_AFTER_MS = 1_000;

/**
 * Wires one backlog: reader, writer, lease keeper, runner and plan files around the files of one
 * root.
 */
export function wireBacklog(
  paths: StorePaths,
  { extension, log, reportBug, agents }: Shared,
): OpenBacklog {
  const { root } = paths;
  const folder = vscode.Uri.file(root);
  const bundle = (name: string): string => join(extension.extensionPath, 'dist', name);
  const storage = (extension.storageUri ?? extension.globalStorageUri).fsPath;
  const simulated = bundle('simulated-agent.cjs');
  const settings = () => readSettings(folder);
  // Ids and file names are others' text: none of it is to look like a line of its own.
  const say = (line: string): void => log.info(oneLine(line));
  const explain = (failure: Failure): string => explainFailure(failure, clock.now()).message;
  const store = openStore({
    paths,
    dist: bundle(''),
    name: 'vscode',
    settings,
    nodePath: readNodePath,
    log: say,
    warn: (line) => log.warn(oneLine(line)),
    explainFailure: explain,
    explainEvent: (event) => explainWatchEvent(event, clock.now()),
    reportBug,
  });
  const { source, locks, keeper, edits, handoffs, options } = store;
  const findAssigned = async ({ agent, agentMode }: AgentAssignment) => {
    const found = await findAgent(preferenceOf(agent, folder, simulated));
    if (!found.ok) return found;
    return argumentChecks.check(
      found.value,
      agentMode === 'interactive' ? agentMode : 'unattended',
    );
  };
  const titleOf = (id: TaskId): string => backlog.task(id)?.title ?? id;
  const terminals = wireTerminals({
    root,
    supervisor: bundle('supervisor.cjs'),
    node: () => locks.node(),
    titleOf,
    onStopRequested: (id) => void backlog.runs.steerTask(id, 'stopTask').catch(reportBug),
    log: say,
    reportBug,
  });
  const runs: WiredRuns = wireRuns({
    paths,
    source,
    locks,
    options,
    findAgent: findAssigned,
    reportBug,
    supervisor: bundle('supervisor.cjs'),
    orderFolder: join(storage, 'orders'),
    titleOf,
    worktreesFolder: () => readWorktreesFolder(folder),
    worktreeFiles: () => readWorktreeFiles(folder),
    readiness: (snapshot, id, opened) => backlog.readinessIn(snapshot, id, opened),
    begun: begunIn(extension.globalState),
    keeper,
    // Cursor's agents cannot be started by an extension: they claim through the MCP server.
    followsSubagents: () => agents.followsSubagents(),
    openTask: (id) => void openDocument('task', backlog, id).catch(reportBug),
    openInteractive: terminals.openInteractive,
    onAttempt: terminals.onAttempt,
    onActivity: terminals.onActivity,
    onFailed: (failure) => {
      const message = explain(failure);
      log.error(oneLine(message));
      void vscode.window.showWarningMessage(plain(message));
    },
    wordsOf: (outcome) => outcomeWords(outcome, clock.now()),
    log: say,
  });
  terminals.follow(runs);
  keeper.onDidJump((aheadMs) => log.info(explainJump(aheadMs)));
  const handHeld = keepHandHeld({
    keeper,
    locks,
    clock,
    leaseMs: () => options().leaseMs,
    log,
    reportBug,
    folder: join(storage, 'held'),
    store: paths.database,
  });
  const waveSource = new WaveSourceFile({
    root,
    clock,
    chosen: () => readWaveSource(folder),
    // Reading plans needs YAML, too.
    parse: async (file, text) =>
      (await import('../core/plan/read-wave-override.ts')).readWaveOverride(file, text),
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
  // Loaded on first use: writing plans needs YAML.
  const writePlan: OpenBacklog['writePlan'] = async (kind, as) =>
    (await import('./write-plan.ts')).writePlan(backlog, kind, as);
  const { subagentHosts, caseFoldPaths: foldCase } = runs;
  const served = agents.serve({ backlog, locks, keeper, writePlan, subagentHosts, foldCase });
  for (const problem of readRuleProblems(folder)) log.warn(problem);
  // Whether claims are possible is known by trying: a process is started for it, once everything
  // else is there.
  let probe: Disposable | undefined;
  const probeOnce = (): void => {
    if (probe !== undefined || backlog.snapshot?.source !== 'sqlite') return;
    probe = clock.after(PROBE_AFTER_MS, () => void backlog.claims.probe().catch(reportBug));
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
    if (move !== undefined || !isElsewhere() || backlog.runs.isRunning) return;
    move = clock.after(MOVE_AFTER_MS, () => {
      move = undefined;
      if (isElsewhere() && !backlog.runs.isRunning) moved.fire(undefined);
    });
  });
  const allRuns = (): readonly RunState[] => [...backlog.runs.all, ...backlog.runs.past];
  return {
    backlog,
    onDidMove: moved.event,
    hasTerminal: (id) => terminals.terminals.has(id),
    onDidAdoptTerminal: terminals.onDidAdopt,
    showTerminal: (id) => terminals.terminals.show(id),
    activityOf: (id) => terminals.terminals.activityOf(id),
    onDidChangeActivity: terminals.terminals.onDidChangeActivity,
    openLog: (runId, attemptNo) => terminals.openLog(runId, attemptNo),
    followLog: (runId, attemptNo, onText) => terminals.followLog(runId, attemptNo, onText),
    reviews: reviewsOf({
      root,
      titleOf,
      runs: allRuns,
      isolation: runs.isolation,
      note: (runId, ids, decision) => runs.history.noteDecision(runId, ids, decision),
    }),
    pullRequests: pullRequestsOf({ root, titleOf, runs: allRuns }),
    addNote: (id, text) => locks.addNote(id, text),
    reportOf: (runId) => reportOf(backlog, runId),
    lastChoice: () => readRunChoice(extension.workspaceState.get(`${CHOICE_KEY}${root}`)),
    rememberChoice: (choice) => extension.workspaceState.update(`${CHOICE_KEY}${root}`, choice),
    writePlan,
    replacePlan: (file, expected, text) => replaceWithin(root, file, expected, text),
    agents: () => listAgents(folder, simulated),
    importable: () => readImportable(paths.json, paths.project, paths.root),
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
      // A folder that the user removes from the window is not to continue; a window that is closed
      // may come back.
      await runs.close(what === 'window' ? options().run.whenWindowCloses : 'stop');
      // After a reload the window comes back for what the user holds; after the removal of a folder
      // no window does.
      await handHeld.close(what === 'window' ? 'keep' : 'forget');
      await store.close(what === 'window' ? 'linger' : 'release');
      terminals.dispose();
      backlog.dispose();
      waveSource.dispose();
    },
  };
}

function preferenceOf(agent: string, folder: vscode.Uri, simulated: string): AgentPreference {
  if (agent === 'simulated')
    return { kind: 'simulated', script: simulated, node: process.execPath };
  if (agent === 'custom') {
    const read = readCustomAgent(readAgentSettings(folder).custom);
    // An entry that is no agent is looked for under a name that no program has, and so named in the
    // message.
    return {
      kind: 'custom',
      custom: read ?? { command: 'todo2Waves.customAgent', args: [], stdin: 'prompt', env: {} },
    };
  }
  return { kind: PRESET_KINDS.find((kind) => kind === agent) ?? 'auto' };
}

function reportOf(backlog: Backlog, runId: string): string {
  const run = backlog.runs.find(runId);
  if (run === undefined) return '';
  const { now } = backlog;
  return runReport(run, {
    titleOf: (id) => backlog.task(id)?.title,
    dependenciesOf: (id) => backlog.task(id)?.dependencies ?? [],
    now,
    timeOf: localTime,
  });
}

const CHOICE_KEY = 'todo2Waves.runChoice:';
const BEGUN_KEY = 'todo2Waves.runsBegun';

/**
 * The ids of runs that this installation began, in any window; only these continue automatically.
 */
function begunIn(memento: vscode.Memento): {
  has(runId: string): boolean;
  add(runId: string): void;
} {
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
