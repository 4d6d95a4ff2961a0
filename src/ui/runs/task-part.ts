import type { Backlog } from '../../core/backlog.ts';
import { endedBadly, isOpenPart, type TaskOfRun } from '../../core/run/task-of-run.ts';
import { clockTime } from '../../core/messages.ts';
import { isInConflict, isUndecided } from '../../core/run/decided-work.ts';
import { changesWords } from '../../core/run/isolation.ts';
import {
  evidenceOf,
  usageOfTask,
  type TaskOutcome,
  type TaskRun,
  type WaitReason,
} from '../../core/run/run-events.ts';
import {
  agentTitle,
  explainOutcome,
  explainWait,
  ordinal,
  outcomeWords,
} from '../../core/run/run-messages.ts';
import { usageWords } from '../../core/run/usage.ts';
import { decisionWords, isOver } from '../../core/run/work-decision.ts';
import type { Task, TaskId } from '../../core/task.ts';
import { oneLine } from '../../core/text.ts';
import type { Icon, RowView } from '../row.ts';
import { titleOf } from '../wait-words.ts';

/** Of a task at work that looks stuck. */
const STUCK_ICON: Icon = { id: 'warning', color: 'list.warningForeground' };

/** What the latest run has to say of a task, for its row. */
export interface PartRow {
  /** First what changes: a side bar is narrow. */
  readonly words: readonly string[];
  /** Undefined where the task itself has a better one. */
  readonly icon: Icon | undefined;
}

/**
 * How a task is, as its latest run tells; undefined where that says nothing of the task as it is
 * now: the user, or another process, has gone on with it.
 */
export function describePart(
  backlog: Backlog,
  task: Task,
  latest: TaskOfRun | undefined,
  view: RowView,
): PartRow | undefined {
  if (latest === undefined) return undefined;
  const { part } = latest;
  if (isOpenPart(latest)) return atWorkRow(backlog, task.id, part, view);
  const { outcome, decision } = part;
  const changes = evidenceOf(outcome)?.changes;
  const size = changes === undefined ? [] : [changesWords(changes)];
  const said = decision === undefined ? [] : [decisionWords(decision)];
  switch (task.status) {
    case 'Done':
      return decision === undefined ? undefined : { words: said, icon: undefined };
    case 'Review':
      if (isInConflict(part) && outcome !== undefined)
        return { words: [...said, outcomeWords(outcome, backlog.now)], icon: partIcon(part) };
      return { words: ['to review', ...said, ...size, ...verifiedWords(outcome)], icon: undefined };
    case 'Todo':
    case 'In Progress':
      if (decision?.kind === 'discarded') return { words: ['work discarded'], icon: undefined };
      return endedBadly(part) && outcome !== undefined
        ? { words: [outcomeWords(outcome, backlog.now)], icon: partIcon(part) }
        : undefined;
    default:
      return undefined;
  }
}

function verifiedWords(outcome: TaskOutcome | undefined): readonly string[] {
  const evidence = evidenceOf(outcome);
  return [
    ...(evidence?.verify?.passed === true ? ['verified'] : []),
    ...(evidence?.remarks ?? []).map(oneLine),
  ];
}

function atWorkRow(backlog: Backlog, id: TaskId, part: TaskRun, view: RowView): PartRow {
  const silentSince = backlog.runs.stuckSince(id);
  const isRunning = part.phase === 'running';
  const activity = isRunning ? oneLine(view.activityOf(backlog, id) ?? '') : '';
  const words = [
    ...(silentSince === undefined ? [] : [stuckWords(part, silentSince)]),
    ...(isRunning ? runningWords(part, activity, backlog.now) : [waitingWords(backlog, part)]),
    ...(part.tryNo > 1 ? [`${ordinal(part.tryNo)} attempt`] : []),
  ];
  return { words, icon: silentSince === undefined ? partIcon(part) : STUCK_ICON };
}

/** “12 min · Edits src/a.ts”: how long, and what it does, else who does it. */
function runningWords({ agent, startedAt }: TaskRun, activity: string, now: number) {
  const long = startedAt === undefined ? [] : [elapsed(now - startedAt)];
  if (agent.agentMode === 'human') return ['yours', ...long];
  return [...long, activity === '' ? agentTitle(agent.agent) : activity];
}

