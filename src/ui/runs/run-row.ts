import type { Backlog } from '../../core/backlog.ts';
import { count, oneLine, duration } from '../../core/text.ts';
import {
  evidenceOf,
  usageOfTask,
  type RunState,
  type TaskOutcome,
  type TaskRun,
} from '../../core/run/run-events.ts';
import { isBudgetLimit, limitValue } from '../../core/run/run-budget.ts';
import { usageWords, type Usage } from '../../core/run/usage.ts';
import { changesWords } from '../../core/run/isolation.ts';
import { groupOf } from '../../core/run/report/run-summary.ts';
import {
  acceptedWords,
  isAllAccepted,
  isInConflict,
  isUndecided,
} from '../../core/run/decided-work.ts';
import { decisionWords, isOver } from '../../core/run/work-decision.ts';
import type { TaskId } from '../../core/task.ts';
import { whenWords } from '../handoffs/handoff-row.ts';
import { type Click, GONE, type Icon, row, type RowContent, type RowView } from '../row.ts';
import {
  explainOutcome,
  explainStop,
  explainWait,
  ordinal,
  outcomeWords,
} from '../../core/run/run-messages.ts';
import { clockTime } from '../../core/messages.ts';

/** Of a task at work that looks stuck, wherever it stands. */
export const STUCK_ICON: Icon = { id: 'warning', color: 'list.warningForeground' };

const SENT_BACK_ICON: Icon = { id: 'reply', color: 'disabledForeground' };

const OPEN_LOG: Click = { title: 'Open Log', command: 'todo2Waves.openTaskLog' };

/** True for a run that is only remembered: it ended before this window opened, or was cleared. */
export function isPast(backlog: Backlog, run: RunState): boolean {
  return !backlog.runs.all.some(({ runId }) => runId === run.runId);
}

/** Remembered runs, newest first, without those that `interruptedRuns` has. */
export function pastRunsOf(backlog: Backlog): readonly RunState[] {
  return backlog.runs.past.filter((run) => isPast(backlog, run) && !isInterrupted(backlog, run));
}

/** Runs that ended with their window, with unfinished tasks that no other run has resumed. */
export function interruptedRuns(backlog: Backlog): readonly RunState[] {
  return backlog.runs.past.filter((run) => isPast(backlog, run) && isInterrupted(backlog, run));
}

function isInterrupted(backlog: Backlog, run: RunState): boolean {
  return run.stop?.kind === 'interrupted' && isResumable(backlog, run);
}

/** True where a run has ended and left something that can still be done. */
export function isResumable(backlog: Backlog, run: RunState): boolean {
  return backlog.runs.restOf(run).some((id) => {
    const status = backlog.task(id)?.status;
    return status === 'Todo' || status === 'In Progress';
  });
}

/** The number of tasks of a run in each state: “5/7 succeeded”, “1 running”, “1 failed”. */
export function runCounts(run: Pick<RunState, 'tasks'>): readonly string[] {
  const numbers = {
    succeeded: 0,
    running: 0,
    conflict: 0,
    discarded: 0,
    failed: 0,
    unclear: 0,
    stopped: 0,
    skipped: 0,
    queued: 0,
  };
  for (const task of run.tasks.values()) numbers[placeOf(task)]++;
  const { succeeded, conflict, queued: _, ...others } = numbers;
  return [
    `${succeeded}/${run.tasks.size} succeeded`,
    ...(conflict > 0 ? [`${conflict} in conflict`] : []),
    ...Object.entries(others).flatMap(([word, n]) => (n > 0 ? [`${n} ${word}`] : [])),
  ];
}

function placeOf(
  task: TaskRun,
): Exclude<ReturnType<typeof groupOf>, 'open'> | 'queued' | 'running' {
  const group = task.phase === 'ended' ? groupOf(task) : 'open';
  return group === 'open' ? (task.phase === 'queued' ? 'queued' : 'running') : group;
}

/** How many tasks of a run are being worked on. */
export function agentsAtWork(run: RunState): number {
  return [...run.tasks.values()].filter((task) => placeOf(task) === 'running').length;
}

/** The row of a run: how it goes, and how many of its tasks are where. */
export function describeRun(backlog: Backlog, runId: string): RowContent {
  const run = backlog.runs.find(runId);
  if (run === undefined) return GONE;
  return run.phase === 'ended' ? describeEnded(backlog, run) : describeLive(backlog, run);
}

function describeLive(backlog: Backlog, run: RunState): RowContent {
  const { label, icon, flag } = liveLook(run);
  const isElsewhere = backlog.runs.isLedElsewhere(run.runId);
  const parts = [
    ...(run.stop === undefined || run.stop.kind === 'person'
      ? []
      : [explainStop(run.stop, backlog.now)]),
    ...reachedParts(run),
    // First what changes: a side bar is narrow.
    ...runCounts(run),
    ...usageParts(run.usage),
    ...(run.options.runMode === 'flow' ? ['flow'] : []),
    ...(run.cap === undefined ? [] : [`cap ${run.cap}`]),
    ...(isElsewhere ? ['led by another window'] : []),
  ];
  return row(`${label}: ${oneLine(run.title)}`, parts.join(' · '), icon, {
    flags: [
      'run',
      ...isolationFlags(run),
      'liveRun',
      ...(isElsewhere ? [] : ['ledHere']),
      ...(flag === undefined ? [] : [flag]),
    ],
    collapsible: 'collapsed',
  });
}

