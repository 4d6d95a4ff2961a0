import type { DatabaseSync } from 'node:sqlite';
import type { Failure } from '../../core/failure.ts';
import type { Claim, ReadyRules } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { isSettled, parseStatus, type TaskId } from '../../core/task.ts';
import { type LockRow, readLockRow, type LockContext } from './lock-row.ts';
import { claimTask } from './lock-statements.ts';
import { hasColumns } from './table-columns.ts';
import type { RequestOf, Values } from './writer-protocol.ts';

/**
 * Claims all of these tasks. Fails with the obstacle of the first that cannot be claimed; the
 * caller must then roll back.
 */
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
 * Claims the first of these tasks that is ready and free. The caller's order may rest on old data,
 * so status, locks and dependencies are read again under the write lock. Fails with `nothingReady`.
 */
export function claimNextTask(
  context: LockContext,
  request: RequestOf<'claimNext'>,
): Result<Values['claimNext'], Failure> {
  const { candidates, rules, leaseMs } = request;
  const claim = (id: TaskId): Result<Values['claimNext'], Failure> =>
    claimTask(context, { id, leaseMs, takeUnleased: false });
  if (request.again) {
    // No candidate was ours before: one that is now was claimed by the first try, whose answer was
    // lost.
    const taken = candidates.find(
      (id) => readLockRow(context, id)?.lock?.holder === context.holder,
    );
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

/**
 * Todo without a live lock, or In Progress whose lease has ended. In Progress without any lock may
 * be the user's work.
 */
function isFree({ status, locks }: LockRow, now: number): boolean {
  if (locks.some((lock) => lock.until === undefined || lock.until > now)) return false;
  const known = parseStatus(status);
  return known === 'Todo' || (known === 'In Progress' && locks.length > 0);
}

/** As `readinessOf`, except for cycles, in which no task is ready anyway. */
function isReady(db: DatabaseSync, id: TaskId, { missing, reviewOpensGate }: ReadyRules): boolean {
  if (!hasColumns(db, 'task_dependencies', ['task_id', 'depends_on_id'])) return true;
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
