import { maybe, type Shape, unionOf } from '../../shape.ts';
import type { WorkDecision } from '../work-decision.ts';
import { branchShape, changesShape, commitShape, verifyShape } from './journal-outcome.ts';

/** What a person decided about work, as a journal or a request to its leader has it. */
export const decisionShape: Shape<WorkDecision> = unionOf<WorkDecision>({
  merged: { changes: changesShape, verify: maybe(verifyShape) },
  accepted: { target: branchShape, commit: maybe(commitShape) },
  undone: { target: branchShape, commit: commitShape },
  // A ref is at least as strict as the name of a branch.
  discarded: { ref: branchShape },
});
