import { isAborted } from '../../abort.ts';
import type { Disposable } from '../../events.ts';
import type { Failure } from '../../failure.ts';
import type { AgentEnd, Claim, Clock, WorkEnd } from '../../ports.ts';
import type { Result } from '../../result.ts';
import type { Status, TaskId } from '../../task.ts';
import { type Evidence, type VerifyResult, withinLimits } from '../evidence.ts';
import type { LeaseKeeper } from '../../lease/lease-keeper.ts';
import { formatResult } from './result-comment.ts';
import { usageOf, type FailCause } from '../run-events.ts';
import type { RunOptions } from '../run-options.ts';
import { addUsage, type Usage } from '../usage.ts';
import type { WorkPhase } from '../journal/work-state.ts';

/** How the work of an agent is judged. */
export type AgentVerdict =
  | { readonly kind: 'succeeded' }
  /** `reason` is undefined where an exit code or a signal is all that is known. */
  | { readonly kind: 'failed'; readonly reason: string | undefined }
  /** It was ended because it took longer than that. */
  | { readonly kind: 'tooLong'; readonly limitMs: number }
  | {
      readonly kind: 'rateLimited';
      readonly retryAfterMs: number | undefined;
      readonly detail: string;
    };

/** The report of an agent that ended. */
export interface AgentReport {
  readonly end: AgentEnd;
  /** Its verdict by all that is known, given the files that changed while it worked. */
  readonly judge: (files: readonly string[]) => AgentVerdict;
  /** Its last message, plain text. */
  readonly lastSaid: string | undefined;
  readonly sessionId: string | undefined;
  /** See `Evidence`. */
  readonly remarks: readonly string[];
  readonly usage?: Usage | undefined;
  /** Set, with the reason, where its end could not be observed: its terminal was closed. */
  readonly unseen?: string | undefined;
}

/**
 * What came of merging the work. `resolve`: its agent is to resolve a conflict. Anything else: it is
 * not known yet, and the window finds out once the attempt has ended.
 */
export type MergeAnswer = 'merged' | 'conflict' | 'resolve' | 'stopped' | 'unknown';

/** What is recorded when the work on a task ends. */
export interface Ending {
  readonly to: 'Todo' | 'Review' | 'Done';
  /**
   * True where Review and Done are moved to `to` as well: there is evidence that they are wrong.
   */
  readonly overrules: boolean;
  /** The `result` comment, given the status that the task has after this; undefined for none. */
  readonly comment: ((status: Status) => string) | undefined;
}

/** What the work on one task needs of the world. */
export interface WorkWorld {
  readonly locks: {
    /** As `Locks.claim`. */
    claim(id: TaskId, leaseMs: number): Promise<Result<Claim, Failure>>;
    /**
     * As `Locks.release`, with the comment in the same transaction. Tries for minutes before it
     * answers `busy`.
     */
    release(id: TaskId, ending: Ending): Promise<Result<Status, Failure>>;
  };
  readonly keeper: Pick<LeaseKeeper, 'track' | 'untrack' | 'onDidLose'>;
  /** Runs the agent to its end; aborting ends it and everything it started. */
  readonly agent: (signal: AbortSignal, onStarted: () => void) => Promise<AgentReport>;
  /**
   * Undefined where nothing verifies this task. Aborting ends the command, which then has not
   * passed.
   */
  readonly verify: ((signal: AbortSignal) => Promise<VerifyResult>) | undefined;
  /**
   * Waits until a window has merged the work; undefined where there is nothing to merge. Aborting
   * gives it up, unless it is merged by then.
   */
  readonly merge?: ((signal: AbortSignal) => Promise<MergeAnswer>) | undefined;
  /** Runs the agent once more, as `agent` does, to resolve a conflict. */
  readonly resolve?: WorkWorld['agent'] | undefined;
  /**
   * Files that changed since the claim, relative to the root. Never rejects for a reason that the
   * world can cause.
   */
  readonly touchedFiles: () => Promise<readonly string[]>;
  /** Relative to the root. */
  readonly logFile: string | undefined;
  readonly clock: Clock;
  /** For internal errors; the task still ends. */
  readonly reportBug: (error: unknown) => void;
}

/** One attempt at one task. */
export interface Work {
  readonly id: TaskId;
  readonly options: Pick<RunOptions, 'leaseMs' | 'statusOnSuccess'>;
  /** What the agent is called, for the comment. */
  readonly label: string;
  /** Aborted by a stop. */
  readonly stop: AbortSignal;
  /** Each phase once, in order; `ended` is left to the caller. */
  readonly onPhase: (phase: Exclude<WorkPhase, 'ended'>) => void;
  readonly onStarted: () => void;
}

