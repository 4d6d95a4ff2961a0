import type { Backlog } from '../core/backlog.ts';
import { oneLine } from '../core/plan/text.ts';
import type { RunState, TaskRun } from '../core/run/run-events.ts';
import type { TaskId } from '../core/task.ts';
import { clockTime, duration, explainOutcome } from './explain.ts';
import { GONE, type HasTerminal, type Icon, row, type RowContent } from './row.ts';

/** The row of a run: how many of its tasks are where. */
export function describeRun(run: RunState | undefined): RowContent {
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

/** The row of a task below its run: where it is, or how it ended. */
export function describeRunTask(backlog: Backlog, runId: string, id: TaskId, hasTerminal: HasTerminal): RowContent {
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
export function runningSince(run: TaskRun): string {
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
