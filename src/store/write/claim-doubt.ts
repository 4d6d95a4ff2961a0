// A finished task that exarp-go sets back with older data is written again a moment later; until
// then no program may take it for an open one.
import type { DatabaseSync } from 'node:sqlite';
import { isSettled, parseStatus, type TaskId } from '../../core/task.ts';
import { seconds, type LockContext, type LockRow } from './lock-row.ts';
import { changesByTask, historyRows, parsed } from './edit-history.ts';
import { prepared } from './prepared.ts';
import { rowsAt } from './row-versions.ts';
import { isSharedWithExarp } from './exarp-go-writes.ts';

/** How long after the end of a task another program may still set it back, in s. */
const DOUBT_S = 40;
/** A rewrite that has just begun shows in no other row yet; in s. */
const JUST_NOW_S = 2;
/** So much of all rows has been written again where a rewrite is under way. */
const LEAST_PART = 0.02;
/** And at least so many. */
const LEAST_ROWS = 5;

/**
 * True where the history says that a task was finished a moment ago, and its status was set back
 * since by a write like those that all other rows got.
 */
export function isDoubtful(
  { db, now }: Pick<LockContext, 'db' | 'now'>,
  id: TaskId,
  row: Pick<LockRow, 'status' | 'version'>,
): boolean {
  const ended = lastEnd(db, id);
  if (ended === undefined || now - ended.at > DOUBT_S * 1000) return false;
  const was = parseStatus(ended.to);
  if ((was !== 'Review' && !isSettled(was)) || parseStatus(row.status) === was) return false;
  const writes = row.version - ended.version;
  if (writes < 1) return writes < 0 && isSharedWithExarp(db);
  if (!isSharedWithExarp(db)) return false;
  // Edits of ours since then are no sign of another program; one that set it back is there.
  const ours = changesByTask(db, ended.entry);
  const times = Math.max(1, writes - (ours.get(id) ?? 0));
  const [count, sum] = rowsAt(db);
  const part = count === 0 ? 0 : (sum - ended.rows[1]) / Math.max(1, count);
  if (part >= LEAST_PART) return times <= Math.ceil(part);
  if (times !== 1) return false;
  const at = writtenAt(db, id);
  return seconds(now) - at < JUST_NOW_S || isAmongMany(db, at, ours, count);
}

/**
 * True where other programs wrote many rows within a moment of a time (unix seconds): a rewrite
 * that goes from the newest task to the oldest may be long in reaching the rows that stand for all.
 */
function isAmongMany(
  db: DatabaseSync,
  at: number,
  ours: ReadonlyMap<string, number>,
  count: number,
): boolean {
  const written = prepared(
    db,
    'SELECT CAST(id AS TEXT) AS id FROM tasks WHERE CAST(updated_at AS REAL) BETWEEN ? AND ? LIMIT 1000',
  ).all(at - 1, at + 1);
  const theirs = written.filter((row) => !ours.has(String(row['id'])));
  return theirs.length >= Math.max(LEAST_ROWS, count * LEAST_PART);
}

function writtenAt(db: DatabaseSync, id: TaskId): number {
  const row = prepared(db, 'SELECT CAST(updated_at AS REAL) AS at FROM tasks WHERE id = ?').get(id);
  return Number(row?.['at'] ?? 0);
}

/** The last status that a program of ours wrote with a lock, where it ended the task. */
function lastEnd(
  db: DatabaseSync,
  id: TaskId,
):
  | {
      /** The last entry of the history that tells of it. */
      readonly entry: number;
      readonly to: string;
      readonly at: number;
      readonly version: number;
      readonly rows: readonly [number, number];
    }
  | undefined {
  const what =
    'id, CAST(old_value AS TEXT) AS old, CAST(new_value AS TEXT) AS new, ' +
    'CAST(timestamp AS TEXT) AS at, CAST(field AS TEXT) AS field';
  const where = "task_id = ? AND field IN ('status', 'version') ORDER BY id DESC LIMIT 2";
  const last = historyRows(db, [what, where], id);
  const [versions, status] = last;
  if (versions?.['field'] !== 'version' || status?.['field'] !== 'status') return undefined;
  const [to] = parsed(status['new']);
  const [version] = parsed(versions['new']);
  const [rows] = parsed(versions['old']);
  if (typeof to !== 'string' || typeof version !== 'number' || !Array.isArray(rows))
    return undefined;
  const [count, sum] = rows as readonly unknown[];
  const at = Date.parse(String(versions['at']));
  const entry = Number(versions['id']);
  return { entry, to, at, version, rows: [Number(count), Number(sum)] };
}