/** In whole minutes: a row is drawn anew with each change of its text. */
export function elapsed(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return '< 1 min';
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`;
}

function waitingWords(backlog: Backlog, part: TaskRun): string {
  if (part.phase === 'queued') {
    const last = part.earlier.at(-1);
    const isRetry = part.waits?.kind === 'retry' && last !== undefined;
    const why = isRetry ? [outcomeWords(last.outcome, backlog.now)] : [];
    const wait = part.waits === undefined ? 'queued' : waitWords(backlog, part.waits);
    return [wait, ...why].join(' · ');
  }
  return part.agent.agentMode === 'subagent' ? 'waits to be claimed' : 'starting';
}

function waitWords(backlog: Backlog, reason: WaitReason): string {
  if (reason.kind !== 'sharesFiles') return explainWait(reason);
  return explainWait(reason, titleOf(backlog, reason.with));
}

/** Why a task at work looks stuck, from its last sign of life on (epoch ms). */
function stuckWords({ phase }: Pick<TaskRun, 'phase'>, since: number): string {
  return `looks stuck: ${phase === 'starting' ? 'not claimed' : 'silent'} since ${clockTime(since)}`;
}

/** What can be done to a task because of its latest run. */
export function partFlags(backlog: Backlog, latest: TaskOfRun | undefined): readonly string[] {
  if (latest === undefined) return [];
  const { run, part } = latest;
  const isOpen = isOpenPart(latest);
  const hasWork =
    !isOpen && (evidenceOf(part.outcome)?.changes !== undefined || isInConflict(part));
  // A later run goes on with the work of one that was sent back.
  const isReviewed = hasWork && backlog.runs.sentBackIn(run.runId, part.id) === undefined;
  const { agentMode } = part.agent;
  return [
    ...(isOpen ? atWorkFlags(backlog, part) : []),
    ...(isOpen && backlog.runs.stuckSince(part.id) !== undefined ? ['stuckTask'] : []),
    ...(isOpen && part.phase === 'running' && agentMode !== 'human' ? ['requeuableTask'] : []),
    ...(isReviewed && evidenceOf(part.outcome)?.changes !== undefined ? ['withChanges'] : []),
    ...(isReviewed && isUndecided(part) ? ['undecidedTask'] : []),
    ...(isReviewed && isInConflict(part) ? ['withConflict'] : []),
    ...(endedBadly(part) ? ['failedTask'] : []),
    // The dialogue in an interactive terminal is not logged.
    ...(part.attemptNo === undefined || agentMode !== 'unattended' ? [] : ['withLog']),
  ];
}

/** The user gives their own task back instead of stopping it. */
function atWorkFlags(backlog: Backlog, { id, agent }: TaskRun): readonly string[] {
  if (!backlog.runs.awaitsManualCompletion(id)) return ['runningTask'];
  return agent.agentMode === 'human' ? ['humanTask'] : ['runningTask', 'followedTask'];
}

/** All that the latest run tells of a task, in one line for its tooltip; empty without one. */
export function partNote(backlog: Backlog, latest: TaskOfRun | undefined): string {
  if (latest === undefined) return '';
  const { run, part } = latest;
  const used = usageWords(usageOfTask(part));
  return [
    runTaskState(part, backlog.now),
    ...(part.tryNo > 1 ? [`${ordinal(part.tryNo)} attempt`] : []),
    ...(part.attemptNo === undefined ? [] : [agentTitle(part.agent.agent)]),
    ...(used === undefined ? [] : [used]),
    `run “${oneLine(run.title)}”`,
  ].join(' · ');
}

/** The state of a task of a run as a text for a document. */
export function runTaskState(run: TaskRun, now: number): string {
  if (run.outcome !== undefined) return endedState(run, run.outcome, now);
  switch (run.phase) {
    case 'queued': {
      const last = run.earlier.at(-1);
      const why =
        run.waits?.kind === 'retry' && last !== undefined ? [outcomeWords(last.outcome, now)] : [];
      return [...(run.waits === undefined ? ['queued'] : [explainWait(run.waits)]), ...why].join(
        ' · ',
      );
    }
    case 'starting':
    case 'claimed':
      return run.agent.agentMode === 'subagent' ? 'waits to be claimed' : 'starting';
    case 'running':
    case 'ended': {
      const word = run.agent.agentMode === 'human' ? 'yours' : 'running';
      return run.startedAt === undefined ? word : `${word} since ${clockTime(run.startedAt)}`;
    }
  }
}

/** What is to be reviewed comes first, or what became of it. */
function endedState({ decision }: TaskRun, outcome: TaskOutcome, now: number): string {
  const isShown = outcome.kind === 'succeeded' || isOver(decision);
  const changes = isShown ? evidenceOf(outcome)?.changes : undefined;
  const size = changes === undefined ? [] : [changesWords(changes)];
  const parts =
    decision === undefined
      ? [...size, explainOutcome(outcome, now)]
      : [decisionWords(decision), ...size];
  return parts.join(' · ');
}

/** Red is for failures alone. */
function partIcon(part: TaskRun): Icon {
  switch (part.outcome?.kind) {
    case undefined:
      if (part.agent.agentMode === 'human' && part.phase !== 'queued')
        return { id: 'account', color: 'charts.blue' };
      return part.phase === 'queued'
        ? { id: 'clockface', color: 'charts.blue' }
        : { id: 'sync~spin', color: 'charts.blue' };
    case 'conflict':
      return { id: 'git-merge', color: 'charts.yellow' };
    case 'rateLimited':
      return { id: 'clockface', color: 'charts.yellow' };
    case 'notRecorded':
    case 'unknown':
      return { id: 'question', color: 'charts.yellow' };
    default:
      return { id: 'error', color: 'testing.iconFailed' };
  }
}