/**
 * Takes one task from its claim to its release: claim, keep the lease, run the agent, verify,
 * have the work merged, record the result.
 *
 *     claiming ──► working ──► verifying ──► merging ──► recording ──► (the answer)
 *        │            │            │           │ │             ▲
 *        │            │            │           │ └► resolving ─┤
 *        │            │            │           │      └► mergingAgain
 *        │            └────────────┴───────────┴───────────────┘  the end was bad, a stop, nothing to do
 *        └──► refused, stopped                      lock lost: no recording, another holder has the task
 *
 * Never rejects, and leaves no lock behind: an internal error ends as `notRecorded` with an
 * `internal` failure, after an attempt to release the claim. Only where the store cannot be written
 * for minutes does a lock stay until its lease expires.
 */
export async function workOnTask(work: Work, world: WorkWorld): Promise<WorkEnd> {
  const bug = new AbortController();
  const progress = { mayHoldClaim: false };
  try {
    return await claimAndWork(work, world, bug.signal, progress);
  } catch (error) {
    world.reportBug(error);
    // The agent must not continue without a claim.
    bug.abort();
    world.keeper.untrack(work.id);
    if (progress.mayHoldClaim) await releaseQuietly(work.id, world);
    return {
      kind: 'notRecorded',
      exitCode: undefined,
      failure: { kind: 'internal', detail: String(error) },
    };
  }
}

async function claimAndWork(
  work: Work,
  world: WorkWorld,
  bug: AbortSignal,
  progress: { mayHoldClaim: boolean },
): Promise<WorkEnd> {
  const { id, options } = work;
  if (isAborted(work.stop)) return { kind: 'stopped' };
  work.onPhase('claiming');
  progress.mayHoldClaim = true;
  const claim = await world.locks.claim(id, options.leaseMs);
  if (!claim.ok) {
    progress.mayHoldClaim = false;
    return isAborted(work.stop) ? { kind: 'stopped' } : { kind: 'refused', failure: claim.failure };
  }
  const lock = keepLock(work, world, claim.value);
  try {
    const ending = AbortSignal.any([lock.lost, bug]);
    let judged = isAborted(work.stop) ? STOPPED : await workAndJudge(work, world, ending);
    if (judged.kind === 'well')
      judged = await bringIn(work, world, judged, AbortSignal.any([work.stop, ending]));
    if (lock.lost.aborted) return { kind: 'lockLost', holder: lock.takenBy(), ...usedIn(judged) };
    work.onPhase('recording');
    return await record(work, world, judged);
  } finally {
    lock.dispose();
  }
}

/**
 * Renews a lock until the end is recorded, as the store may be busy for longer than a lease. `lost`
 * aborts when the lock is not ours any more.
 */
function keepLock(
  { id, options }: Work,
  { keeper }: WorkWorld,
  claim: Claim,
): Disposable & { readonly lost: AbortSignal; readonly takenBy: () => string | undefined } {
  const lost = new AbortController();
  let isAtWork = true;
  let takenBy: string | undefined;
  const watch = keeper.onDidLose((lock) => {
    if (lock.id !== id) return;
    takenBy = lock.holder;
    lost.abort();
  });
  keeper.track(id, options.leaseMs, { version: claim.version, isAlive: () => isAtWork });
  return {
    lost: lost.signal,
    takenBy: () => takenBy,
    dispose: () => {
      isAtWork = false;
      watch.dispose();
      keeper.untrack(id);
    },
  };
}

/** The result of the work before it is recorded. */
type Judged =
  | {
      readonly kind: 'well';
      readonly exitCode: number | undefined;
      readonly evidence: Evidence;
      readonly merge?: MergeAnswer;
    }
  | Extract<WorkEnd, { kind: 'failed' | 'stopped' | 'notStarted' | 'rateLimited' | 'unknown' }>;

const STOPPED: Judged = { kind: 'stopped' };

