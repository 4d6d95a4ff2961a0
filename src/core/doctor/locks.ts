import { lifeOf } from '../lease/holder-life.ts';
import { leaseAt } from '../lease/lease.ts';
import { isSettled, type Task } from '../task.ts';
import type { DoctorInput, RawFinding } from './doctor-input.ts';
import type { Changes, Fix, Severity, Problem } from './finding.ts';
import { setStatus } from './set-status.ts';

/**
 * Locks that contradict the status, and locks whose owner is gone. At most one for each task, the
 * first of: a dead owner, an expired lease, a settled or reviewed task, one that was not started, a
 * lock without an expiry.
 *
 * A process is checked only on this host; locks of this window are never taken for orphans.
 */
export function diagnoseLocks(input: DoctorInput): readonly RawFinding[] {
  const findings: RawFinding[] = [];
  // A JSON file has no locks, so its tasks In Progress are no orphans.
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
  if (lease.kind === 'free')
    return settingStatus(task, 'Todo', { kind: 'unheldProgress', id: task.id }, input);
  if (lease.kind === 'ours') {
    if (task.status !== 'Todo') return undefined;
    return settingStatus(task, 'In Progress', { kind: 'lockedTodo', task, lease }, input);
  }
  if ('ours' in lease && lease.ours) return undefined;
  if (lifeOf(lease.lock.holder, input.processes) === 'gone') {
    // An exarp-go command claims and exits at once while its agent keeps working: only an expired
    // lease is free for certain.
    const isFree = lease.kind === 'expired' || lease.kind === 'stale';
    const trouble = { kind: 'deadOwner', task, lease } as const;
    return clearing(trouble, 'warning', 'owner process is gone', isFree);
  }
  if (lease.kind === 'expired' || lease.kind === 'stale') {
    // exarp-go renews no lease, so a holder that is not known to be gone may still work.
    return clearing({ kind: 'expiredLock', task, lease }, 'info', 'lease has ended');
  }
  if (isSettled(task.status) || task.status === 'Review') {
    // An assignment may record who did the work, and the holder of a live lease may still work: the
    // user has to decide.
    const reason = `lock on a task that is ${task.status}`;
    return clearing({ kind: 'lockedAfterwards', task, lease }, 'info', reason);
  }
  if (lease.kind === 'unleased')
    return clearing({ kind: 'unleasedLock', task, lease }, 'info', 'assignment without an end');
  if (task.status !== 'Todo') return undefined;
  return clearing({ kind: 'lockedTodo', task, lease }, 'warning', 'lock on a task that is Todo');
}

function settingStatus(
  task: Task,
  to: 'Todo' | 'In Progress',
  trouble: Problem,
  { snapshot }: DoctorInput,
): RawFinding {
  // Not safe: a user or a program may work on it without locks.
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
  isSafe = false,
): RawFinding {
  const { holder, until } = trouble.lease.lock;
  const changes: Changes = [{ kind: 'clearLock', id: trouble.task.id, holder, until, reason }];
  const fix: Fix = isSafe
    ? { kind: 'changes', changes, safe: true }
    : { kind: 'choices', choices: [changes] };
  return { trouble, severity, fix };
}
