import type { TaskId } from '../task.ts';
import type { RunEvent, RunState, TaskRun } from './run-events.ts';

/** The state after one more event; a run begins with `runStarted` and with nothing else. Changes nothing it is given. */
export function applyRunEvent(state: RunState | undefined, event: RunEvent): RunState {
  return applyRunEvents(state, [event]);
}

/**
 * The state after several events in order, as `applyRunEvent` for each of them, but with one copy of the tasks for all:
 * stopping ten thousand queued tasks stays linear.
 */
export function applyRunEvents(state: RunState | undefined, events: readonly [RunEvent, ...RunEvent[]]): RunState;
export function applyRunEvents(state: RunState, events: readonly RunEvent[]): RunState;
export function applyRunEvents(state: RunState | undefined, events: readonly RunEvent[]): RunState {
  let next = state;
  let tasks = new Map(state?.tasks);
  for (const event of events) {
    if (event.kind === 'runStarted') {
      if (next !== undefined) throw new Error(`Internal error: run ${event.runId} started twice`);
      tasks = queuedTasks(event.waves);
      const { runId, title, waves } = event;
      next = { runId, title, waves, tasks, phase: 'running', startedAt: event.at, endedAt: undefined };
    } else {
      if (next === undefined) throw new Error(`Internal error: ${event.kind} before the start of run ${event.runId}`);
      if (next.runId !== event.runId) throw new Error(`Internal error: an event of ${event.runId} in ${next.runId}`);
      next = applyLater(next, tasks, event);
    }
  }
  if (next === undefined) throw new Error('Internal error: no state and no event');
  return next === state ? next : { ...next, tasks };
}

/** Changes `tasks`, which is the caller's own copy. */
function applyLater(
  state: RunState,
  tasks: Map<TaskId, TaskRun>,
  event: Exclude<RunEvent, { kind: 'runStarted' }>,
): RunState {
  switch (event.kind) {
    case 'waveStarted':
    case 'waveEnded':
      return state;
    case 'taskClaimed':
      tasks.set(event.id, { ...taskOf(tasks, event.id), phase: 'claimed' });
      return { ...state };
    case 'taskStarted':
      tasks.set(event.id, { ...taskOf(tasks, event.id), phase: 'running', startedAt: event.at });
      return { ...state };
    case 'taskEnded': {
      const { outcome, at } = event;
      tasks.set(event.id, { ...taskOf(tasks, event.id), phase: 'ended', endedAt: at, outcome });
      return { ...state };
    }
    case 'runStopping':
      return { ...state, phase: 'stopping' };
    case 'runEnded':
      return { ...state, phase: 'ended', endedAt: event.at };
  }
}

function queuedTasks(waves: readonly (readonly TaskId[])[]): Map<TaskId, TaskRun> {
  const tasks = new Map<TaskId, TaskRun>();
  for (const [wave, ids] of waves.entries()) {
    for (const id of ids) {
      tasks.set(id, { id, wave, phase: 'queued', startedAt: undefined, endedAt: undefined, outcome: undefined });
    }
  }
  return tasks;
}

function taskOf(tasks: ReadonlyMap<TaskId, TaskRun>, id: TaskId): TaskRun {
  const task = tasks.get(id);
  if (task === undefined) throw new Error(`Internal error: ${id} is no task of this run`);
  return task;
}
