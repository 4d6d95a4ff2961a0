import { pushTo } from '../push-to.ts';
import { isSettled, compareIds, type Task } from '../task.ts';
import type { DoctorInput, RawFinding } from './doctor-input.ts';
import { setStatus } from './set-status.ts';

/**
 * Tasks with the same title and description, ignoring case and blanks as exarp-go does: its sync
 * overwrites one with the other. Cancelled tasks do not count, nor do groups without an open task.
 */
export function diagnoseContent(input: DoctorInput): readonly RawFinding[] {
  const findings: RawFinding[] = [];
  for (const alike of groupBy(input.snapshot.tasks, (task) => normalise(task.title))) {
    for (const group of groupBy(alike, (task) => normalise(task.description))) {
      if (group.some((task) => !isSettled(task.status))) findings.push(diagnoseGroup(group, input));
    }
  }
  return findings;
}

function diagnoseGroup(group: readonly Task[], { snapshot }: DoctorInput): RawFinding {
  const [oldest, ...newer] = group.toSorted(compareAge);
  // Finished tasks come first and one task is open, so the last is open.
  const [first, ...others] = newer
    .filter((task) => !isSettled(task.status))
    .map((task) => setStatus(task, 'Cancelled', snapshot));
  if (oldest === undefined || first === undefined)
    throw new Error('Internal error: a group of fewer than two');
  return {
    trouble: { kind: 'duplicateContent', ids: [oldest, ...newer].map(({ id }) => id) },
    severity: 'warning',
    fix: { kind: 'choices', choices: [first, ...others] },
  };
}

/** The order in which tasks are kept: finished ones, then the oldest. */
function compareAge(a: Task, b: Task): number {
  const isOpen = (task: Task): number => (isSettled(task.status) ? 0 : 1);
  const createdAt = (task: Task): number => task.createdAt ?? Number.MAX_SAFE_INTEGER;
  return isOpen(a) - isOpen(b) || createdAt(a) - createdAt(b) || compareIds(a.id, b.id);
}

/** Groups of at least two with the same key, without Cancelled tasks and those without a title. */
function groupBy(
  tasks: readonly Task[],
  keyOf: (task: Task) => string,
): readonly (readonly Task[])[] {
  const groups = new Map<string, Task[]>();
  for (const task of tasks) {
    if (task.status === 'Cancelled' || task.title === '') continue;
    pushTo(groups, keyOf(task), task);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function normalise(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim();
}