async function workAndJudge(work: Work, world: WorkWorld, ending: AbortSignal): Promise<Judged> {
  const { clock } = world;
  const startedAt = clock.now();
  work.onPhase('working');
  const signal = AbortSignal.any([work.stop, ending]);
  const report = await world.agent(signal, work.onStarted);
  const { end } = report;
  if (report.unseen !== undefined) return { kind: 'unknown', detail: report.unseen };
  const used = report.usage && { usage: report.usage };
  const stopped: Judged = { kind: 'stopped', ...used };
  if (end.kind === 'stopped') return stopped;
  if (end.kind !== 'exited') return end;
  // It was stopped, so its own report does not count; what it used does.
  if (isAborted(signal)) return stopped;

  const { exitCode, signal: endedBy } = end;
  const badly = (cause: FailCause, evidence: Evidence): Judged => {
    return { kind: 'failed', cause, exitCode, signal: endedBy, evidence };
  };
  const touched = await world.touchedFiles();
  const gather = (files: readonly string[], verify?: VerifyResult): Evidence =>
    withinLimits({
      startedAt,
      endedAt: clock.now(),
      verify,
      files,
      summary: report.lastSaid,
      logFile: world.logFile,
      sessionId: report.sessionId,
      ...(report.remarks.length > 0 && { remarks: report.remarks }),
      ...used,
    });

  const verdict = report.judge(touched);
  switch (verdict.kind) {
    case 'rateLimited':
      return { ...verdict, ...used };
    case 'tooLong':
      return badly({ kind: 'timeLimit', limitMs: verdict.limitMs }, gather(touched));
    case 'failed': {
      // The agent's own message tells the user more than an exit code.
      const { reason } = verdict;
      return badly(
        reason === undefined ? { kind: 'exit' } : { kind: 'said', detail: reason },
        gather(touched),
      );
    }
    case 'succeeded':
      if (world.verify === undefined) return { kind: 'well', exitCode, evidence: gather(touched) };
  }

  work.onPhase('verifying');
  const result = await world.verify(signal);
  if (isAborted(signal)) return stopped;
  const evidence = gather(await world.touchedFiles(), result);
  return result.passed
    ? { kind: 'well', exitCode, evidence }
    : badly({ kind: 'verify', result }, evidence);
}

/** Has the work merged; where that is a conflict, its agent is asked once to resolve it. */
async function bringIn(
  { onPhase }: Work,
  { merge, resolve, touchedFiles, clock }: WorkWorld,
  well: Extract<Judged, { kind: 'well' }>,
  signal: AbortSignal,
): Promise<Judged> {
  if (merge === undefined) return well;
  onPhase('merging');
  let answer = await merge(signal);
  let { evidence } = well;
  if (answer === 'resolve' && resolve !== undefined) {
    onPhase('resolving');
    const { end, judge, unseen, sessionId, usage } = await resolve(signal, () => undefined);
    const used = addUsage(evidence.usage, usage);
    evidence = { ...evidence, endedAt: clock.now(), sessionId, usage: used };
    const isWell =
      end.kind === 'exited' && !unseen && judge(await touchedFiles()).kind === 'succeeded';
    answer = isAborted(signal) ? 'stopped' : 'conflict';
    if (isWell && answer === 'conflict') {
      onPhase('mergingAgain');
      answer = await merge(signal);
    }
  }
  const judged = { ...well, evidence, merge: answer };
  return answer === 'stopped' ? { kind: 'stopped', ...usedIn(judged) } : judged;
}

/** Records the result and returns it with the task's new status. */
async function record(work: Work, world: WorkWorld, judged: Judged): Promise<WorkEnd> {
  const finished = await world.locks.release(work.id, endingOf(work, judged));
  if (!finished.ok) {
    const { failure } = finished;
    if (failure.kind === 'lockLost')
      return { kind: 'lockLost', holder: failure.holder, ...usedIn(judged) };
    return {
      kind: 'notRecorded',
      exitCode: 'exitCode' in judged ? judged.exitCode : undefined,
      failure,
      ...usedIn(judged),
    };
  }
  return endOf(judged, finished.value);
}

/** What the agent used, for an end without the evidence that says so. */
function usedIn(judged: Judged): { readonly usage?: Usage } {
  const usage = judged.kind === 'well' ? judged.evidence.usage : usageOf(judged);
  return usage === undefined ? {} : { usage };
}

function endingOf({ label, options }: Work, judged: Judged): Ending {
  const comment = (status: Status): string => formatResult(endOf(judged, status), label);
  if (judged.kind === 'well') {
    const { evidence, merge = 'merged' } = judged;
    const isDone =
      options.statusOnSuccess === 'Done' && evidence.verify?.passed === true && merge === 'merged';
    const to = isDone ? 'Done' : 'Review';
    return { to, overrules: false, comment };
  }
  if (judged.kind !== 'failed') return { to: 'Todo', overrules: false, comment: undefined };
  return { to: 'Todo', overrules: judged.cause.kind === 'verify', comment };
}

/** A successful agent whose task was set to Todo, Blocked or Cancelled meanwhile has failed. */
function endOf(judged: Judged, status: Status): WorkEnd {
  if (judged.kind !== 'well') return judged;
  const { exitCode, evidence, merge } = judged;
  if (status === 'Review' || status === 'Done')
    return merge === 'conflict'
      ? { kind: 'conflict', files: [], status, evidence }
      : { kind: 'succeeded', status, evidence };
  const detail = `the task was set to ${status} while the agent worked`;
  return { kind: 'failed', cause: { kind: 'said', detail }, exitCode, signal: undefined, evidence };
}

/** After an internal error: the claim may be lost already, so failures are ignored. */
async function releaseQuietly(id: TaskId, world: WorkWorld): Promise<void> {
  try {
    await world.locks.release(id, { to: 'Todo', overrules: false, comment: undefined });
  } catch (error) {
    world.reportBug(error);
  }
}
