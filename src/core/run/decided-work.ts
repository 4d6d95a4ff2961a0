import { NOT_MERGED } from './isolation.ts';
import { evidenceOf, type RunState, type TaskOutcome, type TaskRun } from './run-events.ts';
import { decisionWords, isOver, type WorkDecision } from './work-decision.ts';

/** A task of which this was decided; a decision that does not fit to it changes nothing. */
export function decided(task: TaskRun, decision: WorkDecision): TaskRun {
  const before = task.decision;
  switch (decision.kind) {
    case 'merged':
      return task.outcome?.kind === 'conflict'
        ? { ...task, decision, outcome: mergedOutcome(task.outcome, decision) }
        : task;
    case 'undone':
      return before?.kind === 'accepted' && before.commit === decision.commit
        ? { ...task, decision }
        : task;
    case 'accepted':
      return { ...task, decision };
    case 'discarded':
      // Its worktree is gone, but its work is in the target.
      return before?.kind === 'accepted' ? task : { ...task, decision };
  }
}

/** Its agent had succeeded; its work now counts as that of the others does. */
function mergedOutcome(
  { status, evidence }: Extract<TaskOutcome, { readonly kind: 'conflict' }>,
  decision: Extract<WorkDecision, { readonly kind: 'merged' }>,
): TaskOutcome {
  const { changes } = decision;
  // What did not pass has changed since.
  const earlier = evidence?.verify?.passed === true ? evidence.verify : undefined;
  const verify = decision.verify ?? earlier;
  const remarks = evidence?.remarks?.filter((remark) => !remark.startsWith(NOT_MERGED));
  return {
    kind: 'succeeded',
    status,
    evidence: evidence && { ...evidence, verify, ...(remarks && { remarks }), changes },
  };
}

/** True for work that waits for somebody to resolve its conflict. */
export function isInConflict({
  outcome,
  decision,
}: Pick<TaskRun, 'outcome' | 'decision'>): boolean {
  return outcome?.kind === 'conflict' && !isOver(decision);
}

/** True for work that can be accepted or discarded. */
export function isUndecided({ outcome, decision }: TaskRun): boolean {
  return evidenceOf(outcome)?.changes !== undefined && !isOver(decision);
}

/** True where work was accepted and no other waits for that. */
export function isAllAccepted(run: RunState): boolean {
  return acceptedIn(run).length > 0 && ![...run.tasks.values()].some(isUndecided);
}

/** What of a run was accepted, in a few words; undefined while nothing is. */
export function acceptedWords(run: RunState): string | undefined {
  const accepted = acceptedIn(run);
  const [first] = accepted;
  if (first === undefined) return undefined;
  const isOne = isAllAccepted(run) && accepted.every(({ commit }) => commit === first.commit);
  return isOne ? decisionWords(first) : `${accepted.length} accepted`;
}

function acceptedIn({ tasks }: RunState): readonly Accepted[] {
  return [...tasks.values()].flatMap(({ decision }) =>
    decision?.kind === 'accepted' ? [decision] : [],
  );
}

type Accepted = Extract<WorkDecision, { readonly kind: 'accepted' }>;
