import type { Backlog } from '../core/backlog.ts';
import type { RunState, TaskRun } from '../core/run/run-events.ts';
import type { TaskId } from '../core/task.ts';

/** Called for each change of a task, once and in order, and for each pause. */
export interface RunFollower {
  readonly onTask: (task: TaskRun) => void;
  readonly onPaused: (run: RunState) => void;
}

/** Follows a run of this window; resolves with its end, undefined where it was cleared. */
export function followRun(
  backlog: Backlog,
  runId: string,
  { onTask, onPaused }: RunFollower,
): Promise<RunState | undefined> {
  const seen = new Map<TaskId, TaskRun>();
  let paused: RunState['paused'];
  return new Promise((resolve) => {
    const finish = (run: RunState | undefined): void => {
      subscription.dispose();
      resolve(run);
    };
    const look = (): void => {
      const run = backlog.runs.all.find((each) => each.runId === runId);
      if (run === undefined) {
        finish(undefined);
        return;
      }
      for (const task of run.tasks.values()) {
        const before = seen.get(task.id);
        seen.set(task.id, task);
        if (before === undefined ? task.phase !== 'queued' : isNews(before, task)) onTask(task);
      }
      if (run.paused !== undefined && paused === undefined) onPaused(run);
      paused = run.paused;
      if (run.phase === 'ended') finish(run);
    };
    const subscription = backlog.onDidChange(look);
    look();
  });
}

function isNews(before: TaskRun, now: TaskRun): boolean {
  return before.phase !== now.phase || before.tryNo !== now.tryNo || before.waits !== now.waits;
}
