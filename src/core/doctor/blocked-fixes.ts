import { type Change, isAllowedWhileHeld } from '../edit/change.ts';
import { leaseAt } from '../lease/lease.ts';
import type { TaskId } from '../task.ts';
import type { DoctorInput } from './doctor-input.ts';
import type { Fix } from './finding.ts';

/** The fix without the changes that would be refused because another holder has the task. */
export function withoutBlockedFixes(fix: Fix, input: DoctorInput): Fix {
  const isFree = (changes: readonly Change[]): boolean =>
    !changes.some((change) => isBlocked(change, input));
  switch (fix.kind) {
    case 'none':
      return fix;
    case 'changes':
      return isFree(fix.changes) ? fix : HELD;
    case 'choices': {
      const [first, ...others] = fix.choices.filter(isFree);
      return first === undefined ? HELD : { kind: 'choices', choices: [first, ...others] };
    }
  }
}

const HELD: Fix = { kind: 'none', reason: 'held' };

function isBlocked(change: Change, { snapshot, isOurs, now }: DoctorInput): boolean {
  const task = snapshot.byId.get(change.id as TaskId);
  if (task?.lock === undefined || isOurs(task.lock.holder) || isAllowedWhileHeld(change))
    return false;
  const { kind } = leaseAt(task.lock, isOurs, now);
  // A lock without an expiry refuses a new status, and nothing else.
  return kind === 'theirs' || (kind === 'unleased' && change.kind === 'setStatus');
}
