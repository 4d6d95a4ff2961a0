import type { Backlog } from '../core/backlog.ts';
import { isOpenPart, type TaskOfRun } from '../core/run/task-of-run.ts';
import { isLive, type Lease } from '../core/lease/lease.ts';
import { leaseText, readinessText } from '../core/messages.ts';
import { isSettled, type Priority, type Task } from '../core/task.ts';
import { duration, oneLine } from '../core/text.ts';
import type { Readiness } from '../core/waves/readiness.ts';
import { foreignTasks } from './doctor/foreign-tasks.ts';
import { type Icon, row, type RowContent, type RowView } from './row.ts';
import { describePart, partFlags } from './runs/task-part.ts';
import { blockWords, waitText } from './wait-words.ts';

const OPEN_STATUS_ICONS = {
  Review: { id: 'eye', color: 'charts.purple' },
  Blocked: { id: 'stop-circle', color: 'charts.orange' },
  Unknown: { id: 'question', color: 'charts.yellow' },
} as const;

/** A glyph is enough beside a title; screen readers and tooltips have the word. */
const PRIORITY_GLYPHS: Readonly<Record<Priority, string>> = {
  critical: '↑↑',
  high: '↑',
  medium: '',
  low: '↓',
  other: '',
};

/**
 * The row of a task, the only one it has: its state first, what runs tell of it included. Its id and
 * everything long is in its tooltip.
 */
export function describeTask(backlog: Backlog, task: Task, view: RowView): RowContent {
  const lease = backlog.leaseOf(task);
  const latest = backlog.runs.latestOf(task.id);
  const readiness = isSettled(task.status) ? undefined : backlog.readinessOf(task);
  const part =
    // Another holder has gone on with it: what a run of ours tells is over.
    lease.kind === 'theirs' && (latest === undefined || !isOpenPart(latest))
      ? undefined
      : describePart(backlog, task, latest, view);
  const state = part?.words.join(' · ') ?? taskState(backlog, task, lease, readiness);
  const glyph = isSettled(task.status) ? '' : PRIORITY_GLYPHS[task.priority];
  return row(
    oneLine(task.title) || task.id,
    [glyph, state].filter(Boolean).join(' '),
    part?.icon ?? taskIcon(task, lease, readiness),
    {
      spoken: [
        task.title || task.id,
        task.id,
        `priority ${task.priority}`,
        task.status,
        state,
      ].join(', '),
      flags: taskFlags(backlog, task, { lease, readiness, latest, view }),
      opens: task.id,
    },
  );
}

function taskState(
  backlog: Backlog,
  task: Task,
  lease: Lease,
  readiness: Readiness | undefined,
): string {
  if (readiness === undefined) return task.status;
  const blocked = backlog.plan?.blockedOf.get(task.id);
  if (blocked !== undefined) return blockWords(backlog, blocked);
  const mine =
    readiness.kind === 'notReady'
      ? leaseText(lease, backlog.now).filter(() => lease.kind === 'ours')
      : [];
  const words = [
    ...mine,
    readiness.kind === 'notReady'
      ? waitText(backlog, readiness.reasons)
      : readinessText(readiness, backlog.now),
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

function taskIcon(task: Task, lease: Lease, readiness: Readiness | undefined): Icon {
  if (task.status === 'Done') return { id: 'pass-filled', color: 'testing.iconPassed' };
  if (task.status === 'Cancelled') return { id: 'circle-slash', color: 'disabledForeground' };
  if (task.status !== 'Todo' && task.status !== 'In Progress')
    return OPEN_STATUS_ICONS[task.status];
  if (isLive(lease) || task.status === 'In Progress')
    return { id: 'play-circle', color: 'charts.blue' };
  return readiness?.kind === 'ready'
    ? { id: 'circle-large-outline', color: 'charts.green' }
    : { id: 'circle-small', color: 'disabledForeground' };
}

interface Known {
  readonly lease: Lease;
  readonly readiness: Readiness | undefined;
  readonly latest: TaskOfRun | undefined;
  readonly view: RowView;
}

function taskFlags(
  backlog: Backlog,
  task: Task,
  { lease, readiness, latest, view }: Known,
): readonly string[] {
  const flags = ['task'];
  const isTheirs = lease.kind === 'theirs';
  if (view.hasTerminal(backlog, task.id)) flags.push('withTerminal');
  const { snapshot } = backlog;
  if (snapshot !== undefined && foreignTasks(snapshot).has(task.id)) flags.push('foreign');
  const ofRun = partFlags(backlog, latest);
  flags.push(...ofRun);
  if (latest !== undefined && isOpenPart(latest)) return flags;
  if (readiness !== undefined && isStartable(readiness)) flags.push('runnableTask');
  if (lease.kind === 'ours' || ('ours' in lease && lease.ours)) flags.push('releasable');
  else if (!isTheirs) {
    const isOpen = task.status === 'Todo' || task.status === 'In Progress';
    if (lease.kind !== 'free') flags.push('leftByOthers');
    if (isOpen) flags.push(lease.kind === 'free' ? 'claimable' : 'takeable');
  }
  // The attempt says who holds it and until when; nothing else can be done to what others hold.
  if (isTheirs) return [...flags, 'heldByOthers'];
  // Accepting its work marks it as done, too: one button is enough.
  if (task.status === 'Review' && !ofRun.includes('undecidedTask')) flags.push('reviewable');
  if (!isSettled(task.status)) flags.push('finishable');
  if (task.status !== 'Todo' && lease.kind !== 'ours' && lease.kind !== 'unleased')
    flags.push('reopenable');
  return [...flags, 'editable'];
}

/** True where an agent could be started on the task right now. */
export function isStartable(readiness: Readiness): boolean {
  return readiness.kind !== 'notReady';
}
