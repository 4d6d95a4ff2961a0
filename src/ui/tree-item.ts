import type { Backlog } from '../core/backlog.ts';
import { count, oneLine } from '../core/plan/text.ts';
import { isLive, type Lease } from '../core/lease.ts';
import type { Readiness } from '../core/readiness.ts';
import type { RunState, TaskRun } from '../core/run/run-events.ts';
import type { Task, TaskId } from '../core/task.ts';
import { isSettled } from '../core/task.ts';
import type { Wave } from '../core/waves.ts';
import {
  clockTime,
  duration,
  explainBlock,
  explainNotice,
  explainOutcome,
  explainReadiness,
  explainUnreadable,
} from './explain.ts';
import type { TreeNode } from './tree-nodes.ts';

/** A codicon and, where it has one, its theme colour. */
export interface Icon {
  readonly id: string;
  readonly color?: string;
}

/** What a row shows, in the editor's terms but without the editor. */
export interface RowContent {
  readonly label: string;
  readonly description: string;
  readonly icon: Icon;
  /** Everything a screen reader needs: icons and badges are not read. */
  readonly spoken: string;
  /** Words that menus ask for, such as `runnableTask`. */
  readonly flags: readonly string[];
  readonly collapsible: 'none' | 'collapsed' | 'expanded';
  /** The task that a click opens. */
  readonly opens?: TaskId;
  /** Who holds the task, for the badge. */
  readonly lock?: 'ours' | 'theirs';
}

/** Answers whether the output of a task's agent can still be shown. */
export type HasTerminal = (backlog: Backlog, id: TaskId) => boolean;

/** Describes one row of the tree as it is right now. */
export function describeNode(node: TreeNode, hasTerminal: HasTerminal): RowContent {
  const { backlog } = node;
  switch (node.kind) {
    case 'backlog':
      return row(backlog.name, backlogSummary(backlog), { id: 'root-folder' }, { collapsible: 'expanded' });
    case 'run':
      return describeRun(backlog.runs.find((run) => run.runId === node.runId));
    case 'runTask':
      return describeRunTask(backlog, node.runId, node.taskId, hasTerminal);
    case 'wave': {
      const wave = backlog.plan?.waves.find((w) => w.number === node.number);
      return wave === undefined ? GONE : describeWave(backlog, wave);
    }
    case 'group':
      return describeGroup(backlog, node.group);
    case 'task': {
      const task = backlog.task(node.taskId);
      return task === undefined ? GONE : describeTask(backlog, task, hasTerminal);
    }
    case 'notice': {
      const notice = backlog.snapshot?.notices[node.index];
      if (notice === undefined) return GONE;
      const text = explainNotice(notice);
      const opens = 'id' in notice && backlog.task(notice.id) !== undefined ? { opens: notice.id } : {};
      return row(text, '', { id: 'warning', color: 'list.warningForeground' }, opens);
    }
    case 'message':
      return describeMessage(backlog);
  }
}

/** The state of a backlog in a few words, as in “81 open, 12 ready, 2 running”. */
export function backlogSummary(backlog: Backlog): string {
  const { plan } = backlog;
  if (plan === undefined) return '';
  const inWaves = plan.waves.flatMap((wave) => wave.tasks);
  const open = inWaves.length + plan.blocked.length;
  const ready = inWaves.filter((task) => isStartable(backlog.readinessOf(task))).length;
  const held = backlog.liveLocks().length;
  return [
    `${open} open`,
    `${ready} ready`,
    ...(held > 0 ? [`${held} locked`] : []),
    ...(plan.options.numbering === 'exarp' ? ['numbered as exarp-go does'] : []),
  ].join(' · ');
}

const GONE: RowContent = row('No longer there', '', { id: 'circle-slash' });

const OPEN_STATUS_ICONS = {
  Review: { id: 'eye', color: 'charts.purple' },
  Blocked: { id: 'error', color: 'charts.red' },
  Unknown: { id: 'question', color: 'charts.yellow' },
} as const;

