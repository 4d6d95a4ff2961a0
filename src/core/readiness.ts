import type { Lease } from './lease.ts';
import type { Status, TaskId } from './task.ts';

/** One reason why a task may not start now. */
export type NotReady =
  /** An open dependency, with its status and who holds it at this moment. */
  | { readonly kind: 'waitsFor'; readonly id: TaskId; readonly status: Status; readonly lease: Lease }
  | { readonly kind: 'missing'; readonly id: TaskId }
  | { readonly kind: 'cycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'behindCycle'; readonly members: readonly TaskId[] }
  | { readonly kind: 'held'; readonly lease: Extract<Lease, { kind: 'theirs' }> }
  | { readonly kind: 'unleased'; readonly lease: Extract<Lease, { kind: 'unleased' }> }
  /** A status from which nothing starts: Review, Blocked, Done, Cancelled, Unknown. */
  | { readonly kind: 'status'; readonly status: Status; readonly rawStatus: string };

/** May this task start now, and if not, every reason why; `running` is a task that we hold already. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ours'; readonly lease: Extract<Lease, { kind: 'ours' }> }
  | { readonly kind: 'notReady'; readonly reasons: readonly [NotReady, ...NotReady[]] };
