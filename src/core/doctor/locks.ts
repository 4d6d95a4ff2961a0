import { lifeOf } from '../lease/holder-life.ts';
import { leaseAt } from '../lease/lease.ts';
import { isSettled, type Task } from '../task.ts';
import type { DoctorInput, RawFinding } from './doctor-input.ts';
import type { Changes, Fix, Severity, Problem } from './finding.ts';
import { setStatus } from './set-status.ts';

/**
 * Locks and statuses that do not go together, and locks whose owner is gone. At most one for each task, the first of:
 * a dead owner, an ended lease, a task that is past work, one that was not begun, an assignment without an end.
 *
 * A process is judged only where the holder names one of this host and the system answers; what this window holds is
 * never taken for an orphan.
 */
export function diagnoseLocks(input: DoctorInput): readonly RawFinding[] {
  const findings: RawFinding[] = [];
  // A JSON file has no locks, so that its tasks In Progress are nobody's orphans.
  if (input.snapshot.source === 'json') return findings;
  for (const task of input.snapshot.tasks) {
    if (task.lock === undefined && task.status !== 'In Progress') continue;
    const finding = diagnoseLock(task, input);
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

function diagnoseLock(task: Task, input: DoctorInput): RawFinding | undefined {
  const lease = leaseAt(task.lock, input.isOurs, input.now);
  if (lease.kind === 'free') return settingStatus(task, 'Todo', { kind: 'unheldProgress', id: task.id }, input);
  if (lease.kind === 'ours') {
    if (task.status !== 'Todo') return undefined;
    return settingStatus(task, 'In Progress', { kind: 'lockedTodo', task, lease }, input);
  }
  if ('ours' in lease && lease.ours) return undefined;
  if (isDead(lease.lock.holder, input)) {
    // A command line of exarp-go claims and ends at once, and its agent works on: only a lease that has ended is nobody's.
    const mayBeWanted = lease.kind !== 'expired' && lease.kind !== 'stale';
    return clearing(
      { kind: 'deadOwner', task, lease },
      'warning',
      'owner process is gone',
      mayBeWanted ? 'choice' : 'safe',
    );
  }
  if (lease.kind === 'expired' || lease.kind === 'stale') {
    // exarp-go renews no lease, so whoever is not known to be gone may still be at work.
    return clearing({ kind: 'expiredLock', task, lease }, 'info', 'lease has ended', 'choice');
  }
  if (isSettled(task.status) || task.status === 'Review') {
    // An assignment may be the record of who did it, and whoever has a lease that runs may still be at it: a person has to say.
    return clearing(
      { kind: 'lockedAfterwards', task, lease },
      'info',
      `lock on a task that is ${task.status}`,
      'choice',
    );
  }
  if (lease.kind === 'unleased') {
    return clearing({ kind: 'unleasedLock', task, lease }, 'info', 'assignment without an end', 'choice');
  }
  if (task.status !== 'Todo') return undefined;
  return clearing({ kind: 'lockedTodo', task, lease }, 'warning', 'lock on a task that is Todo', 'choice');
}

function settingStatus(
  task: Task,
  to: 'Todo' | 'In Progress',
  trouble: Problem,
  { snapshot }: DoctorInput,
): RawFinding {
  // Not safe: a person may work on it without ever having heard of locks.
  return {
    trouble,
    severity: 'warning',
    fix: { kind: 'changes', changes: setStatus(task, to, snapshot), safe: false },
  };
}

function clearing(
  trouble: Extract<Problem, { task: Task; lease: { lock: unknown } }>,
  severity: Severity,
  reason: string,
  how: 'safe' | 'choice' = 'safe',
): RawFinding {
  const { holder, until } = trouble.lease.lock;
  const changes: Changes = [{ kind: 'clearLock', id: trouble.task.id, holder, until, reason }];
  const fix: Fix = how === 'safe' ? { kind: 'changes', changes, safe: true } : { kind: 'choices', choices: [changes] };
  return { trouble, severity, fix };
}

/** Only what this machine knows for certain: an id of a process says nothing of another machine. */
function isDead(holder: string, { processes }: DoctorInput): boolean {
  return lifeOf(holder, processes) === 'gone';
}