function describeTask(backlog: Backlog, task: Task, hasTerminal: HasTerminal): RowContent {
  const lease = backlog.leaseOf(task);
  const run = backlog.runOf(task.id)?.tasks.get(task.id);
  const readiness = isSettled(task.status) ? undefined : backlog.readinessOf(task);
  const state = taskState(backlog, task, lease, readiness, run);
  const priority = task.priority === 'medium' ? [] : [task.priority === 'other' ? task.rawPriority : task.priority];
  return row(
    oneLine(task.title) || task.id,
    [state, ...priority, task.id].join(' · '),
    taskIcon(task, lease, readiness, run),
    {
      spoken: [task.title || task.id, task.id, `priority ${task.priority}`, task.status, state].join(', '),
      flags: taskFlags(backlog, task, lease, readiness, hasTerminal),
      opens: task.id,
      ...(isLive(lease) ? { lock: lease.kind } : {}),
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
  if (run?.phase === 'running') return runningSince(run);
  if (run?.phase === 'claimed') return 'starting';
  if (run?.phase === 'queued') return 'queued';
  if (readiness === undefined) return task.status;
  const blocked = backlog.plan?.blockedOf.get(task.id);
  if (blocked !== undefined) return explainBlock(blocked);
  const words = [explainReadiness(readiness, backlog.now), ...missingNote(backlog, task)].join(' · ');
  if (lease.kind === 'expired' || lease.kind === 'stale') {
    return `${words} · lock of ${oneLine(lease.lock.holder)} expired ${duration(lease.expiredMs)} ago`;
  }
  return task.status === 'In Progress' && readiness.kind === 'ready' ? `${words} · In Progress without a lock` : words;
}

/** Dependencies that nobody has, where they do not hinder: reported all the same. */
function missingNote(backlog: Backlog, task: Task): readonly string[] {
  const missing = backlog.plan?.missing.get(task.id) ?? [];
  if (missing.length === 0 || backlog.plan?.options.missing === 'blocked') return [];
  return [`depends on ${missing.map(oneLine).join(', ')}, which ${missing.length === 1 ? 'does' : 'do'} not exist`];
}

function taskIcon(task: Task, lease: Lease, readiness: Readiness | undefined, run: TaskRun | undefined): Icon {
  if (run?.phase === 'running' || run?.phase === 'claimed') return { id: 'sync~spin', color: 'charts.blue' };
  if (task.status === 'Done') return { id: 'pass-filled', color: 'testing.iconPassed' };
  if (task.status === 'Cancelled') return { id: 'circle-slash', color: 'disabledForeground' };
  if (task.status !== 'Todo' && task.status !== 'In Progress') return OPEN_STATUS_ICONS[task.status];
  if (run?.phase === 'queued') return { id: 'clockface', color: 'charts.blue' };
  if (isLive(lease) || task.status === 'In Progress') return { id: 'play-circle', color: 'charts.blue' };
  return readiness?.kind === 'ready'
    ? { id: 'circle-large-outline', color: 'charts.green' }
    : { id: 'watch', color: 'disabledForeground' };
}

function taskFlags(
  backlog: Backlog,
  task: Task,
  lease: Lease,
  readiness: Readiness | undefined,
  hasTerminal: HasTerminal,
): readonly string[] {
  const flags = ['task'];
  const isRunning = backlog.runOf(task.id) !== undefined;
  const isTheirs = lease.kind === 'theirs';
  if (hasTerminal(backlog, task.id)) flags.push('withTerminal');
  if (isRunning) return [...flags, 'runningTask'];
  if (readiness !== undefined && isStartable(readiness)) flags.push('runnableTask');
  if (lease.kind === 'ours' || ('ours' in lease && lease.ours)) flags.push('releasable');
  else if (!isTheirs && (task.status === 'Todo' || task.status === 'In Progress')) flags.push('claimable');
  if (isTheirs) return flags;
  if (task.status === 'Review') flags.push('reviewable');
  if (!isSettled(task.status)) flags.push('finishable');
  if (task.status !== 'Todo' && lease.kind !== 'ours') flags.push('reopenable');
  return flags;
}

/** exarp-go's numbers for the tasks of a wave, where one of them is not ours; tasks in cycles have none. */
function levelNote(backlog: Backlog, wave: Wave): readonly string[] {
  const levels = wave.tasks.flatMap((task) => backlog.plan?.exarpLevelOf.get(task.id) ?? []);
  if (levels.every((level) => level === wave.number)) return [];
  const [least, most] = levels.reduce(([a, b], level) => [Math.min(a, level), Math.max(b, level)], [Infinity, 0]);
  return [least === most ? `exarp-go: wave ${least}` : `exarp-go: waves ${least}–${most}`];
}

function describeWave(backlog: Backlog, wave: Wave): RowContent {
  const progress = backlog.progressOf(wave);
  const parts = [
    ...(progress.running > 0 ? [`${progress.running} running`] : []),
    ...(progress.ready > 0 ? [`${progress.ready} ready`] : []),
    ...(progress.review > 0 ? [`${progress.review} in review`] : []),
    ...(progress.waiting > 0 ? [`${progress.waiting} waiting`] : []),
    ...levelNote(backlog, wave),
  ];
  const isWhollyInReview = progress.review === progress.total;
  const icon: Icon =
    progress.running > 0
      ? { id: 'sync~spin', color: 'charts.blue' }
      : isWhollyInReview
        ? { id: 'eye', color: 'charts.purple' }
        : progress.ready > 0
          ? { id: 'layers', color: 'charts.green' }
          : { id: 'layers', color: 'disabledForeground' };
  return row(`Wave ${wave.number}`, [`${progress.review}/${progress.total}`, ...parts].join(' · '), icon, {
    spoken: [`Wave ${wave.number}`, count(progress.total, 'task'), ...parts].join(', '),
    flags: [
      'wave',
      ...(progress.ready > 0 ? ['runnableWave'] : []),
      ...(progress.review > 0 ? ['reviewableWave'] : []),
    ],
    collapsible: wave.number === backlog.plan?.waves[0]?.number ? 'expanded' : 'collapsed',
  });
}

function describeGroup(backlog: Backlog, group: 'blocked' | 'settled' | 'notices'): RowContent {
  const { plan, snapshot } = backlog;
  switch (group) {
    case 'blocked':
      return row(
        'Blocked',
        `${plan?.blocked.length ?? 0} in no wave: cycles or missing dependencies`,
        { id: 'error', color: 'charts.red' },
        COLLAPSED,
      );
    case 'settled': {
      const done = plan?.settled.filter((task) => task.status === 'Done').length ?? 0;
      const cancelled = (plan?.settled.length ?? 0) - done;
      const counts = [`${done} done`, ...(cancelled > 0 ? [`${cancelled} cancelled`] : [])].join(' · ');
      return row('Finished', counts, { id: 'pass-filled', color: 'testing.iconPassed' }, COLLAPSED);
    }
    case 'notices': {
      const count = snapshot?.notices.length ?? 0;
      return row('Findings', `${count} to look at`, { id: 'warning', color: 'list.warningForeground' }, COLLAPSED);
    }
  }
}

const COLLAPSED = { collapsible: 'collapsed' } as const;

function describeRun(run: RunState | undefined): RowContent {
  if (run === undefined) return GONE;
  const tasks = [...run.tasks.values()];
  const count = (is: (task: TaskRun) => boolean): number => tasks.filter(is).length;
  const succeeded = count((t) => t.outcome?.kind === 'succeeded');
  const skipped = count((t) => t.outcome?.kind === 'skipped');
  const stopped = count((t) => t.outcome?.kind === 'stopped');
  const running = count((t) => t.phase === 'running' || t.phase === 'claimed');
  const failed = count((t) => t.phase === 'ended') - succeeded - skipped - stopped;
  const parts = [
    `${succeeded}/${tasks.length} succeeded`,
    ...(running > 0 ? [`${running} running`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(stopped > 0 ? [`${stopped} stopped`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(run.endedAt === undefined ? [] : [`took ${duration(run.endedAt - run.startedAt)}`]),
  ];
  if (run.phase !== 'ended') {
    const label = run.phase === 'stopping' ? `Stopping: ${run.title}` : `Running: ${run.title}`;
    return row(
      label,
      parts.join(' · '),
      { id: 'sync~spin', color: 'charts.blue' },
      {
        flags: ['run', 'runningRun'],
        collapsible: 'collapsed',
      },
    );
  }
  const icon: Icon =
    failed > 0
      ? { id: 'error', color: 'testing.iconFailed' }
      : succeeded === tasks.length
        ? { id: 'pass', color: 'testing.iconPassed' }
        : { id: 'circle-slash', color: 'charts.yellow' };
  return row(`Ended: ${run.title}`, parts.join(' · '), icon, {
    flags: ['run', 'endedRun'],
    // What went wrong is to be seen without a click.
    collapsible: succeeded === tasks.length ? 'collapsed' : 'expanded',
  });
}

function describeRunTask(backlog: Backlog, runId: string, id: TaskId, hasTerminal: HasTerminal): RowContent {
  const taskRun = backlog.runs.find((run) => run.runId === runId)?.tasks.get(id);
  if (taskRun === undefined) return GONE;
  const task = backlog.task(id);
  const title = oneLine(task?.title ?? '') || id;
  const state = runTaskState(taskRun, backlog.now);
  return row(title, [state, id].join(' · '), runTaskIcon(taskRun), {
    flags: [
      ...(task === undefined ? [] : ['task']),
      ...(taskRun.phase === 'ended' ? [] : ['runningTask']),
      ...(hasTerminal(backlog, id) ? ['withTerminal'] : []),
    ],
    ...(task === undefined ? {} : { opens: id }),
  });
}

/** A moment, not a length of time: it stays true without being drawn again and again. */
function runningSince(run: TaskRun): string {
  return run.startedAt === undefined ? 'running' : `running since ${clockTime(run.startedAt)}`;
}

function runTaskState(run: TaskRun, now: number): string {
  if (run.outcome !== undefined) return explainOutcome(run.outcome, now);
  switch (run.phase) {
    case 'queued':
      return 'queued';
    case 'claimed':
      return 'starting';
    case 'running':
    case 'ended':
      return runningSince(run);
  }
}

function runTaskIcon(run: TaskRun): Icon {
  switch (run.outcome?.kind) {
    case undefined:
      return run.phase === 'queued'
        ? { id: 'clockface', color: 'charts.blue' }
        : { id: 'sync~spin', color: 'charts.blue' };
    case 'succeeded':
      return { id: 'pass', color: 'testing.iconPassed' };
    case 'skipped':
      return { id: 'debug-step-over', color: 'disabledForeground' };
    case 'stopped':
      return { id: 'debug-stop', color: 'charts.yellow' };
    case 'failed':
    case 'notStarted':
    case 'lockLost':
    case 'notRecorded':
      return { id: 'error', color: 'testing.iconFailed' };
  }
}

function describeMessage(backlog: Backlog): RowContent {
  const { store } = backlog;
  switch (store.kind) {
    case 'loading':
      return row('Reading …', '', { id: 'loading~spin' });
    case 'missing':
      return row('No backlog here', 'neither .todo2/todo2.db nor .todo2/state.todo2.json', { id: 'info' });
    case 'unreadable':
      return row('Cannot be read', explainUnreadable(store.failure), { id: 'error', color: 'charts.red' });
    case 'ready':
      return row('Nothing to do', 'the backlog has no tasks', { id: 'info' });
  }
}

/** True where an agent could be started on the task right now. */
export function isStartable(readiness: Readiness): boolean {
  return readiness.kind !== 'notReady';
}

function row(label: string, description: string, icon: Icon, more: Partial<RowContent> = {}): RowContent {
  return {
    label,
    description: oneLine(description),
    icon,
    spoken: [label, description].filter(Boolean).join(', '),
    flags: [],
    collapsible: 'none',
    ...more,
  };
}
