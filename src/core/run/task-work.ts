import type { Failure } from '../failure.ts';
import type { AgentEnd, BacklogSource, Clock, Locks, TaskRunner } from '../ports.ts';
import type { Readiness } from '../readiness.ts';
import type { Snapshot } from '../snapshot.ts';
import { isSettled, type Task, type TaskId } from '../task.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { RunState, SkipReason, TaskOutcome } from './run-events.ts';

/** What holds for a whole run; settings that change meanwhile count from the next run on. */
export interface RunPolicy {
  readonly leaseMs: number;
  /** Where a task goes whose agent ended well. */
  readonly successStatus: 'Review' | 'Done';
  /** Which dependencies in Review count as satisfied: those that this run brought there, all, or none. */
  readonly gate: 'inRun' | 'always' | 'never';
}

/** What a run needs of the world. */
export interface RunWorld {
  readonly source: Pick<BacklogSource, 'root' | 'state' | 'refresh'>;
  readonly locks: Pick<Locks, 'claim' | 'finish'>;
  readonly keeper: LeaseKeeper;
  readonly runner: TaskRunner;
  readonly clock: Clock;
  /** May this task start, where a dependency in Review counts as satisfied if it is one of `opened`? */
  readonly readiness: (snapshot: Snapshot, id: TaskId, opened: ReadonlySet<TaskId>) => Readiness;
  readonly policy: () => RunPolicy;
  /** A name that no other run has, fit for a file name. */
  readonly newRunId: () => string;
  /** For what only a bug can cause; the run goes on. */
  readonly reportBug: (error: unknown) => void;
}

/** One task of a run, when its turn has come. */
export interface Work {
  readonly id: TaskId;
  readonly policy: RunPolicy;
  /** Aborted by a stop. */
  readonly stop: AbortSignal;
  /** The run at this moment. */
  readonly run: () => RunState;
  readonly onClaimed: () => void;
  readonly onStarted: () => void;
}

const STOPPED: TaskOutcome = { kind: 'skipped', reason: { kind: 'stopped' } };

/**
 * Takes one task from its turn to its end: look again, claim, run the agent, write down what came of it.
 *
 * Never throws: a bug on the way ends as `notRecorded` with an `internal` failure, after an attempt to give the claim back.
 */
export async function workOn(work: Work, world: RunWorld): Promise<TaskOutcome> {
  const bug = new AbortController();
  const progress = { mayHoldClaim: false };
  try {
    return await lookClaimRun(work, world, bug.signal, progress);
  } catch (error) {
    world.reportBug(error);
    // Whatever the runner still has going must not work on without a claim.
    bug.abort();
    world.keeper.drop(work.id);
    if (progress.mayHoldClaim) await giveBackQuietly(work.id, world);
    return { kind: 'notRecorded', exitCode: undefined, failure: { kind: 'internal', detail: String(error) } };
  }
}

async function lookClaimRun(
  work: Work,
  world: RunWorld,
  bug: AbortSignal,
  progress: { mayHoldClaim: boolean },
): Promise<TaskOutcome> {
  const { id, policy } = work;
  await world.source.refresh();
  if (isStopped(work)) return STOPPED;
  const look = lookAgain(work, world);
  if (look.kind === 'skip') return { kind: 'skipped', reason: look.reason };

  progress.mayHoldClaim = true;
  const claim = await world.locks.claim(id, policy.leaseMs);
  if (!claim.ok) {
    progress.mayHoldClaim = false;
    return isStopped(work) ? STOPPED : { kind: 'skipped', reason: { kind: 'claimFailed', failure: claim.failure } };
  }
  if (isStopped(work)) {
    // A lock that somebody here took by hand, and that is being kept, is not ours to give back.
    if (!claim.value.fresh && world.keeper.holds(id)) return STOPPED;
    return (await record(id, 'Todo', undefined, world)).failed ?? STOPPED;
  }

  let isAtWork = true;
  world.keeper.hold(id, policy.leaseMs, { version: claim.value.version, isAlive: () => isAtWork });
  work.onClaimed();
  const { end, lost } = await runAgent(work, world, look, bug).finally(() => (isAtWork = false));
  // From here on `finish` alone says whether the lock is still ours.
  world.keeper.drop(id);
  if (lost !== undefined) return { kind: 'lockLost', holder: lost.holder };
  return settle(end, work, world);
}

/** Asked again after every wait, so a function: the compiler would take a second look for the first one. */
function isStopped(work: Work): boolean {
  return work.stop.aborted;
}

/** The task as it is now, or why it does not start. */
type Look =
  { readonly kind: 'start'; readonly task: Task; readonly snapshot: Snapshot } | { kind: 'skip'; reason: SkipReason };

