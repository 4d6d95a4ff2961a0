import type { WorkEnd } from '../../ports.ts';
import type { TaskId } from '../../task.ts';
import { countsAsFailure, retryDelayMs } from '../engine/retry-policy.ts';
import type {
  RunEvent,
  RunState,
  RunStop,
  TaskOutcome,
  TaskRun,
  WaitReason,
} from '../run-events.ts';
import { isWindowWork } from '../run-options.ts';
import type { WorkState } from './work-state.ts';

/** The traces of an attempt whose end is missing in the journal. */
export interface RecoveredAttempt {
  /**
   * What its supervisor wrote last; undefined where there is no such file, or none that can be
   * read.
   */
  readonly state: WorkState | undefined;
  /** The very process that `state` names lives. */
  readonly supervisorAlive: boolean;
  /** The recovery told it to stop, since nothing showed that it had begun. */
  readonly isToldToStop?: boolean;
}

/** What to do before a run without a leader is continued or ended. */
export interface Recovery {
  /**
   * To be appended to its journal, in this order, after `orphans`, `locks` and `stops` have been
   * seen to.
   */
  readonly events: readonly RunEvent[];
  /**
   * Tasks whose supervisors are at work, or that a window works on or follows itself: to be watched
   * again.
   */
  readonly attach: ReadonlySet<TaskId>;
  /** True where a supervisor of the run is at work. */
  readonly isSupervised: boolean;
  /** Attempts without a supervisor whose agents may be there still: they are ended. */
  readonly orphans: readonly WorkState[];
  /** Locks to be released, each where the holder still has it. */
  readonly locks: readonly { readonly id: TaskId; readonly holder: string }[];
  /** Attempts without a state file: a supervisor that starts late must find a stop request. */
  readonly stops: readonly number[];
}

/**
 * A run without a leader is continued within this time: a reload takes seconds, while closing a
 * window is meant to end it.
 */
export const GOES_ON_WITHIN_MS = 5 * 60_000;

const COOL_DOWN_MS = 60_000;

/**
 * Compares the unfinished attempts of a journal with their traces.
 *
 * An attempt that ended meanwhile is settled as its supervisor recorded, one that is at work is
 * attached, one that never began is queued again. One whose supervisor is gone is `unknown`:
 * neither success nor failure, and not retried automatically. `now` is epoch ms.
 */
export function recoverRun(
  run: RunState,
  found: ReadonlyMap<TaskId, RecoveredAttempt>,
  now: number,
): Recovery {
  const recovery = {
    events: [],
    attach: new Set(),
    isSupervised: false,
    orphans: [],
    locks: [],
    stops: [],
  } as {
    events: RunEvent[];
    attach: Set<TaskId>;
    isSupervised: boolean;
    orphans: WorkState[];
    locks: { id: TaskId; holder: string }[];
    stops: number[];
  };
  let stop = run.stop;
  for (const task of run.tasks.values()) {
    if (task.phase === 'queued' || task.phase === 'ended') continue;
    if (isWindowWork(task.agent)) {
      // Its lock is this window's: the window worker checks the task, and the lock is not released
      // before that.
      if (task.agent.agentMode === 'human' || task.phase !== 'starting')
        recovery.attach.add(task.id);
      else
        recovery.events.push(
          againOrStopped(
            run,
            task,
            lost('it had not begun when its window was gone'),
            now,
            now,
            stop,
          ),
        );
      continue;
    }
    const attempt = found.get(task.id);
    const state =
      attempt !== undefined && isOf(attempt.state, run, task) ? attempt.state : undefined;
    if (state !== undefined && state.end === undefined && attempt?.supervisorAlive === true) {
      recovery.attach.add(task.id);
      recovery.isSupervised = true;
      continue;
    }
    const end = state?.end;
    if (end?.kind === 'stopped' && attempt?.isToldToStop === true) {
      recovery.events.push(againOrStopped(run, task, end, now, now, stop));
      continue;
    }
    if (end === undefined) leaveBehind(task, state, recovery);
    const settled =
      end === undefined
        ? lostEvents(run, task, state, now, stop)
        : endEvents(run, task, state, end, now, stop);
    recovery.events.push(...settled);
    const failed = settled.find(
      (event) => event.kind === 'taskEnded' && event.outcome.kind === 'failed',
    );
    if (failed === undefined || stop !== undefined || run.options.onFailure !== 'stopAtOnce')
      continue;
    stop = { kind: 'failure', id: task.id };
    recovery.events.push({ kind: 'runStopping', runId: run.runId, stop, at: now });
  }
  return recovery;
}

