import type { TaskId } from '../../task.ts';
import type { AgentAssignment } from '../run-options.ts';
import { usageOf, type RunEvent, type RunState, type TaskRun } from '../run-events.ts';
import { isBudgetLimit } from '../run-budget.ts';
import { addUsage } from '../usage.ts';
import { decided } from '../decided-work.ts';

/** For a task without an agent. */
const ANY_AGENT: AgentAssignment = { agent: 'auto', model: undefined, agentMode: 'unattended' };

type LaterEvent = Exclude<RunEvent, { readonly kind: 'runStarted' }>;
type WaveRun = RunState['waveRuns'][number];

/**
 * The state after one more event; a run begins with `runStarted` and with nothing else. Changes
 * nothing it is given.
 */
export function applyRunEvent(state: RunState | undefined, event: RunEvent): RunState {
  return applyRunEvents(state, [event]);
}

/**
 * The state after several events in order, as `applyRunEvent` for each of them, but with one copy
 * of the tasks for all: stopping ten thousand queued tasks stays linear. What does not fit is a
 * bug, and throws.
 */
export function applyRunEvents(
  state: RunState | undefined,
  events: readonly [RunEvent, ...RunEvent[]],
): RunState;
export function applyRunEvents(state: RunState, events: readonly RunEvent[]): RunState;
export function applyRunEvents(state: RunState | undefined, events: readonly RunEvent[]): RunState {
  let draft = state === undefined ? undefined : draftOf(state);
  for (const event of events) {
    if (event.kind === 'runStarted') {
      if (draft !== undefined) throw new Error(`Internal error: run ${event.runId} started twice`);
      draft = draftOf(begin(event));
    } else {
      if (draft === undefined)
        throw new Error(`Internal error: ${event.kind} before the start of run ${event.runId}`);
      const { runId } = draft.state;
      if (runId !== event.runId)
        throw new Error(`Internal error: an event of ${event.runId} in ${runId}`);
      apply(draft, event);
    }
  }
  if (draft === undefined) throw new Error('Internal error: no state and no event');
  return events.length === 0 && state !== undefined ? state : finished(draft);
}

/**
 * The state after the events of a journal, which may be torn, repeated, or forged: what does not
 * fit is skipped. Undefined where no event starts a run. `from` is the state after the lines before
 * these.
 */
export function foldJournal(events: Iterable<RunEvent>, from?: RunState): RunState | undefined {
  const fold = new JournalFold(from);
  for (const event of events) fold.add(event);
  return fold.state;
}

/** As `foldJournal`, for a journal that comes in pieces: the tasks are copied once for all. */
export class JournalFold {
  #draft: Draft | undefined;

  constructor(from?: RunState) {
    this.#draft = from === undefined ? undefined : draftOf(from);
  }

