import { statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Options } from '../core/config.ts';
import type { Failure } from '../core/failure.ts';
import type { BacklogSource, Job, WorkPreview } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import { verifyOf } from '../core/run/agent-rules.ts';
import { type Estimates, estimateDurations } from '../core/run/engine/estimates.ts';
import { touchedEarlier } from '../core/run/engine/touched-earlier.ts';
import type { RunState, TaskOutcome } from '../core/run/run-events.ts';
import type { AgentAssignment } from '../core/run/run-options.ts';
import type { AgentSession, RunnerWorld } from '../core/run/engine/run-world.ts';
import { isolatedWorker } from '../core/run/attempt/isolated-worker.ts';
import { routingWorker } from '../core/run/attempt/routing-worker.ts';
import { SubagentHostRegistry } from '../core/run/attempt/subagent-host-registry.ts';
import {
  WindowWorker,
  type RunLocks,
  type WindowWorkerOptions,
} from '../core/run/attempt/window-worker.ts';
import { WaveRunner } from '../core/run/engine/wave-runner.ts';
import type { WorkState } from '../core/run/journal/work-state.ts';
import { taskIn } from '../core/snapshot.ts';
import type { TaskId } from '../core/task.ts';
import { askToResolve } from './ask-to-resolve.ts';
import { earlierRuns } from './earlier-runs.ts';
import { type GitIsolation, isolateWith } from './isolation.ts';
import { newStamp } from './new-stamp.ts';
import { trustRuns } from './untrusted-runs.ts';
import { setupRemark, worktreeSetup } from './worktree-setup.ts';
import { prepareWindowWork } from './window-work-order.ts';
import { prepareWork, previewWork, type PrepareParts } from './work-order.ts';
import type { Agent } from '../agent-process/agents.ts';
import {
  SupervisedWorker,
  type SupervisedWorkerOptions,
} from '../agent-process/supervised-worker.ts';
import { readState } from '../agent-process/work-files.ts';
import type { WorkOrder } from '../agent-process/work-order.ts';
import { RunTakeover, type RunTakeoverOptions } from './run-takeover.ts';
import type { StorePaths } from '../store/files/locate.ts';
import {
  processStartTime,
  isBeginSecret,
  systemProcesses as processes,
} from '../disk/processes.ts';
import { RunJournals } from '../store/runs/run-journals.ts';
import { systemClock as clock } from '../store/files/system-clock.ts';
import type { Writer } from '../store/write/writer-client.ts';
import { endMarked } from './marked-work.ts';
import { MARK_OF_MERGE, verifyMergedWith } from './verify-merged.ts';
import { markOfWave, verifyWaveWith } from './verify-wave.ts';

