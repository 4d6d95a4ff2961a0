import type { DatabaseSync } from 'node:sqlite';
import type { Failure } from '../../core/failure.ts';
import type { Claim, ReadyRules } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { isSettled, parseStatus, type TaskId } from '../../core/task.ts';
import { type LockRow, readLockRow, type LockContext } from './lock-row.ts';
import { claimTask } from './lock-statements.ts';
import { columnsOf } from './table-columns.ts';
import type { RequestOf, Values } from './writer-protocol.ts';

/** Claims all of these; fails with what is in the way of the first that cannot be had, and then nothing may be committed. */
export function claimAllTasks(
  context: LockContext,
  { ids, leaseMs }: RequestOf<'claimAll'>,
): Result<Values['claimAll'], Failure> {
  const claims: Claim[] = [];
  const changed: TaskId[] = [];
  for (const id of new Set(ids)) {
    const outcome = claimTask(context, { id, leaseMs, takeUnleased: false });
    if (!outcome.ok) return outcome;
    claims.push(outcome.value.claim);
    if (outcome.value.changed) changed.push(id);
  }
  return ok({ claims, changed });
}

/**
 * Claims the first of these that may start at this moment and that nobody has: what the caller saw when it put them in
 * order may be old, so status, locks and dependencies are read again under the write lock. Fails with `nothingReady`.
 */
export function claimNextTask(
  context: LockContext,
  request: RequestOf<'claimNext'>,
): Result<Values['claimNext'], Failure> {
  const { candidates, rules, leaseMs } = request;
  const claim = (id: TaskId): Result<Values['claimNext'], Failure> =>
    claimTask(context, { id, leaseMs, takeUnleased: false });
  if (request.again) {
    // The candidates were none of ours: one that is now is what the first try took before its answer was lost.
    const taken = candidates.find((id) => readLockRow(context, id)?.lock?.holder === context.holder);
    if (taken !== undefined) return claim(taken);
  }
  for (const id of candidates) {
    const row = readLockRow(context, id);
    if (row === undefined || !isFree(row, context.now) || !isReady(context.db, id, rules)) continue;
    const claimed = claim(id);
    if (claimed.ok) return claimed;
  }
  return fail({ kind: 'nothingReady' });
}

/** Todo without a lock that runs; In Progress only where its lease has ended: without any, a person may be at it. */
function isFree({ status, locks }: LockRow, now: number): boolean {
  if (locks.some((lock) => lock.until === undefined || lock.until > now)) return false;
  const known = parseStatus(status);
  return known === 'Todo' || (known === 'In Progress' && locks.length > 0);
}

/** As `readinessOf` has it, except for cycles, in which nobody is ready anyway. */
function isReady(db: DatabaseSync, id: TaskId, { missing, reviewOpensGate }: ReadyRules): boolean {
  const columns = new Set(columnsOf(db, 'task_dependencies').map(({ name }) => name));
  if (!columns.has('task_id') || !columns.has('depends_on_id')) return true;
  return db
    .prepare(
      `SELECT tasks.id IS NOT NULL AS found, COALESCE(CAST(tasks.status AS TEXT), '') AS status
        FROM task_dependencies LEFT JOIN tasks ON tasks.id = depends_on_id
        WHERE task_id = :id AND depends_on_id <> :id`,
    )
    .all({ id })
    .every((row) => {
      if (row['found'] !== 1) return missing === 'satisfied';
      const status = parseStatus(row['status'] as string);
      return isSettled(status) || (status === 'Review' && reviewOpensGate);
    });
}
