import type { Claim } from '../../core/ports.ts';
import { parseStatus, type TaskId } from '../../core/task.ts';
import { moveAgentLocks } from './agent-locks.ts';
import { endOfLease, type LockRow, readLockRow, seconds, type LockContext } from './lock-row.ts';
import { releaseTask } from './lock-statements.ts';
import type { RequestOf, Values } from './writer-protocol.ts';

/**
 * Moves the locks of a window that is gone to the context's holder, in one statement guarded by the
 * old holder, so that of two windows each lock goes to one. Locks that have ended, or whose task is
 * no longer open, are released instead.
 */
export function adoptLocks(context: LockContext, request: RequestOf<'adopt'>): Values['adopt'] {
  const { db, holder, now } = context;
  const { from, again } = request;
  const until = endOfLease(now, request.leaseMs);
  const rows = [...new Set(request.ids)].flatMap((id) => {
    const row = readLockRow(context, id);
    return row === undefined ? [] : [{ id, row }];
  });
  const wanted = rows.filter(({ row }) => row.lock?.holder === from && isWorthKeeping(row, now));
  // A window with the reused process id of the old one has its holder name: its locks must be newer
  // than the end of that one.
  const since = from === holder ? 'assigned_at = :stamp,' : '';
  const versions = new Map(
    db
      .prepare(
        `UPDATE tasks SET assignee = :holder, ${since} lock_until = :until, version = COALESCE(version, 0) + 1, updated_at = :now
          WHERE assignee = :from AND id IN (SELECT value FROM json_each(:ids)) RETURNING id, CAST(version AS REAL) AS version`,
      )
      .all({
        holder,
        from,
        until,
        now: seconds(now),
        ids: JSON.stringify(wanted.map(({ id }) => id)),
        ...(from === holder ? { stamp: Math.ceil(now / 1000) } : {}),
      })
      .map((row) => [row['id'] as TaskId, row['version'] as number]),
  );
  moveAgentLocks(db, [...versions.keys()], from, { holder, until: until * 1000 });

  const claims: Claim[] = [];
  const moved: TaskId[] = [];
  for (const { id, row } of rows) {
    const version =
      versions.get(id) ?? (again && row.lock?.holder === holder ? row.version : undefined);
    if (version !== undefined) {
      const held = row.lock?.since ?? now;
      claims.push({ id, holder, since: held, until: until * 1000, fresh: false, version });
    } else if (row.lock?.holder === from) {
      const left = releaseTask({ ...context, holder: from }, { id, to: 'Todo', again: false });
      if (left.ok && left.value.changed) moved.push(id);
    }
  }
  return { claims, moved };
}

function isWorthKeeping({ status, lock }: LockRow, now: number): boolean {
  const known = parseStatus(status);
  return (
    (known === 'Todo' || known === 'In Progress') && lock?.until !== undefined && lock.until > now
  );
}