/** What runs need of the window that leads them; nothing of it is the editor's. */
export interface RunParts {
  readonly paths: StorePaths;
  /** The bundled supervisor, absolute. */
  readonly supervisor: string;
  /** Where orders for terminals go, absolute; outside of the workspace. */
  readonly orderFolder: string;
  readonly source: Pick<BacklogSource, 'root' | 'state' | 'refresh' | 'onDidChange'>;
  readonly locks: Pick<Writer, 'results' | 'node' | 'releaseFor'> & RunLocks;
  readonly keeper: WindowWorkerOptions['keeper'];
  /**
   * True where the editor's agents claim tasks for themselves: their work is followed in the store.
   */
  readonly followsSubagents: () => boolean;
  /** Shows a task to the person who is to work on it. */
  readonly openTask: (id: TaskId) => void;
  readonly titleOf: (id: TaskId) => string;
  /** Where worktrees lie, as the settings say; empty for beside the repository. */
  readonly worktreesFolder: () => string;
  /** Which ignored files a worktree gets, in the syntax of `.gitignore`. */
  readonly worktreeFiles: () => readonly string[];
  readonly readiness: RunnerWorld['readiness'];
  readonly options: () => Options;
  readonly findAgent: (assignment: AgentAssignment) => Promise<Result<Agent, Failure>>;
  readonly begun: RunTakeoverOptions['begun'];
  readonly openInteractive?: SupervisedWorkerOptions['openInteractive'];
  /** An attempt is about to begin, or was at work before this window was. */
  readonly onAttempt: (attempt: StartedAttempt) => void;
  readonly onActivity: SupervisedWorkerOptions['onActivity'];
  readonly onFailed: (failure: Failure) => void;
  readonly wordsOf: (outcome: TaskOutcome) => string;
  readonly log: (line: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/** What a terminal shows of an attempt by its order or its state. */
type ShownState = Pick<WorkState, 'runId' | 'attemptNo' | 'taskId' | 'label' | 'output'>;

/** One attempt, as far as its terminal shows it. */
export interface StartedAttempt extends ShownState {
  readonly agentMode: AgentAssignment['agentMode'];
  readonly logFile: string;
  readonly tryNo: number;
  readonly isAttached: boolean;
}

/** The runs of one backlog, and what steers them. */
export interface WiredRuns {
  readonly runner: WaveRunner;
  readonly history: RunTakeover;
  readonly journals: RunJournals;
  readonly isolation: GitIsolation;
  readonly caseFoldPaths: boolean;
  /** The open subagent hosts, each for a running chat request. */
  readonly subagentHosts: SubagentHostRegistry;
  /** Completes tasks for the user. */
  readonly completions: Pick<WindowWorker, 'awaitsManualCompletion' | 'complete'>;
  preview(job: Job): Promise<Result<WorkPreview, Failure>>;
  findAgent(assignment: AgentAssignment): Promise<Failure | undefined>;
  lastOutputAt(id: TaskId): number | undefined;
  /** The state of an attempt whose files still exist. */
  stateOf(runId: string, attemptNo: number, id: TaskId): WorkState | undefined;
  /** `keep`: attempts at work continue for the next window. `stop`: everything ends first. */
  close(agents: 'keep' | 'stop'): Promise<void>;
}

const ORPHAN_GRACE_MS = 1500;
const READ_WITHIN_MS = 5_000;
/** Outcomes after which an agent's session is resumed: it was interrupted without a failure. */
const CUT_OFF: ReadonlySet<TaskOutcome['kind']> = new Set(['rateLimited', 'unknown', 'stopped']);

/** Wires the engine, the supervisors and the journals of the runs of one backlog. */
export function wireRuns(parts: RunParts): WiredRuns {
  const { paths, source, locks, options, log, reportBug, wordsOf } = parts;
  const caseFoldPaths = process.platform === 'darwin' || process.platform === 'win32';
  const releaseFor = async (holder: string, id: TaskId): Promise<void> => {
    const given = await locks.releaseFor(id, holder);
    // It ends with its lease then, as any lock whose holder is gone.
    if (!given.ok)
      log(`The lock that ${holder} left on ${id} could not be released (${given.failure.kind}).`);
  };
  const journals = new RunJournals({
    root: paths.root,
    clock,
    processes,
    processStartTime,
    pid: process.pid,
    log,
  });
  const runOf = (runId: string): RunState | undefined =>
    runner.runs.find((run) => run.runId === runId) ??
    history.past.find((run) => run.runId === runId);
  const setupParts = {
    root: paths.root,
    commands: () => options().worktreeSetup,
    allowsCursor: () => options().cursorWorktreeSetup,
  };
  const prepareParts: PrepareParts = {
    paths,
    findAgent: parts.findAgent,
    log,
    filesOf: (runId, attemptNo) => journals.folder.filesOf(runId, attemptNo),
    results: (ids) => locks.results(ids),
    earlier: ({ runId, task }) =>
      (runOf(runId)?.tasks.get(task.id)?.earlier ?? []).flatMap(({ outcome }) =>
        // An attempt that could not claim its task did nothing of it.
        outcome.kind === 'skipped' ? [] : [wordsOf(outcome)],
      ),
    verifyRules: () => options().verify,
    worktreeSetup: () => worktreeSetup(setupParts),
  };
  const prepare = async (job: Job): Promise<Result<WorkOrder, Failure>> => {
    const folder = await journals.folder.prepareRun(job.runId);
    if (!folder.ok) return folder;
    const order = await prepareWork(job, prepareParts);
    if (!order.ok) return order;
    const { agentMode, files } = order.value;
    const { tryNo } = job;
    const seen = { ...shownOf(order.value), agentMode, logFile: files.log, tryNo };
    parts.onAttempt({ ...seen, isAttached: false });
    return order;
  };
  const supervised = new SupervisedWorker({
    script: parts.supervisor,
    node: async () => (await locks.node()) ?? { command: process.execPath, args: [] },
    prepare,
    ...(parts.openInteractive && { openInteractive: parts.openInteractive }),
    orderFolder: parts.orderFolder,
    onActivity: parts.onActivity,
    askToResolve: ({ runId, attemptNo }, files) =>
      askToResolve(journals.folder.filesOf(runId, attemptNo), files, log),
    stateFileOf: ({ runId, attemptNo }) => journals.folder.filesOf(runId, attemptNo),
    releaseFor,
    clock,
    processes,
    processStartTime,
    log,
  });
  const subagentHosts = new SubagentHostRegistry();
  const found = trustRuns({
    pid: process.pid,
    processes,
    processStartTime,
    isBeginSecret,
    begun: parts.begun,
    releaseFor,
    log,
    graceMs: ORPHAN_GRACE_MS,
  });
  const window = new WindowWorker({
    locks,
    keeper: parts.keeper,
    source,
    clock,
    subagentHosts,
    reportBug,
    followsSubagents: parts.followsSubagents,
    openTask: parts.openTask,
    releaseFor: found.releaseFor,
    prepare: async (job) => {
      const folder = await journals.folder.prepareRun(job.runId);
      return folder.ok ? prepareWindowWork(job, prepareParts) : folder;
    },
    resultOf: async (id) => {
      const read = await locks.results([id]);
      return read.ok ? read.value.get(id) : undefined;
    },
  });
  const isolation = isolateWith({
    root: paths.root,
    folder: parts.worktreesFolder,
    files: parts.worktreeFiles,
    earlier: (runId) => earlierRuns(runId, runOf),
    titleOf: parts.titleOf,
    log,
    setup: prepareParts.worktreeSetup,
    setupRemark: () => setupRemark(setupParts),
    verifyMerged: verifyMergedWith({
      ...{ journals, log, files: parts.worktreeFiles, setup: prepareParts.worktreeSetup },
      commandFor: (id) => {
        const task = taskIn(source.state, id);
        return task && verifyOf(task, options().verify);
      },
    }),
  });
  const worker = isolatedWorker(routingWorker(supervised, window), isolation);
  const isFollowed = ({ agentMode }: AgentAssignment): boolean =>
    agentMode === 'subagent' && parts.followsSubagents();
  const runner: WaveRunner = new WaveRunner(
    {
      source,
      clock,
      caseFoldPaths,
      reportBug,
      readiness: parts.readiness,
      worker,
      isFollowed,
      newRunId: newStamp,
      flushed: () => history.flushed(),
      verifyWave: verifyWaveWith({
        journals,
        inWork: async (runId, marked, signal, judge) => {
          const isolated = runOf(runId)?.options.isolation;
          return isolated === undefined
            ? { kind: 'judged', value: await judge(paths.root) }
            : isolation.judge(runId, isolated, marked, signal, judge);
        },
        command: () => options().verifyWave,
        log,
      }),
      estimate: (id) => pastOf()?.estimates.durationOf(id),
      touched: (id) => pastOf()?.touched(id) ?? [],
      sessionOf: (runId, id) => sessionOf(runOf(runId), id, { runOf, journals }),
    },
    options().maxParallelTasks,
  );
  const pastOf = rememberingPast(source, () => history.past, caseFoldPaths);
  const history: RunTakeover = new RunTakeover({
    journals,
    runner,
    begun: parts.begun,
    onFailed: parts.onFailed,
    clock,
    log,
    reportBug,
    ...found,
    bringIn: (attempt, end) => isolation.end(attempt, end),
    ready: () => readOnce(source),
    endVerification: async (runId, wave) => {
      for (const name of [markOfWave(wave), MARK_OF_MERGE]) await endMarked(journals, runId, name);
    },
    onAttached: (state, run) => {
      const { tryNo, agent } = run.tasks.get(state.taskId) ?? { tryNo: 1 };
      const agentMode = agent?.agentMode ?? 'unattended';
      const logFile = journals.folder.filesOf(state.runId, state.attemptNo).log;
      parts.onAttempt({ ...shownOf(state), agentMode, logFile, tryNo, isAttached: true });
    },
  });
  history.open().catch(reportBug);
  return {
    runner,
    history,
    journals,
    isolation,
    caseFoldPaths,
    subagentHosts,
    completions: window,
    preview: (job) => previewWork(job, prepareParts),
    findAgent: async (assignment) => {
      if (assignment.agentMode === 'human' || isFollowed(assignment)) return undefined;
      if (assignment.agentMode === 'subagent') return subagentHosts.available();
      const found = await parts.findAgent(assignment);
      return found.ok ? undefined : found.failure;
    },
    lastOutputAt: (id) => {
      const sign = window.lastActivityAt(id);
      if (sign !== undefined) return sign;
      const log = liveLog([...runner.runs, ...history.elsewhere], id, journals);
      return log === undefined ? undefined : statSync(log, { throwIfNoEntry: false })?.mtimeMs;
    },
    stateOf: (runId, attemptNo, id) =>
      readState(journals.folder.filesOf(runId, attemptNo), { runId, attemptNo, id }),
    close: async (agents) => {
      if (agents === 'stop') await runner.stopAll();
      else runner.detachAll();
      supervised.detach();
      window.detach();
      await history.close();
      runner.dispose();
    },
  };
}

function shownOf({ runId, attemptNo, taskId, label, output }: ShownState): ShownState {
  return { runId, attemptNo, taskId, label, output };
}

/** Resolves when the backlog was read, or after a timeout on a slow disk. */
function readOnce(source: Pick<BacklogSource, 'refresh'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = clock.after(READ_WITHIN_MS, resolve);
    source
      .refresh()
      .finally(() => limit.dispose())
      .then(resolve, reject);
  });
}