function liveLook(run: RunState): {
  readonly label: string;
  readonly icon: Icon;
  readonly flag: string | undefined;
} {
  const spins: Icon = { id: 'sync~spin', color: 'charts.blue' };
  if (run.phase === 'stopping') return { label: 'Stopping', icon: spins, flag: undefined };
  if (run.paused === undefined) return { label: 'Running', icon: spins, flag: 'runningRun' };
  const label = isBudgetLimit(run.paused)
    ? 'Paused at budget'
    : run.paused === 'wave'
      ? 'Paused after a wave'
      : 'Paused';
  return { label, icon: { id: 'debug-pause', color: 'charts.yellow' }, flag: 'pausedRun' };
}

function describeEnded(backlog: Backlog, run: RunState): RowContent {
  const past = isPast(backlog, run);
  const { icon, wentWell } = endedLook(run);
  const wasInterrupted = isInterrupted(backlog, run);
  const title = oneLine(run.title);
  const label = wasInterrupted ? `Interrupted: ${title}` : past ? title : `Ended: ${title}`;
  const parts = [
    ...(past ? [whenWords(run.startedAt, backlog.now)] : []),
    // What became of its work is newer than how it went, and a side bar is narrow.
    ...acceptedParts(run),
    ...runCounts(run),
    ...(run.endedAt === undefined ? [] : [`took ${duration(run.endedAt - run.startedAt)}`]),
    ...usageParts(run.usage),
    ...(run.stop === undefined || run.stop.kind === 'person' || wasInterrupted
      ? []
      : [explainStop(run.stop, backlog.now)]),
  ];
  return row(label, parts.join(' · '), icon, {
    flags: [
      'run',
      ...isolationFlags(run),
      past ? 'pastRun' : 'endedRun',
      ...(isResumable(backlog, run) ? ['resumableRun'] : []),
    ],
    // What went wrong just now is to be seen without a click.
    collapsible: wentWell || past ? 'collapsed' : 'expanded',
  });
}

/** How tasks that have all ended went. */
export function endedLook({ tasks }: Pick<RunState, 'tasks'>): {
  readonly icon: Icon;
  readonly wentWell: boolean;
} {
  const outcomes = [...tasks.values()].map(placeOf);
  const wentWell = outcomes.every((place) => place === 'succeeded');
  const wentBadly = outcomes.some((place) => place === 'failed' || place === 'unclear');
  const icon: Icon = wentBadly
    ? { id: 'error', color: 'testing.iconFailed' }
    : wentWell
      ? { id: 'pass', color: 'testing.iconPassed' }
      : outcomes.includes('conflict')
        ? { id: 'git-merge', color: 'charts.yellow' }
        : { id: 'circle-slash', color: 'charts.yellow' };
  return { icon, wentWell };
}

/** What can be done with the work of a run. */
function isolationFlags(run: RunState): readonly string[] {
  if (run.options.isolation === undefined) return [];
  const isDone = run.phase === 'ended' && isAllAccepted(run);
  return isDone ? ['isolatedRun'] : ['isolatedRun', 'undecidedRun'];
}

function acceptedParts(run: RunState): readonly string[] {
  const words = acceptedWords(run);
  return words === undefined ? [] : [words];
}

function reachedParts({ paused, options }: RunState): readonly string[] {
  const value = isBudgetLimit(paused) ? limitValue(paused, options.budget) : undefined;
  return value === undefined ? [] : [`reached ${value}`];
}

function usageParts(usage: Usage | undefined): readonly string[] {
  const words = usageWords(usage);
  return words === undefined ? [] : [words];
}