/**
 * Whether a run continues automatically. Only a run of this installation may: a downloaded folder
 * can contain a journal. `leaderGoneForMs` is how long the run has had no leader, undefined where
 * that is not known.
 */
export function mayGoOn(
  run: RunState,
  {
    startedHere,
    anyAlive,
    leaderGoneForMs,
  }: {
    readonly startedHere: boolean;
    readonly anyAlive: boolean;
    readonly leaderGoneForMs: number | undefined;
  },
): boolean {
  if (!startedHere || run.phase === 'ended') return false;
  return anyAlive || (leaderGoneForMs !== undefined && leaderGoneForMs < GOES_ON_WITHIN_MS);
}

/**
 * The events that end a run which is not continued, so that its rest can be resumed: what has not
 * begun is skipped. To be called after the events of `recoverRun` were applied; attempts still at
 * work then are `unknown`.
 */
export function interruptRun(run: RunState, now: number): readonly RunEvent[] {
  if (run.phase === 'ended') return [];
  const { runId } = run;
  const stop: RunStop = run.stop ?? { kind: 'interrupted' };
  const events: RunEvent[] =
    run.phase === 'stopping' ? [] : [{ kind: 'runStopping', runId, stop, at: now }];
  for (const { id, phase, agent } of run.tasks.values()) {
    if (phase === 'ended') continue;
    const outcome: TaskOutcome =
      phase === 'queued'
        ? { kind: 'skipped', reason: { kind: 'runStopped', stop } }
        : leftOutcome(agent);
    events.push({ kind: 'taskEnded', runId, id, outcome, at: now });
  }
  for (const [wave, { startedAt, endedAt }] of run.waveRuns.entries()) {
    if (startedAt === undefined || endedAt !== undefined) continue;
    events.push({ kind: 'waveEnded', runId, wave, verify: undefined, at: now });
  }
  return [...events, { kind: 'runEnded', runId, at: now }];
}

/**
 * The tasks that a run which resumes this one has to do, by wave: those that did not succeed and
 * whose lock was not lost.
 */
export function resumable(run: RunState): readonly TaskId[] {
  return [...run.tasks.values()].flatMap(({ id, outcome }) =>
    outcome?.kind === 'succeeded' || outcome?.kind === 'lockLost' ? [] : [id],
  );
}

/** A state file may be another attempt's, or be made up. */
function isOf(state: WorkState | undefined, run: RunState, task: TaskRun): state is WorkState {
  return (
    state?.runId === run.runId && state.taskId === task.id && state.attemptNo === task.attemptNo
  );
}

/** The process and the lock that an attempt without an end may have left behind. */
function leaveBehind(
  task: TaskRun,
  state: WorkState | undefined,
  {
    orphans,
    locks,
    stops,
  }: { orphans: WorkState[]; locks: { id: TaskId; holder: string }[]; stops: number[] },
): void {
  // Where it was killed before it recorded its agent's id, the mark finds the agent.
  if (state !== undefined && state.phase !== 'claiming') orphans.push(state);
  // It may have claimed the task without recording that.
  const holder = state?.holder ?? task.holder;
  if (holder !== undefined) locks.push({ id: task.id, holder });
  if (state === undefined && task.attemptNo !== undefined) stops.push(task.attemptNo);
}

/** For an attempt without an end or a supervisor. */
function lostEvents(
  run: RunState,
  task: TaskRun,
  state: WorkState | undefined,
  now: number,
  stop: RunStop | undefined,
): readonly RunEvent[] {
  const { runId } = run;
  const { id } = task;
  const began = state === undefined ? task.phase !== 'starting' : state.agentPid !== undefined;
  if (!began)
    return [
      againOrStopped(run, task, lost('it had not begun when its window was gone'), now, now, stop),
    ];
  const missed = state === undefined ? [] : missedEvents(run, task, state, true);
  return [
    ...missed,
    { kind: 'taskEnded', runId, id, outcome: lost('its supervisor is gone'), at: now },
  ];
}

