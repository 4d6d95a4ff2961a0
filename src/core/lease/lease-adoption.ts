import type { Disposable } from '../events.ts';
import type { Failure } from '../failure.ts';
import type { Claim, Clock, Locks, WindowRecords } from '../ports.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

export interface AdoptionOptions {
  readonly records: Pick<WindowRecords, 'lost'>;
  readonly locks: Pick<Locks, 'adopt'>;
  readonly keeper: Pick<LeaseKeeper, 'track'>;
  readonly clock: Clock;
  readonly leaseMs: () => number;
  readonly onAdopted: (claims: readonly Claim[], from: string) => void;
  readonly onFailed: (failure: Failure) => void;
  /** For what only a bug, or a file system, can cause. */
  readonly reportBug: (error: unknown) => void;
}

/** The process of the old window may outlive the start of the new one by some seconds. */
const LOOKS_MS = [0, 1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * Takes over the locks that the user held in a window that is gone, after a reload or a crash.
 * Retries in the first half minute while another window has not ended yet or an adoption failed.
 */
export function adoptLostLocks(options: AdoptionOptions): Disposable {
  let disposed = false;
  let timer: Disposable | undefined;
  const look = async (attempt: number): Promise<void> => {
    const isSettled = await adoptOnce(options, () => disposed);
    const waitMs = LOOKS_MS[attempt + 1];
    if (!isSettled && !disposed && waitMs !== undefined) plan(attempt + 1, waitMs);
  };
  const plan = (attempt: number, waitMs: number): void => {
    timer = options.clock.after(waitMs, () => void look(attempt).catch(options.reportBug));
  };
  plan(0, LOOKS_MS[0] ?? 0);
  return {
    dispose: () => {
      disposed = true;
      timer?.dispose();
    },
  };
}

/** False while a retry may help. */
async function adoptOnce(options: AdoptionOptions, isDisposed: () => boolean): Promise<boolean> {
  const { records, locks, keeper, leaseMs, onAdopted, onFailed } = options;
  const { windows, othersLive } = await records.lost();
  let failed = false;
  for (const { holder, ids, discard } of windows) {
    if (isDisposed()) return true;
    const newLeaseMs = leaseMs();
    const adopted = await locks.adopt(ids, holder, newLeaseMs);
    if (!adopted.ok) {
      failed = true;
      onFailed(adopted.failure);
      continue;
    }
    for (const { id, version } of adopted.value)
      keeper.track(id, newLeaseMs, { byHand: true, version });
    // After the locks are tracked and recorded anew: a crash in between leaves two records, one of
    // which finds nothing.
    await discard();
    onAdopted(adopted.value, holder);
  }
  return !failed && !othersLive;
}
