import type { Change } from '../edit/change.ts';
import type { Task, TaskId } from '../task.ts';
import { findCircles } from './circles.ts';
import type { DoctorInput, RawFinding } from './doctor-input.ts';
import type { Changes } from './finding.ts';

/** Cycles, tasks that wait for themselves, and missing dependencies. */
export function diagnoseDependencies({ snapshot, plan }: DoctorInput): readonly RawFinding[] {
  const findings: RawFinding[] = [];
  for (const { members, circle, isOpen } of findCircles(snapshot, plan)) {
    findings.push({
      trouble: { kind: 'cycle', members, circle, isOpen },
      severity: isOpen ? 'error' : 'warning',
      fix: { kind: 'choices', choices: waysOut(circle) },
    });
  }
  for (const id of plan.selfDependent) {
    const task = snapshot.byId.get(id);
    if (task !== undefined) findings.push(...diagnoseSelf(task));
  }
  for (const [id, missing] of plan.missing) {
    for (const on of missing) {
      findings.push({
        trouble: { kind: 'missingDependency', id, on },
        severity: 'warning',
        fix: { kind: 'changes', changes: [{ kind: 'removeDependency', id, on }], safe: false },
      });
    }
  }
  return findings;
}

/** Removing any dependency of a cycle breaks it. */
function waysOut(circle: readonly TaskId[]): readonly [Changes, ...Changes[]] {
  const [first, ...others] = circle.map((id, index): Changes => {
    const on = circle[(index + 1) % circle.length] ?? id;
    return [{ kind: 'removeDependency', id, on }];
  });
  if (first === undefined) throw new Error('Internal error: a circle without members');
  return [first, ...others];
}

function diagnoseSelf({ id, dependencies, parentId }: Task): readonly RawFinding[] {
  const finding = (via: 'dependency' | 'parent', change: Change): RawFinding => ({
    trouble: { kind: 'selfDependency', id, via },
    severity: 'error',
    fix: { kind: 'changes', changes: [change], safe: false },
  });
  return [
    ...(dependencies.includes(id)
      ? [finding('dependency', { kind: 'removeDependency', id, on: id })]
      : []),
    ...(parentId === id
      ? [finding('parent', { kind: 'setParent', id, from: id, to: undefined })]
      : []),
  ];
}