/** What past runs say of tasks. */
interface KnownOfPast {
  readonly past: readonly RunState[];
  readonly estimates: Estimates;
  readonly touched: ReturnType<typeof touchedEarlier>;
}

/** What past runs say, read anew only where there are others; undefined while there is no backlog. */
function rememberingPast(
  source: RunParts['source'],
  past: () => readonly RunState[],
  foldCase: boolean,
): () => KnownOfPast | undefined {
  let known: KnownOfPast | undefined;
  return () => {
    const { state } = source;
    if (state.kind !== 'ready') return undefined;
    // A search of the past for each task of a large run costs more than the better order gains.
    if (known?.past !== past())
      known = {
        past: past(),
        estimates: estimateDurations(past(), state.snapshot, new Map()),
        touched: touchedEarlier(past(), { foldCase }),
      };
    return known;
  };
}

/**
 * The session of the latest attempt, or of the run that this one resumes, where the same agent was
 * cut off; or of the attempt whose work the same agent goes on with.
 */
function sessionOf(
  run: RunState | undefined,
  id: TaskId,
  known: {
    readonly runOf: (runId: string) => RunState | undefined;
    readonly journals: RunJournals;
  },
): AgentSession | undefined {
  const task = run?.tasks.get(id);
  if (run === undefined || task === undefined) return undefined;
  const sessionIn = (runId: string, attemptNo: number, outcome: TaskOutcome | undefined) => {
    if (outcome === undefined || !CUT_OFF.has(outcome.kind)) return undefined;
    const files = known.journals.folder.filesOf(runId, attemptNo);
    return readState(files, { runId, attemptNo, id });
  };
  const last = task.earlier.at(-1);
  if (last !== undefined) return sessionIn(run.runId, last.attemptNo, last.outcome);
  const { after } = task.followUp ?? {};
  // The rest of a run that went on with it has the session of that run.
  if (after !== undefined && (run.resumes ?? after.runId) === after.runId) {
    const agent = known.runOf(after.runId)?.tasks.get(id)?.agent;
    return isDeepStrictEqual(agent, task.agent)
      ? readState(known.journals.folder.filesOf(after.runId, after.attemptNo), { ...after, id })
      : undefined;
  }
  const before = run.resumes === undefined ? undefined : known.runOf(run.resumes);
  const earlier = before?.tasks.get(id);
  // Journals can say that runs resume each other; none that is real resumes one that began after
  // it.
  if (before === undefined || earlier === undefined || before.startedAt >= run.startedAt)
    return undefined;
  if (JSON.stringify(earlier.agent) !== JSON.stringify(task.agent)) return undefined;
  // In between it may never have had its turn.
  if (earlier.attemptNo === undefined) return sessionOf(before, id, known);
  return sessionIn(before.runId, earlier.attemptNo, earlier.outcome);
}

/** The log of a task at work. */
function liveLog(runs: readonly RunState[], id: TaskId, journals: RunJournals): string | undefined {
  for (const { runId, phase, tasks } of runs) {
    const task = phase === 'ended' ? undefined : tasks.get(id);
    if (task?.phase === 'running' && task.attemptNo !== undefined)
      return journals.folder.filesOf(runId, task.attemptNo).log;
  }
  return undefined;
}
