import * as vscode from 'vscode';
import { Emitter, type Disposable, type Event } from '../core/events.ts';
import type { Job } from '../core/ports.ts';
import { ok } from '../core/result.ts';
import type { RunEvent, TaskOutcome } from '../core/run/run-events.ts';
import type { TaskId } from '../core/task.ts';
import { isAgentOutput } from '../agent-process/output/agent-output.ts';
import type { TerminalMark } from '../agent-process/terminals/agent-terminal.ts';
import type { Attempt, ShownEnd } from '../agent-process/terminals/attempt-view.ts';
import {
  findAgain,
  openInteractive,
  type InteractiveTerminal,
} from '../agent-process/terminals/interactive-terminal.ts';
import type { NodeCommand } from '../agent-process/supervisor-process.ts';
import type { SupervisedWorkerOptions } from '../agent-process/supervised-worker.ts';
import { LogText } from '../agent-process/terminals/log-text.ts';
import { TaskTerminals } from '../agent-process/terminals/task-terminals.ts';
import { LogDocuments, type LoggedAttempt } from './log-documents.ts';
import { systemClock as clock } from '../store/files/system-clock.ts';
import { isInConflict } from '../core/run/decided-work.ts';
import { outcomeWords } from '../core/run/run-messages.ts';
import { decisionWords } from '../core/run/work-decision.ts';
import type { StartedAttempt, WiredRuns } from './runs.ts';
import { plain, duration } from '../core/text.ts';

