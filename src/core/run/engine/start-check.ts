import type { Failure } from '../../failure.ts';
import type { NotReady } from '../../waves/readiness.ts';
import type { Snapshot, StoreState } from '../../snapshot.ts';
import { isSettled, type Task, type TaskId } from '../../task.ts';
import type { SkipReason, TaskOutcome } from '../run-events.ts';
import type { RunOptions } from '../run-options.ts';
import type { RunnerWorld } from './run-world.ts';

/** A task that may start, and what it depends on. */
export interface CheckedStart {
  readonly kind: 'start';
  readonly task: Task;
  readonly dependencies: readonly Task[];
}

/** The state of a task at the moment of its start. */
export type StartCheck =
  | CheckedStart
  | { readonly kind: 'skip'; readonly reason: SkipReason }
  /** Another holder has the lock, until then (epoch ms); nothing else prevents the start. */
  | {
      readonly kind: 'held';
      readonly holder: string;
      readonly until: number;
      readonly reasons: readonly NotReady[];
      readonly start: CheckedStart;
    }
  /**
   * It depends on a task of this run that has not ended; the dependency was added after the run
   * began.
   */
  | { readonly kind: 'waitFor'; readonly id: TaskId }
  /** The backlog cannot be read now, which says nothing about the task. */
  | { readonly kind: 'unreadable'; readonly failure: Failure };

/** The part of a run that the check needs. */
export interface RunProgress {
  readonly options: Pick<RunOptions, 'reviewGate'>;
  /** How a task of the run ended; undefined for one that has not, and for a task of no run. */
  readonly outcomeOf: (id: TaskId) => TaskOutcome | undefined;
  readonly isPending: (id: TaskId) => boolean;
}

/**
 * Checks a task against the current backlog. `mayWaitFor` is true for tasks of the run that the
 * task can still wait for.
 */
export function checkStart(
  id: TaskId,
  state: StoreState,
  run: RunProgress,
  readiness: RunnerWorld['readiness'],
  mayWaitFor: (on: TaskId) => boolean,
): StartCheck {
  const skip = (reason: SkipReason): StartCheck => ({ kind: 'skip', reason });
  if (state.kind === 'unreadable') return { kind: 'unreadable', failure: state.failure };
  const task = state.kind === 'ready' ? state.snapshot.byId.get(id) : undefined;
  if (state.kind !== 'ready' || task === undefined) return skip({ kind: 'gone' });

  const { snapshot } = state;
  const failed = failedDependency(task, snapshot, run);
  if (failed !== undefined) return skip({ kind: 'dependencyFailed', id: failed });
  const pending = task.dependencies.find((on) => run.isPending(on) && mayWaitFor(on));
  if (pending !== undefined) return { kind: 'waitFor', id: pending };

  const found = readiness(snapshot, id, openedFor(task, snapshot, run));
  const dependencies = task.dependencies.flatMap((on) => snapshot.byId.get(on) ?? []);
  const start: CheckedStart = { kind: 'start', task, dependencies };
  if (found.kind !== 'notReady') return start;
  const [first, ...others] = found.reasons;
  if (first.kind !== 'held' || others.length > 0)
    return skip({ kind: 'notReady', reasons: found.reasons });
  const { holder, until } = first.lease.lock;
  return { kind: 'held', holder, until: until ?? Infinity, reasons: found.reasons, start };
}

/** The dependency that did not succeed and is not settled, if there is one. */
export function failedDependency(
  task: Task,
  snapshot: Snapshot,
  run: RunProgress,
): TaskId | undefined {
  return task.dependencies.find((id) => closesGate(run.outcomeOf(id), snapshot.byId.get(id)));
}

/**
 * True for a task of this run that ended without success, regardless of its status: an agent that
 * fails after it has set its own task to Done opens nothing. A task that was never started is open
 * if another process settled it.
 */
function closesGate(outcome: TaskOutcome | undefined, task: Task | undefined): boolean {
  if (outcome === undefined || outcome.kind === 'succeeded') return false;
  return outcome.kind !== 'skipped' || (task !== undefined && !isSettled(task.status));
}

/** Its dependencies in Review that count as satisfied. */
function openedFor(task: Task, snapshot: Snapshot, run: RunProgress): ReadonlySet<TaskId> {
  const { reviewGate } = run.options;
  if (reviewGate === 'never') return new Set();
  return new Set(
    task.dependencies.filter(
      (id) =>
        snapshot.byId.get(id)?.status === 'Review' &&
        (reviewGate === 'always' || run.outcomeOf(id)?.kind === 'succeeded'),
    ),
  );
}
