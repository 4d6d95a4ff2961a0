import type { Backlog } from '../../core/backlog.ts';
import { acceptedWords, isAllAccepted } from '../../core/run/decided-work.ts';
import { groupOf } from '../../core/run/report/run-summary.ts';
import { isBudgetLimit, limitValue } from '../../core/run/run-budget.ts';
import type { RunState, TaskRun } from '../../core/run/run-events.ts';
import { explainStop } from '../../core/run/run-messages.ts';
import { usageWords, type Usage } from '../../core/run/usage.ts';
import { count, duration, oneLine } from '../../core/text.ts';
import { whenWords } from '../handoffs/handoff-row.ts';
import { type Click, GONE, type Icon, row, type RowContent } from '../row.ts';

const OPEN_REPORT: Click = { title: 'Open Run Report', command: 'todo2Waves.openRunReport' };

/**
 * True for a run whose waves follow one another with work that can be reviewed. Where tasks start as
 * soon as their dependencies are done, no state of the run stands for the end of a wave.
 */
export function hasWaveRows({ options, waves }: RunState): boolean {
  return options.isolation !== undefined && options.runMode === 'strict' && waves.length > 1;
}

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
    collapsible: hasWaveRows(run) ? 'collapsed' : 'none',
    click: OPEN_REPORT,
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
  const icon = endedIcon(run);
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
    collapsible: hasWaveRows(run) ? 'collapsed' : 'none',
    click: OPEN_REPORT,
  });
}

/** How tasks that have all ended went. */
export function endedIcon({ tasks }: Pick<RunState, 'tasks'>): Icon {
  const outcomes = [...tasks.values()].map(placeOf);
  if (outcomes.includes('failed')) return { id: 'error', color: 'testing.iconFailed' };
  if (outcomes.every((place) => place === 'succeeded'))
    return { id: 'pass', color: 'testing.iconPassed' };
  if (outcomes.includes('unclear')) return { id: 'question', color: 'charts.yellow' };
  return outcomes.includes('conflict')
    ? { id: 'git-merge', color: 'charts.yellow' }
    : { id: 'circle-slash', color: 'charts.yellow' };
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
