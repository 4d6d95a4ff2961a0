import { type IsOurs, type Lease, leaseAt } from '../lease/lease.ts';
import { compareIds, isSettled, type Status, type Task, type TaskId } from '../task.ts';
import type { Plan } from './waves.ts';

/** One reason why a task may not start now. */
export type NotReady =
  /** An open dependency, with its status and its lease at this moment. */
  | {
      readonly kind: 'waitsFor';
      readonly id: TaskId;
      readonly status: Status;
      readonly lease: Lease;
    }
  | { readonly kind: 'missing'; readonly id: TaskId }
  | { readonly kind: 'cycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'behindCycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'held'; readonly lease: Extract<Lease, { kind: 'theirs' }> }
  | { readonly kind: 'unleased'; readonly lease: Extract<Lease, { kind: 'unleased' }> }
  /** A status from which nothing starts: Review, Blocked, Done, Cancelled, Unknown. */
  | { readonly kind: 'status'; readonly status: Status; readonly rawStatus: string };

/**
 * Whether a task may start now, and if not, every reason; `ours` is a task that this window already
 * holds.
 */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ours'; readonly lease: Extract<Lease, { kind: 'ours' }> }
  | { readonly kind: 'notReady'; readonly reasons: readonly [NotReady, ...NotReady[]] };

/** What readiness depends on: one plan, the tasks it was made of, and a moment. */
export interface ReadinessContext {
  readonly plan: Plan;
  readonly byId: ReadonlyMap<TaskId, Task>;
  readonly isOurs: IsOurs;
  /** Epoch ms. */
  readonly now: number;
  /**
   * True for an open task whose dependants may start anyway, such as one that a run moved to
   * Review.
   */
  readonly opened?: (id: TaskId) => boolean;
}

const READY: Readiness = { kind: 'ready' };

/**
 * Says whether a task may start now, and every reason if not: first its status, then its lock, then
 * its dependencies, open ones in id order before missing ones.
 *
 * An expired lease does not block, nor does an open parent; a missing dependency blocks only where
 * the plan's options say so. Takes time linear in the dependencies of this task.
 */
export function readinessOf(task: Task, context: ReadinessContext): Readiness {
  const reasons: NotReady[] = [];
  if (task.status !== 'Todo' && task.status !== 'In Progress') {
    reasons.push({ kind: 'status', status: task.status, rawStatus: task.rawStatus });
  }
  const lease = leaseAt(task.lock, context.isOurs, context.now);
  if (lease.kind === 'theirs') reasons.push({ kind: 'held', lease });
  if (lease.kind === 'unleased') reasons.push({ kind: 'unleased', lease });
  const block = context.plan.blockedOf.get(task.id);
  if (block?.kind === 'cycle' || block?.kind === 'behindCycle') reasons.push(block);
  addDependencies(reasons, task, context);

  const [first, ...others] = reasons;
  if (first !== undefined) return { kind: 'notReady', reasons: [first, ...others] };
  return lease.kind === 'ours' ? { kind: 'ours', lease } : READY;
}

function addDependencies(reasons: NotReady[], task: Task, context: ReadinessContext): void {
  if (task.dependencies.length === 0) return;
  const open: Task[] = [];
  const missing: TaskId[] = [];
  for (const id of new Set(task.dependencies)) {
    const dependency = context.byId.get(id);
    if (dependency === undefined) missing.push(id);
    else if (id !== task.id && !isSettled(dependency.status) && context.opened?.(id) !== true)
      open.push(dependency);
  }
  for (const { id, status, lock } of open.sort((a, b) => compareIds(a.id, b.id))) {
    reasons.push({
      kind: 'waitsFor',
      id,
      status,
      lease: leaseAt(lock, context.isOurs, context.now),
    });
  }
  if (context.plan.options.missing === 'satisfied') return;
  for (const id of missing.sort(compareIds)) reasons.push({ kind: 'missing', id });
}
