import type { WorkEnd } from '../../ports.ts';
import type { TaskId } from '../../task.ts';
import { countsAsFailure, retryDelayMs } from '../engine/retry-policy.ts';
import {
  evidenceOf,
  type RunEvent,
  type RunState,
  type RunStop,
  type TaskOutcome,
  type TaskRun,
  type WaitReason,
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
    events: [] as RunEvent[],
    attach: new Set<TaskId>(),
    isSupervised: false,
    orphans: [] as WorkState[],
    locks: [] as { id: TaskId; holder: string }[],
    stops: [] as number[],
  };
  let { stop } = run;
  for (const task of run.tasks.values()) {
    if (task.phase === 'queued' || task.phase === 'ended') continue;
    const attempt = found.get(task.id);
    const state = isOf(attempt?.state, run, task) ? attempt.state : undefined;
    const left: LeftAttempt = { run, task, state, now, stop };
    if (isWindowWork(task.agent)) {
      // Its lock is this window's: the window worker checks the task, and the lock is not released
      // before that.
      if (task.agent.agentMode === 'human' || task.phase !== 'starting')
        recovery.attach.add(task.id);
      else recovery.events.push(againOrStopped(left, NOT_BEGUN));
      continue;
    }
    if (state !== undefined && state.end === undefined && attempt?.supervisorAlive === true) {
      recovery.attach.add(task.id);
      recovery.isSupervised = true;
      continue;
    }
    const end = state?.end;
    if (end?.kind === 'stopped' && attempt?.isToldToStop === true) {
      recovery.events.push(againOrStopped(left, end));
      continue;
    }
    if (end === undefined) leaveBehind(left, recovery);
    const settled = end === undefined ? lostEvents(left) : endEvents(left, end);
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

/** An attempt without an end in the journal, and the moment it is found. */
interface LeftAttempt {
  readonly run: RunState;
  readonly task: TaskRun;
  /** What its own supervisor wrote down of it. */
  readonly state: WorkState | undefined;
  readonly now: number;
  /** Set where the run starts nothing further by now. */
  readonly stop: RunStop | undefined;
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
  return [...run.tasks.values()].flatMap(({ id, outcome, decision }) =>
    outcome?.kind === 'succeeded' || outcome?.kind === 'lockLost' || decision?.kind === 'accepted'
      ? []
      : [id],
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
  { task, state }: LeftAttempt,
  recovery: { orphans: WorkState[]; locks: { id: TaskId; holder: string }[]; stops: number[] },
): void {
  // Where it was killed before it recorded its agent's id, the mark finds the agent.
  if (state !== undefined && state.phase !== 'claiming') recovery.orphans.push(state);
  // It may have claimed the task without recording that.
  const holder = state?.holder ?? task.holder;
  if (holder !== undefined) recovery.locks.push({ id: task.id, holder });
  if (state === undefined && task.attemptNo !== undefined) recovery.stops.push(task.attemptNo);
}

/** For an attempt without an end or a supervisor. */
function lostEvents(left: LeftAttempt): readonly RunEvent[] {
  const { task, state, now } = left;
  const began = state === undefined ? task.phase !== 'starting' : state.agentPid !== undefined;
  if (!began) return [againOrStopped(left, NOT_BEGUN)];
  return [...missedEvents(left, true), ended(left, lost('its supervisor is gone'), now)];
}

/** For an attempt whose supervisor wrote down its end while no window listened. */
function endEvents(left: LeftAttempt, end: WorkEnd): readonly RunEvent[] {
  const { run, task, state, now } = left;
  // The retry itself checks whether it may start: the reason may be gone.
  if (end.kind === 'refused')
    return [againOrStopped(left, { kind: 'notStarted', failure: end.failure })];
  const missed = missedEvents(left, end.kind !== 'notStarted' && state?.agentPid !== undefined);
  if (end.kind === 'rateLimited') {
    const until = now + Math.max(0, end.retryAfterMs ?? COOL_DOWN_MS);
    const waits = { kind: 'coolingDown', agent: task.agent.agent, until } as const;
    return [...missed, ...laterOrStopped(left, end, waits, until)];
  }
  const failures = task.earlier.filter(({ outcome }) => countsAsFailure(outcome)).length;
  if (countsAsFailure(end) && failures < run.options.retries) {
    const at = now + retryDelayMs(run.options, failures);
    return [...missed, ...laterOrStopped(left, end, { kind: 'retry', at }, at)];
  }
  return [...missed, ended(left, end, endedAt(end, task, now))];
}

/** The events that a listening window would have written. */
function missedEvents({ run, task, state }: LeftAttempt, started: boolean): readonly RunEvent[] {
  if (state === undefined) return [];
  const about = { runId: run.runId, id: task.id, at: state.startedAt };
  const events: RunEvent[] = [];
  if (task.phase === 'starting')
    events.push({ kind: 'taskClaimed', ...about, holder: state.holder });
  if (started && task.phase !== 'running') events.push({ kind: 'taskStarted', ...about });
  return events;
}

function ended({ run, task }: LeftAttempt, outcome: TaskOutcome, at: number): RunEvent {
  return { kind: 'taskEnded', runId: run.runId, id: task.id, outcome, at };
}

/** Queues the task again; a run that stops retries nothing. */
function againOrStopped(left: LeftAttempt, outcome: TaskOutcome, notBefore = left.now): RunEvent {
  const { run, task, now, stop } = left;
  if (stop !== undefined) return ended(left, outcome, now);
  return { kind: 'taskRequeued', runId: run.runId, id: task.id, outcome, notBefore, at: now };
}

/** The same for a task that waits: the continuing window needs the reason. */
function laterOrStopped(
  left: LeftAttempt,
  outcome: TaskOutcome,
  reason: WaitReason,
  notBefore: number,
): readonly RunEvent[] {
  const { run, task, now } = left;
  const again = againOrStopped(left, outcome, notBefore);
  if (again.kind === 'taskEnded') return [again];
  return [again, { kind: 'taskWaits', runId: run.runId, id: task.id, reason, at: now }];
}

/** The recorded end where it is plausible, else now. */
function endedAt(end: TaskOutcome, { startedAt }: TaskRun, now: number): number {
  const said = evidenceOf(end)?.endedAt;
  return said === undefined || said > now || said < (startedAt ?? said) ? now : said;
}

/** The user knows what they did; how an unwatched agent ended is unknown. */
function leftOutcome({ agentMode }: TaskRun['agent']): TaskOutcome {
  return agentMode === 'human' ? { kind: 'stopped' } : lost('it was not watched');
}

function lost(detail: string): TaskOutcome {
  return { kind: 'unknown', detail };
}

const NOT_BEGUN = lost('it had not begun when its window was gone');