  add(event: RunEvent): void {
    if (event.kind === 'runStarted') this.#draft ??= draftOf(begin(event));
    else if (this.#draft !== undefined && fits(this.#draft, event)) apply(this.#draft, event);
  }

  /** To be asked for once, after the last event. */
  get state(): RunState | undefined {
    return this.#draft === undefined ? undefined : finished(this.#draft);
  }
}

/** A state that is still being made: its tasks and waves are our own copies. */
interface Draft {
  state: RunState;
  readonly tasks: Map<TaskId, TaskRun>;
  readonly waveRuns: WaveRun[];
}

function draftOf(state: RunState): Draft {
  return { state, tasks: new Map(state.tasks), waveRuns: [...state.waveRuns] };
}

function finished({ state, tasks, waveRuns }: Draft): RunState {
  return { ...state, tasks, waveRuns };
}

function begin(event: Extract<RunEvent, { readonly kind: 'runStarted' }>): RunState {
  const { runId, title, waves, options, resumes, at } = event;
  const agents = new Map(event.agents);
  const followUps = new Map(event.followUps);
  const tasks = new Map<TaskId, TaskRun>();
  for (const [wave, ids] of waves.entries()) {
    for (const id of ids) {
      if (tasks.has(id)) continue;
      const followUp = followUps.get(id);
      const task = queued(id, wave, agents.get(id) ?? ANY_AGENT);
      tasks.set(id, followUp === undefined ? task : { ...task, followUp });
    }
  }
  const waveRuns = waves.map(() => ({
    startedAt: undefined,
    endedAt: undefined,
    verify: undefined,
  }));
  return {
    runId,
    title,
    options,
    resumes,
    waves,
    waveRuns,
    tasks,
    phase: 'running',
    paused: undefined,
    stop: undefined,
    cap: undefined,
    attemptCount: 0,
    usage: undefined,
    budgetStart: { usage: undefined, at },
    startedAt: at,
    endedAt: undefined,
  };
}

function queued(id: TaskId, wave: number, agent: AgentAssignment): TaskRun {
  return {
    id,
    wave,
    agent,
    phase: 'queued',
    tryNo: 0,
    attemptNo: undefined,
    holder: undefined,
    waits: undefined,
    startedAt: undefined,
    endedAt: undefined,
    earlier: [],
    outcome: undefined,
  };
}

function apply(draft: Draft, event: LaterEvent): void {
  const change = (part: Partial<RunState>): void =>
    void (draft.state = { ...draft.state, ...part });
  switch (event.kind) {
    case 'waveStarted':
      changeWave(draft, event.wave, { startedAt: event.at });
      return;
    case 'waveEnded':
      changeWave(draft, event.wave, { endedAt: event.at, verify: event.verify });
      return;
    case 'taskStarting':
    case 'taskClaimed':
    case 'taskStarted':
    case 'taskWaits':
    case 'taskRequeued':
    case 'taskEnded':
      draft.tasks.set(event.id, changedTask(taskOf(draft.tasks, event.id), event));
      if (event.kind === 'taskStarting')
        change({ attemptCount: Math.max(draft.state.attemptCount, event.attemptNo) });
      if (event.kind === 'taskRequeued' || event.kind === 'taskEnded')
        change({ usage: addUsage(draft.state.usage, usageOf(event.outcome)) });
      return;
    case 'capChanged':
      change({ cap: event.cap });
      return;
    case 'runPaused':
      change({ paused: event.by });
      return;
    case 'runWentOn':
      if (isBudgetLimit(draft.state.paused))
        change({ budgetStart: { usage: draft.state.usage, at: event.at } });
      change({ paused: undefined });
      return;
    case 'runTakenOver':
      return;
    case 'runStopping':
      change({ phase: 'stopping', stop: event.stop });
      return;
    case 'runEnded':
      change({ phase: 'ended', endedAt: event.at });
      return;
    case 'workDecided':
      for (const id of event.ids)
        draft.tasks.set(id, decided(taskOf(draft.tasks, id), event.decision));
      return;
  }
}

type TaskEvent = Extract<LaterEvent, { readonly id: TaskId }>;

function changedTask(task: TaskRun, event: TaskEvent): TaskRun {
  switch (event.kind) {
    case 'taskStarting': {
      const { tryNo, attemptNo } = event;
      return {
        ...task,
        phase: 'starting',
        tryNo,
        attemptNo,
        waits: undefined,
        startingAt: event.at,
        startedAt: undefined,
      };
    }
    case 'taskClaimed':
      return { ...task, phase: 'claimed', holder: event.holder };
    case 'taskStarted':
      return { ...task, phase: 'running', startedAt: event.at };
    case 'taskWaits':
      return { ...task, waits: event.reason };
    case 'taskRequeued': {
      const { outcome, at } = event;
      const { attemptNo = 0, startingAt, startedAt } = task;
      const earlier = [...task.earlier, { attemptNo, outcome, at, startingAt, startedAt }];
      return { ...task, phase: 'queued', holder: undefined, waits: undefined, earlier };
    }
    case 'taskEnded': {
      const { outcome, at } = event;
      return { ...task, phase: 'ended', holder: undefined, waits: undefined, endedAt: at, outcome };
    }
  }
}

function changeWave({ waveRuns }: Draft, wave: number, part: Partial<WaveRun>): void {
  const before = waveRuns[wave];
  if (before === undefined) throw new Error(`Internal error: there is no wave ${wave} in this run`);
  waveRuns[wave] = { ...before, ...part };
}

function taskOf(tasks: ReadonlyMap<TaskId, TaskRun>, id: TaskId): TaskRun {
  const task = tasks.get(id);
  if (task === undefined) throw new Error(`Internal error: ${id} is no task of this run`);
  return task;
}

/** Whether this can have happened next. */
function fits({ state, tasks, waveRuns }: Draft, event: LaterEvent): boolean {
  if (event.runId !== state.runId) return false;
  if (state.phase === 'ended' && event.kind !== 'workDecided') return false;
  switch (event.kind) {
    case 'waveStarted': {
      const wave = waveRuns[event.wave];
      return wave !== undefined && wave.startedAt === undefined;
    }
    case 'waveEnded': {
      const wave = waveRuns[event.wave];
      return wave?.startedAt !== undefined && wave.endedAt === undefined;
    }
    case 'taskStarting':
    case 'taskClaimed':
    case 'taskStarted':
    case 'taskWaits':
    case 'taskRequeued':
    case 'taskEnded': {
      const task = tasks.get(event.id);
      return task !== undefined && fitsTask(task, event, state.attemptCount);
    }
    case 'capChanged':
      return Number.isSafeInteger(event.cap) && event.cap > 0;
    case 'runPaused':
      return state.paused === undefined;
    case 'runWentOn':
      return state.paused !== undefined;
    case 'runStopping':
      return state.phase === 'running';
    case 'workDecided':
      return event.ids.every((id) => tasks.get(id)?.phase === 'ended');
    case 'runTakenOver':
    case 'runEnded':
      return true;
  }
}

function fitsTask({ phase }: TaskRun, event: TaskEvent, attemptCount: number): boolean {
  switch (event.kind) {
    case 'taskStarting':
      // A start names files: two attempts must never share one.
      return (
        phase === 'queued' &&
        Number.isSafeInteger(event.attemptNo) &&
        event.attemptNo > attemptCount &&
        event.tryNo > 0
      );
    case 'taskClaimed':
      return phase === 'starting';
    case 'taskStarted':
      return phase === 'claimed';
    case 'taskWaits':
      return phase === 'queued';
    case 'taskRequeued':
      return phase !== 'queued' && phase !== 'ended';
    case 'taskEnded':
      return phase !== 'ended';
  }
}
