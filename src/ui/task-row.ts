import type { Backlog } from '../core/backlog.ts';
import { isLive, type Lease } from '../core/lease/lease.ts';
import { oneLine, duration } from '../core/text.ts';
import type { Readiness } from '../core/waves/readiness.ts';
import type { TaskRun } from '../core/run/run-events.ts';
import { isSettled, type Task } from '../core/task.ts';
import { foreignTasks } from './doctor/foreign-tasks.ts';
import { type Icon, row, type RowContent, type RowView } from './row.ts';
import { atWorkFlags, runTaskState, STUCK_ICON, stuckWords } from './runs/run-row.ts';
import { blockText, readinessText, leaseText } from '../core/messages.ts';

const OPEN_STATUS_ICONS = {
  Review: { id: 'eye', color: 'charts.purple' },
  Blocked: { id: 'error', color: 'charts.red' },
  Unknown: { id: 'question', color: 'charts.yellow' },
} as const;

/** The row of a task in its wave, with its state first. */
export function describeTask(backlog: Backlog, task: Task, { hasTerminal }: RowView): RowContent {
  const lease = backlog.leaseOf(task);
  const run = backlog.runs.of(task.id)?.tasks.get(task.id);
  const readiness = isSettled(task.status) ? undefined : backlog.readinessOf(task);
  // The row of its run may be closed.
  const silentSince =
    run === undefined || run.phase === 'ended' ? undefined : backlog.runs.stuckSince(task.id);
  const state = [
    ...(run === undefined || silentSince === undefined ? [] : [stuckWords(run, silentSince)]),
    taskState(backlog, task, lease, readiness, run),
  ].join(' · ');
  const priority =
    task.priority === 'medium'
      ? []
      : [task.priority === 'other' ? task.rawPriority : task.priority];
  return row(
    oneLine(task.title) || task.id,
    [state, ...priority, task.id].join(' · '),
    silentSince === undefined ? taskIcon(task, lease, readiness, run) : STUCK_ICON,
    {
      spoken: [
        task.title || task.id,
        task.id,
        `priority ${task.priority}`,
        task.status,
        state,
      ].join(', '),
      flags: taskFlags(backlog, task, lease, readiness, hasTerminal),
      opens: task.id,
    },
  );
}

function taskState(
  backlog: Backlog,
  task: Task,
  lease: Lease,
  readiness: Readiness | undefined,
  run: TaskRun | undefined,
): string {
  if (run !== undefined) return runTaskState(run, backlog.now);
  if (readiness === undefined) return task.status;
  const blocked = backlog.plan?.blockedOf.get(task.id);
  if (blocked !== undefined) return blockText(blocked);
  const mine =
    readiness.kind === 'notReady'
      ? leaseText(lease, backlog.now).filter(() => lease.kind === 'ours')
      : [];
  const failed = readiness.kind === 'ready' ? backlog.runs.failedPartOf(task.id) : undefined;
  if (failed !== undefined) return runTaskState(failed, backlog.now);
  const words = [
    ...mine,
    readinessText(readiness, backlog.now),
    ...missingNote(backlog, task),
  ].join(' · ');
  if (lease.kind === 'expired' || lease.kind === 'stale') {
    return `${words} · lock of ${oneLine(lease.lock.holder)} expired ${duration(lease.expiredMs)} ago`;
  }
  return task.status === 'In Progress' && readiness.kind === 'ready'
    ? `${words} · In Progress without a lock`
    : words;
}

/** Missing dependencies that do not block the task. */
function missingNote(backlog: Backlog, task: Task): readonly string[] {
  const missing = backlog.plan?.missing.get(task.id) ?? [];
  if (missing.length === 0 || backlog.plan?.options.missing === 'blocked') return [];
  return [
    `depends on ${missing.map(oneLine).join(', ')}, which ${missing.length === 1 ? 'does' : 'do'} not exist`,
  ];
}

function taskIcon(
  task: Task,
  lease: Lease,
  readiness: Readiness | undefined,
  run: TaskRun | undefined,
): Icon {
  if (run?.agent.agentMode === 'human' && run.phase === 'running')
    return { id: 'account', color: 'charts.blue' };
  if (run?.phase === 'running' || run?.phase === 'claimed')
    return { id: 'sync~spin', color: 'charts.blue' };
  if (task.status === 'Done') return { id: 'pass-filled', color: 'testing.iconPassed' };
  if (task.status === 'Cancelled') return { id: 'circle-slash', color: 'disabledForeground' };
  if (task.status !== 'Todo' && task.status !== 'In Progress')
    return OPEN_STATUS_ICONS[task.status];
  if (run?.phase === 'queued') return { id: 'clockface', color: 'charts.blue' };
  if (isLive(lease) || task.status === 'In Progress')
    return { id: 'play-circle', color: 'charts.blue' };
  return readiness?.kind === 'ready'
    ? { id: 'circle-large-outline', color: 'charts.green' }
    : { id: 'watch', color: 'disabledForeground' };
}

function taskFlags(
  backlog: Backlog,
  task: Task,
  lease: Lease,
  readiness: Readiness | undefined,
  hasTerminal: RowView['hasTerminal'],
): readonly string[] {
  const flags = ['task'];
  const part = backlog.runs.of(task.id)?.tasks.get(task.id);
  const isTheirs = lease.kind === 'theirs';
  if (hasTerminal(backlog, task.id)) flags.push('withTerminal');
  const { snapshot } = backlog;
  if (snapshot !== undefined && foreignTasks(snapshot).has(task.id)) flags.push('foreign');
  if (part !== undefined) return [...flags, ...atWorkFlags(backlog, part)];
  if (readiness !== undefined && isStartable(readiness)) flags.push('runnableTask');
  if (lease.kind === 'ours' || ('ours' in lease && lease.ours)) flags.push('releasable');
  else if (!isTheirs) {
    const isOpen = task.status === 'Todo' || task.status === 'In Progress';
    if (lease.kind !== 'free') flags.push('leftByOthers');
    if (isOpen) flags.push(lease.kind === 'free' ? 'claimable' : 'takeable');
  }
  // The attempt says who holds it and until when; nothing else can be done to what others hold.
  if (isTheirs) return [...flags, 'heldByOthers'];
  if (task.status === 'Review') flags.push('reviewable');
  if (!isSettled(task.status)) flags.push('finishable');
  if (task.status !== 'Todo' && lease.kind !== 'ours' && lease.kind !== 'unleased')
    flags.push('reopenable');
  return [...flags, 'editable'];
}

/** True where an agent could be started on the task right now. */
export function isStartable(readiness: Readiness): boolean {
  return readiness.kind !== 'notReady';
}