export interface TerminalParts {
  /** The folder of the backlog, absolute. */
  readonly root: string;
  /** The bundled supervisor, absolute. */
  readonly supervisor: string;
  /** A Node.js that can run it in a terminal. */
  readonly node: () => Promise<NodeCommand | undefined>;
  readonly titleOf: (id: TaskId) => string;
  readonly onStopRequested: (id: TaskId) => void;
  readonly log: (line: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/** The terminals of the runs of one backlog. */
export interface WiredTerminals extends Disposable {
  readonly terminals: TaskTerminals;
  /**
   * An interactive terminal opened, or came back after a reload, which changes nothing of a run.
   */
  readonly onDidAdopt: Event<undefined>;
  readonly openInteractive: NonNullable<SupervisedWorkerOptions['openInteractive']>;
  /** Opens the terminal of an attempt that begins, or that was at work before this window. */
  readonly onAttempt: (attempt: StartedAttempt) => void;
  readonly onActivity: SupervisedWorkerOptions['onActivity'];
  /** Shows in their terminals how attempts ended. */
  follow(runs: FollowedRuns): void;
  /** Shows what the agent of one attempt wrote, while it writes, too. */
  openLog(runId: string, attemptNo: number): Promise<void>;
  /** The end of it as text, again as it grows; undefined where there is no such attempt. */
  followLog(
    runId: string,
    attemptNo: number,
    onText: (text: string) => void,
  ): Disposable | undefined;
}

type FollowedRuns = Pick<WiredRuns, 'stateOf' | 'journals' | 'history' | 'runner'>;

/** Of larger runs, each terminal is opened when it is asked for. */
const FEW_TASKS = 20;

/** What is told of a log that is followed, in characters. */
const FOLLOWED = 200_000;

const ICON = new vscode.ThemeIcon('layers');

/** Wires the terminals of one backlog to its runs. */
export function wireTerminals(parts: TerminalParts): WiredTerminals {
  const { titleOf, log, reportBug } = parts;
  const terminals = new TaskTerminals({
    window: vscode.window,
    icon: ICON,
    clock,
    onStopRequested: (id) => parts.onStopRequested(id),
    log,
    reportBug,
  });
  const interactive = new Map<TaskId, InteractiveTerminal>();
  /**
   * What is at work, by its task: to look for it in its run would go through that for each task
   * that ends.
   */
  const atWork = new Map<TaskId, AtWork>();
  /** Ended so, and not yet over: a person resolves, accepts or discards it later. */
  const inConflict = new Map<TaskId, AtWork>();
  const adopted = new Emitter<undefined>();
  const adopt = (id: TaskId, terminal: InteractiveTerminal): void => {
    interactive.set(id, terminal);
    terminals.adopt(id, terminal);
    adopted.fire(undefined);
  };
  const attemptOf = (seen: StartedAttempt): Attempt & { readonly isAttached: boolean } => ({
    ...seen,
    key: keyOf(seen),
    id: seen.taskId,
    title: titleOf(seen.taskId),
    // The state file is not trusted; an unknown output format is read as text.
    output: isAgentOutput(seen.output) ? seen.output : 'text',
  });
  let followed: FollowedRuns | undefined;
  const isLarge = (runId: string): boolean => {
    const run = followed?.runner.runs.find((each) => each.runId === runId);
    return run !== undefined && run.tasks.size > FEW_TASKS;
  };
  const findLog = (runId: string, attemptNo: number): LoggedAttempt | undefined => {
    if (followed === undefined) return undefined;
    const { runner, history, stateOf, journals } = followed;
    const run = [...runner.runs, ...history.elsewhere, ...history.past].find(
      (each) => each.runId === runId,
    );
    for (const task of run?.tasks.values() ?? []) {
      const outcome =
        task.attemptNo === attemptNo
          ? task.outcome
          : task.earlier.find((earlier) => earlier.attemptNo === attemptNo)?.outcome;
      if (task.attemptNo !== attemptNo && outcome === undefined) continue;
      const state = stateOf(runId, attemptNo, task.id);
      const attempt = attemptOf({
        runId,
        attemptNo,
        taskId: task.id,
        agentMode: task.agent.agentMode,
        isAttached: true,
        tryNo: task.tryNo,
        label: state?.label ?? task.agent.agent,
        output: state?.output ?? 'text',
        logFile: journals.folder.filesOf(runId, attemptNo).log,
      });
      return { attempt, end: outcome && wordsOf(outcome, undefined) };
    }
    return undefined;
  };
  const { root } = parts;
  const logs = new LogDocuments({ root, find: findLog, clock, log, reportBug });
  return {
    terminals,
    onDidAdopt: adopted.event,
    openInteractive: async (job, order, orderFile) => {
      const node = (await parts.node()) ?? { command: process.execPath, args: [] };
      const opened = openInteractive(vscode.window, {
        name: nameOf(job),
        node,
        script: parts.supervisor,
        orderFile,
        cwd: order.folder,
        env: { ELECTRON_RUN_AS_NODE: '1' },
        icon: ICON,
      });
      if (!opened.ok) return opened;
      adopt(job.task.id, opened.value);
      opened.value.terminal.show(true);
      // The path in it is below a folder that others named.
      if (order.tell !== undefined)
        void vscode.window.showInformationMessage(plain(`${order.label}: tell it “${order.tell}”`));
      return ok({ dispose: () => opened.value.close() });
    },
    onAttempt: (seen) => {
      log(`${seen.taskId}: attempt ${seen.tryNo} with ${seen.label}, log ${seen.logFile}`);
      const { runId, attemptNo } = seen;
      atWork.set(seen.taskId, { runId, attemptNo, startedAt: undefined });
      if (seen.agentMode === 'unattended')
        terminals.open({ ...attemptOf(seen), isQuiet: isLarge(runId) });
    },
    onActivity: (attempt, activity) => terminals.setActivity(keyOf(attempt), activity),
    follow: (runs) => {
      followed = runs;
      runs.runner.onEvent((event) => {
        if (event.kind === 'runTakenOver') {
          const tasks = runs.runner.runs.find(({ runId }) => runId === event.runId)?.tasks;
          for (const [id, attempt] of atWork) attempt.startedAt ??= tasks?.get(id)?.startedAt;
          findInteractive(runs, event.runId, adopt).catch(reportBug);
          return;
        }
        const attempt = 'id' in event ? atWork.get(event.id) : undefined;
        if (!('id' in event) || attempt?.runId !== event.runId) return;
        if (event.kind === 'taskStarted') attempt.startedAt = event.at;
        const end = endOf(event, attempt);
        if (end === undefined) return;
        atWork.delete(event.id);
        if (event.kind === 'taskEnded' && event.outcome.kind === 'conflict')
          inConflict.set(event.id, attempt);
        terminals.ended(keyOf(attempt), end).catch(reportBug);
        interactive.delete(event.id);
      });
      // Also where another window writes it down, so no event of ours tells it.
      const lookAgain = (): void => {
        for (const [id, attempt] of inConflict) {
          const task = runs.runner.runs.find(({ runId }) => runId === attempt.runId)?.tasks.get(id);
          if (task?.decision === undefined || isInConflict(task)) continue;
          inConflict.delete(id);
          terminals.decided(keyOf(attempt), {
            mark: task.decision.kind === 'discarded' ? '■' : '✓',
            words: capital(decisionWords(task.decision)),
          });
        }
      };
      runs.runner.onDidChange(() => {
        lookAgain();
        logs.look();
      });
    },
    openLog: async (runId, attemptNo) => {
      const found = findLog(runId, attemptNo);
      if (found !== undefined) await logs.show(found);
    },
    followLog: (runId, attemptNo, onText) => {
      const found = findLog(runId, attemptNo);
      if (found === undefined) return undefined;
      const text = new LogText(found.attempt, { clock, log, reportBug });
      text.onDidChange(() => onText(text.lastOf(FOLLOWED)));
      text.follow().catch(reportBug);
      return text;
    },
    dispose: () => {
      for (const terminal of interactive.values()) terminal.dispose();
      adopted.dispose();
      logs.dispose();
      terminals.dispose();
    },
  };
}

/** Terminals of the editor survive a reload; each is known by the process of its supervisor. */
async function findInteractive(
  { runner, stateOf }: Pick<WiredRuns, 'runner' | 'stateOf'>,
  runId: string,
  adopt: (id: TaskId, terminal: InteractiveTerminal) => void,
): Promise<void> {
  const run = runner.runs.find((each) => each.runId === runId);
  for (const { id, attemptNo, phase, agent } of run?.tasks.values() ?? []) {
    if (agent.agentMode !== 'interactive' || attemptNo === undefined) continue;
    if (phase === 'ended' || phase === 'queued') continue;
    const state = stateOf(runId, attemptNo, id);
    const found = state && (await findAgain(vscode.window, state.pid, clock));
    if (found !== undefined) adopt(id, found);
  }
}

/** One attempt at work, as far as the words for its end depend on it. */
interface AtWork {
  readonly runId: string;
  readonly attemptNo: number;
  /** Epoch ms; undefined before its agent was started. */
  startedAt: number | undefined;
}

function endOf(event: RunEvent, { startedAt }: AtWork): ShownEnd | undefined {
  if (event.kind !== 'taskEnded' && event.kind !== 'taskRequeued') return undefined;
  const end = wordsOf(event.outcome, startedAt === undefined ? undefined : event.at - startedAt);
  return event.kind === 'taskRequeued' ? { ...end, mark: '↻' } : end;
}

function wordsOf(outcome: TaskOutcome, ranMs: number | undefined): ShownEnd {
  const words = outcomeWords(outcome, clock.now());
  return {
    mark: markOf(outcome),
    words: `${capital(words)}${ranMs === undefined ? '' : `, after ${duration(ranMs)}`}`,
  };
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function markOf({ kind }: TaskOutcome): TerminalMark {
  switch (kind) {
    case 'succeeded':
      return '✓';
    case 'stopped':
    case 'skipped':
      return '■';
    case 'unknown':
    case 'conflict':
      return '?';
    case 'failed':
    case 'rateLimited':
    case 'notStarted':
    case 'lockLost':
    case 'notRecorded':
      return '✗';
  }
}

function keyOf({ runId, attemptNo }: Pick<Attempt, 'runId' | 'attemptNo'>): string {
  return `${runId}/${attemptNo}`;
}

function nameOf({ task }: Job): string {
  return [task.title, task.id].filter(Boolean).join(' · ');
}