/** For an attempt whose supervisor wrote down its end while no window listened. */
function endEvents(
  run: RunState,
  task: TaskRun,
  state: WorkState | undefined,
  end: WorkEnd,
  now: number,
  stop: RunStop | undefined,
): readonly RunEvent[] {
  // The retry itself checks whether it may start: the reason may be gone.
  if (end.kind === 'refused') {
    return [
      againOrStopped(run, task, { kind: 'notStarted', failure: end.failure }, now, now, stop),
    ];
  }
  const began = end.kind !== 'notStarted';
  const missed =
    state === undefined
      ? []
      : missedEvents(run, task, state, began && state.agentPid !== undefined);
  if (end.kind === 'rateLimited') {
    const notBefore = now + Math.max(0, end.retryAfterMs ?? COOL_DOWN_MS);
    const waits = { kind: 'coolingDown', agent: task.agent.agent, until: notBefore } as const;
    return [...missed, ...laterOrStopped(run, task, end, waits, now, stop)];
  }
  const failures = task.earlier.filter(({ outcome }) => countsAsFailure(outcome)).length;
  if (countsAsFailure(end) && failures < run.options.retries) {
    const notBefore = now + retryDelayMs(run.options, failures);
    return [
      ...missed,
      ...laterOrStopped(run, task, end, { kind: 'retry', at: notBefore }, now, stop),
    ];
  }
  return [
    ...missed,
    { kind: 'taskEnded', runId: run.runId, id: task.id, outcome: end, at: endedAt(end, task, now) },
  ];
}

/** The events that a listening window would have written. */
function missedEvents(
  run: RunState,
  task: TaskRun,
  state: WorkState,
  started: boolean,
): readonly RunEvent[] {
  const about = { runId: run.runId, id: task.id };
  const events: RunEvent[] = [];
  if (task.phase === 'starting') {
    events.push({ kind: 'taskClaimed', ...about, holder: state.holder, at: state.startedAt });
  }
  if (started && task.phase !== 'running')
    events.push({ kind: 'taskStarted', ...about, at: state.startedAt });
  return events;
}

function againOrStopped(
  run: RunState,
  { id }: TaskRun,
  outcome: TaskOutcome,
  notBefore: number,
  at: number,
  stop: RunStop | undefined,
): RunEvent {
  const { runId } = run;
  // A run that stops retries nothing.
  if (stop === undefined) return { kind: 'taskRequeued', runId, id, outcome, notBefore, at };
  return { kind: 'taskEnded', runId, id, outcome, at };
}

/** The same for a task that waits: the continuing window needs the reason. */
function laterOrStopped(
  run: RunState,
  task: TaskRun,
  outcome: TaskOutcome,
  reason: Extract<WaitReason, { kind: 'retry' | 'coolingDown' }>,
  at: number,
  stop: RunStop | undefined,
): readonly RunEvent[] {
  const notBefore = reason.kind === 'retry' ? reason.at : reason.until;
  const again = againOrStopped(run, task, outcome, notBefore, at, stop);
  if (again.kind === 'taskEnded') return [again];
  return [again, { kind: 'taskWaits', runId: run.runId, id: task.id, reason, at }];
}

/** The recorded end where it is plausible, else now. */
function endedAt(end: TaskOutcome, { startedAt }: TaskRun, now: number): number {
  const said =
    end.kind === 'succeeded' || end.kind === 'failed' ? end.evidence?.endedAt : undefined;
  return said === undefined || said > now || said < (startedAt ?? said) ? now : said;
}

/** The user knows what they did; how an unwatched agent ended is unknown. */
function leftOutcome({ agentMode }: TaskRun['agent']): TaskOutcome {
  return agentMode === 'human' ? { kind: 'stopped' } : lost('it was not watched');
}

function lost(detail: string): TaskOutcome {
  return { kind: 'unknown', detail };
}