/** The row of a task below its run: what it is doing, why it waits, or how it ended. */
export function describeRunTask(
  backlog: Backlog,
  runId: string,
  id: TaskId,
  view: RowView,
): RowContent {
  const run = backlog.runs.find(runId);
  const part = run?.tasks.get(id);
  if (run === undefined || part === undefined) return GONE;
  const task = backlog.task(id);
  const isLive = run.phase !== 'ended';
  const isSentBack = backlog.runs.sentBackIn(runId, id) !== undefined;
  const silentSince = isLive && part.phase !== 'ended' ? backlog.runs.stuckSince(id) : undefined;
  const activity =
    isLive && part.phase === 'running' ? oneLine(view.activityOf(backlog, id) ?? '') : '';
  const state = [
    ...(silentSince === undefined ? [] : [stuckWords(part, silentSince)]),
    ...(activity === '' ? [] : [activity]),
    ...(isSentBack ? ['sent back'] : []),
    runTaskState(part, backlog.now),
    ...(part.phase === 'ended' ? usageParts(usageOfTask(part)) : []),
    ...(part.tryNo > 1 ? [`${ordinal(part.tryNo)} attempt`] : []),
  ];
  const ownIcon = isSentBack ? SENT_BACK_ICON : runTaskIcon(part);
  const icon = silentSince === undefined ? ownIcon : STUCK_ICON;
  // A later run goes on with the work of one that was sent back.
  const reviewed = isSentBack ? undefined : part.outcome;
  return row(oneLine(task?.title ?? '') || oneLine(id), [...state, id].join(' · '), icon, {
    flags: [
      ...(task === undefined ? [] : ['task']),
      ...atWorkFlags(backlog, part),
      ...(silentSince === undefined ? [] : ['stuckTask']),
      ...(isLive && part.phase === 'running' && part.agent.agentMode !== 'human'
        ? ['requeuableTask']
        : []),
      ...(evidenceOf(reviewed)?.changes === undefined ? [] : ['withChanges']),
      ...(!isSentBack && isUndecided(part) ? ['undecidedTask'] : []),
      ...(!isSentBack && isInConflict(part) ? ['withConflict'] : []),
      ...(view.hasTerminal(backlog, id) && !isPast(backlog, run) ? ['withTerminal'] : []),
      // The dialogue in an interactive terminal is not logged.
      ...(part.attemptNo === undefined || part.agent.agentMode !== 'unattended' ? [] : ['withLog']),
    ],
    // In an ended run the agent's output is of most interest.
    ...(part.attemptNo !== undefined && isPast(backlog, run)
      ? { click: OPEN_LOG }
      : task === undefined
        ? {}
        : { opens: id }),
  });
}

/**
 * What can be done to a task of a run that has not ended; the user gives their own one back instead
 * of stopping it.
 */
export function atWorkFlags(backlog: Backlog, { id, agent, phase }: TaskRun): readonly string[] {
  if (phase === 'ended') return [];
  if (!backlog.runs.awaitsManualCompletion(id)) return ['runningTask'];
  return agent.agentMode === 'human' ? ['humanTask'] : ['runningTask', 'followedTask'];
}

/** Why a task at work looks stuck, from its last sign of life on (epoch ms). */
export function stuckWords({ phase }: Pick<TaskRun, 'phase'>, since: number): string {
  return `looks stuck: ${phase === 'starting' ? 'not claimed' : 'silent'} since ${clockTime(since)}`;
}

/** A time, not a duration: it stays true without redraws. */
export function runningSince(run: TaskRun): string {
  return run.startedAt === undefined ? 'running' : `running since ${clockTime(run.startedAt)}`;
}

function yoursSince({ startedAt }: TaskRun): string {
  return startedAt === undefined ? 'yours' : `yours since ${clockTime(startedAt)}`;
}

/** The state of a task of a run as a text; empty without one. */
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
    case 'ended':
      return run.agent.agentMode === 'human' ? yoursSince(run) : runningSince(run);
  }
}

/** What is to be reviewed comes first, or what became of it: a side bar is narrow. */
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

function runTaskIcon(run: TaskRun): Icon {
  if (run.decision?.kind === 'accepted') return { id: 'pass-filled', color: 'testing.iconPassed' };
  if (run.decision?.kind === 'discarded') return { id: 'trash', color: 'disabledForeground' };
  switch (run.outcome?.kind) {
    case undefined:
      if (run.agent.agentMode === 'human' && run.phase !== 'queued')
        return { id: 'account', color: 'charts.blue' };
      return run.phase === 'queued'
        ? { id: run.waits === undefined ? 'clockface' : 'watch', color: 'charts.blue' }
        : { id: 'sync~spin', color: 'charts.blue' };
    case 'succeeded':
      return { id: 'pass', color: 'testing.iconPassed' };
    case 'skipped':
      return { id: 'debug-step-over', color: 'disabledForeground' };
    case 'stopped':
      return { id: 'debug-stop', color: 'charts.yellow' };
    case 'rateLimited':
      return { id: 'watch', color: 'charts.yellow' };
    case 'unknown':
      return { id: 'question', color: 'charts.yellow' };
    case 'conflict':
      return { id: 'git-merge', color: 'charts.yellow' };
    case 'failed':
    case 'notStarted':
    case 'lockLost':
    case 'notRecorded':
      return { id: 'error', color: 'testing.iconFailed' };
  }
}

/** The active runs, in a sentence for the status bar; empty where there is none. */
export function runsSentence(backlogs: readonly Backlog[]): readonly string[] {
  const live = backlogs.flatMap(({ runs }) => runs.all.filter((run) => run.phase !== 'ended'));
  if (live.length === 0) return [];
  const atWork = live.reduce((n, run) => n + agentsAtWork(run), 0);
  const paused = live.filter((run) => run.paused !== undefined).length;
  return [
    `${count(live.length, 'run')}${paused === 0 ? '' : `, ${paused} paused`}: ${count(atWork, 'agent')} at work.`,
  ];
}
