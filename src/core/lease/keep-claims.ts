import { ClaimReconciler, type ClaimReconcilerOptions } from './claim-reconciler.ts';
import { LeaseKeeper, type LeaseKeeperOptions } from './lease-keeper.ts';

/** The two parts that keep claims alive; each calls the other. Dispose them in this order. */
export interface KeptClaims {
  readonly reconciler: ClaimReconciler;
  readonly keeper: LeaseKeeper;
}

export function keepClaims(
  parts: Omit<ClaimReconcilerOptions & LeaseKeeperOptions, 'keeper' | 'reclaim'>,
): KeptClaims {
  const keeper: LeaseKeeper = new LeaseKeeper({
    ...parts,
    reclaim: (id) => reconciler.reclaim(id),
  });
  const reconciler: ClaimReconciler = new ClaimReconciler({ ...parts, keeper });
  return { reconciler, keeper };
}
