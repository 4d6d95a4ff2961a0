import { cut } from '../text.ts';
import type { VerifyResult } from './evidence.ts';
import type { TaskChanges } from './isolation.ts';

/** What a person has decided about the work on tasks of an isolated run, the latest of it. */
export type WorkDecision =
  /**
   * A conflict was resolved, and the work, as it is now, merged into the run; `verify` has judged the
   * merged state.
   */
  | {
      readonly kind: 'merged';
      readonly changes: TaskChanges;
      readonly verify?: VerifyResult | undefined;
    }
  /** It is in the target branch; `commit` is undefined where it was there already. */
  | {
      readonly kind: 'accepted';
      readonly target: string;
      readonly commit: string | undefined;
    }
  | { readonly kind: 'undone'; readonly target: string; readonly commit: string }
  /** It is kept under this ref. */
  | { readonly kind: 'discarded'; readonly ref: string };

/** “accepted into main as 1a2b3c4”. */
export function decisionWords(decision: WorkDecision): string {
  switch (decision.kind) {
    case 'merged':
      return 'merged after a conflict';
    case 'accepted':
      return `accepted into ${cut(decision.target, 80)}${decision.commit === undefined ? '' : ` as ${decision.commit.slice(0, 7)}`}`;
    case 'undone':
      return `accept into ${cut(decision.target, 80)} undone`;
    case 'discarded':
      return 'discarded';
  }
}

/** True where nothing is left to be decided. */
export function isOver(decision: WorkDecision | undefined): boolean {
  return decision?.kind === 'accepted' || decision?.kind === 'discarded';
}
