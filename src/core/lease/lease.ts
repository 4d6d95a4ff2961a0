import type { Lock } from '../task.ts';

/**
 * What a lock means right now.
 *
 * - `free`: the task has no lock.
 * - `ours` / `theirs`: a lease that still runs.
 * - `expired`: the lease has ended (an end at this very moment counts as ended); anyone may take
 *   it.
 * - `stale`: expired for longer than the threshold, so its holder is most likely gone.
 * - `unleased`: a holder without an expiry; only the user may decide that the task is free.
 */
export type Lease =
  | { readonly kind: 'free' }
  | { readonly kind: 'ours'; readonly lock: Lock; readonly remainingMs: number }
  | { readonly kind: 'theirs'; readonly lock: Lock; readonly remainingMs: number }
  | {
      readonly kind: 'expired';
      readonly lock: Lock;
      readonly ours: boolean;
      readonly expiredMs: number;
    }
  | {
      readonly kind: 'stale';
      readonly lock: Lock;
      readonly ours: boolean;
      readonly expiredMs: number;
    }
  | { readonly kind: 'unleased'; readonly lock: Lock; readonly ours: boolean };

/** Says which holders are this window's own. */
export type IsOurs = (holder: string) => boolean;

/** A lease that ended longer ago than this is stale, as exarp-go shows it. */
export const STALE_AFTER_MS = 5 * 60_000;

/** Reads a lock at a moment given in epoch ms. */
export function leaseAt(
  lock: Lock | undefined,
  isOurs: IsOurs,
  now: number,
  staleAfterMs = STALE_AFTER_MS,
): Lease {
  if (lock === undefined) return { kind: 'free' };
  const ours = isOurs(lock.holder);
  if (lock.until === undefined) return { kind: 'unleased', lock, ours };
  const remainingMs = lock.until - now;
  if (remainingMs > 0) return { kind: ours ? 'ours' : 'theirs', lock, remainingMs };
  return {
    kind: -remainingMs > staleAfterMs ? 'stale' : 'expired',
    lock,
    ours,
    expiredMs: -remainingMs,
  };
}

/** True while the lease of any holder runs. */
export function isLive(lease: Lease): lease is Extract<Lease, { remainingMs: number }> {
  return lease.kind === 'ours' || lease.kind === 'theirs';
}
