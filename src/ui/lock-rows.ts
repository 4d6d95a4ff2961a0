import type { Backlog } from '../core/backlog.ts';
import { isLive, type Lease } from '../core/lease/lease.ts';
import { clockTime } from '../core/messages.ts';
import { isSettled, type Lock, type Task, type TaskId } from '../core/task.ts';
import { count, duration, oneLine } from '../core/text.ts';
import { GONE, type Icon, row, type RowContent } from './row.ts';

interface LockedTask {
  readonly task: Task;
  readonly lock: Lock;
  readonly lease: Exclude<Lease, { readonly kind: 'free' }>;
}

/** Every task that names a holder, also where the lock has ended; the first to end first. */
export function locksOf(backlog: Backlog): readonly LockedTask[] {
  const locked = (backlog.snapshot?.tasks ?? []).flatMap((task): readonly LockedTask[] => {
    if (task.lock === undefined) return [];
    const lease = backlog.leaseOf(task);
    return lease.kind === 'free' ? [] : [{ task, lock: task.lock, lease }];
  });
  return locked.sort((a, b) => (a.lock.until ?? Infinity) - (b.lock.until ?? Infinity));
}

/** Who holds tasks: ourselves, then others that are at work, then those that left something. */
export function holdersOf(backlog: Backlog): readonly string[] {
  const placeOf = ({ lock, lease }: LockedTask): number =>
    backlog.isOurs(lock.holder) ? 0 : isLive(lease) ? 1 : 2;
  const places = new Map<string, number>();
  for (const each of locksOf(backlog)) {
    const { holder } = each.lock;
    places.set(holder, Math.min(places.get(holder) ?? 2, placeOf(each)));
  }
  return [...places].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
}

/** The row of a holder: how many tasks it has, and how long for. */
export function describeHolder(backlog: Backlog, holder: string): RowContent {
  const held = locksOf(backlog).filter(({ lock }) => lock.holder === holder);
  const [first] = held;
  if (first === undefined) return GONE;
  const isOurs = backlog.isOurs(holder);
  const live = held.filter(({ lease }) => isLive(lease)).length;
  const isAgent = held.some(
    ({ task }) => backlog.runs.of(task.id)?.tasks.get(task.id)?.holder === holder,
  );
  const icon: Icon = isAgent
    ? { id: 'robot', color: 'charts.blue' }
    : isOurs
      ? { id: 'account', color: 'charts.blue' }
      : { id: live > 0 ? 'person' : 'debug-disconnect', color: 'disabledForeground' };
  const label = isAgent ? 'Agent of this window' : isOurs ? 'This window' : oneLine(holder);
  const words = [count(held.length, 'task'), ...(live === 0 ? ['no lease runs'] : [])].join(' · ');
  return row(label, words, icon, {
    collapsible: live > 0 ? 'expanded' : 'collapsed',
    tooltip: oneLine(holder),
  });
}

/** The row of a lock: its task, and when it ends. */
export function describeLock(backlog: Backlog, id: TaskId): RowContent {
  const task = backlog.task(id);
  if (task?.lock === undefined) return GONE;
  const lease = backlog.leaseOf(task);
  const isAtWork = backlog.runs.of(id) !== undefined;
  const isOurs = backlog.isOurs(task.lock.holder);
  const isOpen = task.status === 'Todo' || task.status === 'In Progress';
  const icon: Icon = isLive(lease)
    ? { id: 'lock', color: 'charts.blue' }
    : { id: 'unlock', color: 'disabledForeground' };
  return row(oneLine(task.title) || task.id, lockWords(backlog, lease), icon, {
    flags: [
      'task',
      ...(isAtWork ? ['runningTask'] : isOurs ? ['releasable'] : []),
      ...(isOurs ? [] : [lease.kind === 'theirs' ? 'heldByOthers' : 'leftByOthers']),
      ...(!isOurs && lease.kind !== 'theirs' && isOpen && !isSettled(task.status)
        ? ['takeable']
        : []),
    ],
    opens: id,
  });
}

function lockWords({ now }: Backlog, lease: Lease): string {
  if (isLive(lease))
    return `${duration(lease.remainingMs)} left, until ${clockTime(now + lease.remainingMs)}`;
  return 'expiredMs' in lease ? `ended ${duration(lease.expiredMs)} ago` : 'no end';
}
