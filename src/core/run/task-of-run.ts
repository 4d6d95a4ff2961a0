import type { TaskId } from '../task.ts';
import { groupOf } from './report/run-summary.ts';
import type { RunState, TaskRun } from './run-events.ts';

/** A task, and a run that has something to say of it. */
export interface TaskOfRun {
  readonly run: RunState;
  readonly part: TaskRun;
}

/** True while its run has not ended this part. */
export function isOpenPart({ run, part }: TaskOfRun): boolean {
  return run.phase !== 'ended' && part.phase !== 'ended';
}

/** True where an attempt failed, or nobody knows how it ended, or its work is in conflict. */
export function endedBadly(part: TaskRun): boolean {
  if (part.phase !== 'ended') return false;
  const group = groupOf(part);
  return group === 'failed' || group === 'unclear' || group === 'conflict';
}

/** True where a run has something to say of this part of it. */
export function tellsOf(run: RunState, part: TaskRun): boolean {
  const isOpen = isOpenPart({ run, part });
  // Some attempts fail before they have a number: their agent is not there.
  return isOpen || part.attemptNo !== undefined || part.outcome?.kind === 'notStarted';
}

/** True while a run has this task and has not ended it. */
export function isOpenIn(run: RunState, id: TaskId): boolean {
  return run.phase !== 'ended' && (run.tasks.get(id)?.phase ?? 'ended') !== 'ended';
}