function lookAgain(work: Work, world: RunWorld): Look {
  const skip = (reason: SkipReason): Look => ({ kind: 'skip', reason });
  const { state } = world.source;
  if (state.kind === 'unreadable') return skip({ kind: 'claimFailed', failure: state.failure });
  const task = state.kind === 'ready' ? state.snapshot.byId.get(work.id) : undefined;
  if (state.kind !== 'ready' || task === undefined) return skip({ kind: 'gone' });

  const { snapshot } = state;
  const run = work.run();
  const failed = task.dependencies.find((id) => closesGate(run, snapshot, id));
  if (failed !== undefined) return skip({ kind: 'dependencyFailed', id: failed });
  const readiness = world.readiness(snapshot, work.id, openedBy(run, snapshot, work.policy.gate));
  return readiness.kind === 'notReady'
    ? skip({ kind: 'notReady', reasons: readiness.reasons })
    : { kind: 'start', task, snapshot };
}

/**
 * True for a task of this run that ended in any way but well, whatever its status says now: an agent that fails after it
 * has set its own task to Done opens nothing. Only what was never started may be settled by somebody else.
 */
function closesGate(run: RunState, snapshot: Snapshot, id: TaskId): boolean {
  const outcome = run.tasks.get(id)?.outcome;
  if (outcome === undefined || outcome.kind === 'succeeded') return false;
  const task = snapshot.byId.get(id);
  return outcome.kind !== 'skipped' || (task !== undefined && !isSettled(task.status));
}

function openedBy(run: RunState, snapshot: Snapshot, gate: RunPolicy['gate']): ReadonlySet<TaskId> {
  if (gate === 'never') return new Set();
  const inReview = snapshot.tasks.filter((task) => task.status === 'Review').map((task) => task.id);
  if (gate === 'always') return new Set(inReview);
  return new Set(inReview.filter((id) => run.tasks.get(id)?.outcome?.kind === 'succeeded'));
}

async function runAgent(
  work: Work,
  world: RunWorld,
  { task, snapshot }: { readonly task: Task; readonly snapshot: Snapshot },
  bug: AbortSignal,
): Promise<{ end: AgentEnd; lost: { holder: string | undefined } | undefined }> {
  let lost: { holder: string | undefined } | undefined;
  const lockLost = new AbortController();
  const watch = world.keeper.onDidLose((lock) => {
    if (lock.id !== task.id) return;
    lost = { holder: lock.holder };
    lockLost.abort();
  });
  try {
    const dependencies = task.dependencies.flatMap((id) => snapshot.byId.get(id) ?? []);
    const job = { runId: work.run().runId, root: world.source.root, task, dependencies };
    const end = await world.runner.run(job, AbortSignal.any([work.stop, lockLost.signal, bug]), work.onStarted);
    return { end, lost };
  } finally {
    watch.dispose();
  }
}

/** Writes down how the agent ended. An exit code that nobody knows is no success. */
async function settle(end: AgentEnd, { id, policy }: Work, world: RunWorld): Promise<TaskOutcome> {
  const exitCode = end.kind === 'exited' ? end.exitCode : undefined;
  const well = end.kind === 'exited' && end.exitCode === 0 && end.signal === undefined;
  const recorded = await record(id, well ? policy.successStatus : 'Todo', exitCode, world);
  if (recorded.failed !== undefined) return recorded.failed;
  if (well) return { kind: 'succeeded', status: recorded.status };
  if (end.kind === 'exited') return { kind: 'failed', exitCode, signal: end.signal };
  return end;
}

type Recorded =
  | { readonly failed: undefined; readonly status: Task['status'] }
  | { readonly failed: Extract<TaskOutcome, { kind: 'lockLost' | 'notRecorded' }> };

async function record(
  id: TaskId,
  to: 'Todo' | 'Review' | 'Done',
  exitCode: number | undefined,
  world: RunWorld,
): Promise<Recorded> {
  const finished = await world.locks.finish(id, to);
  if (finished.ok) return { failed: undefined, status: finished.value };
  const failure: Failure = finished.failure;
  if (failure.kind === 'lockLost') return { failed: { kind: 'lockLost', holder: failure.holder } };
  return { failed: { kind: 'notRecorded', exitCode, failure } };
}

/** After a bug: the claim may or may not stand, so an answer that it is not ours is as good as any. */
async function giveBackQuietly(id: TaskId, world: RunWorld): Promise<void> {
  try {
    await world.locks.finish(id, 'Todo');
  } catch (error) {
    world.reportBug(error);
  }
}
