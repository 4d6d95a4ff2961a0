import { QuickPickItemKind } from 'vscode';
import { isLive, type Lease } from '../core/lease/lease.ts';
import { clockTime, leaseText } from '../core/messages.ts';
import { duration } from '../core/text.ts';
import { type Target, taskItem } from './ask.ts';
import type { Backlogs } from './backlogs.ts';
import { openDocument } from './documents.ts';
import { type LiveItem, liveButton, showLiveList } from './live-list.ts';
import { forceRelease, release } from './lock-commands.ts';

/**
 * Lists every lock: ours, those of others that run, and what others left. One of ours can be
 * released by its button, one of others taken off them, and each task opened.
 */
export function pickLock(backlogs: Backlogs): Promise<void> {
  return showLiveList(backlogs, {
    title: 'Locks',
    placeholder: 'Open the task of a lock, or release it',
    none: 'No task is locked.',
    items: () => lockItems(backlogs),
  });
}

const SECTIONS: readonly (readonly [label: string, kinds: readonly Lease['kind'][]])[] = [
  ['Mine', ['ours']],
  ['Others', ['theirs']],
  ['Left', ['expired', 'stale', 'unleased']],
];

function lockItems(backlogs: Backlogs): LiveItem[] {
  const held = backlogs.all.flatMap((backlog) => {
    const ended = (backlog.snapshot?.tasks ?? []).map((task) => ({
      task,
      lease: backlog.leaseOf(task),
    }));
    return [...backlog.liveLocks(), ...ended.filter(({ lease }) => !isLive(lease))].map(
      ({ task, lease }) => ({ target: { backlog, task }, lease }),
    );
  });
  return SECTIONS.flatMap(([label, kinds]) => {
    const items = held.filter(({ lease }) => kinds.includes(lease.kind));
    if (items.length === 0) return [];
    return [
      { label, kind: QuickPickItemKind.Separator },
      ...items.map(({ target, lease }) => lockItem(target, lease)),
    ];
  });
}

function lockItem(target: Target, lease: Lease): LiveItem {
  const { backlog, task } = target;
  const { now, runs } = backlog;
  const isRunning = runs.of(task.id) !== undefined;
  const holder =
    lease.kind !== 'ours'
      ? (task.lock?.holder ?? '')
      : isRunning
        ? 'an agent of this window works on it'
        : 'held by this window';
  const detail = isLive(lease)
    ? `${holder} · until ${clockTime(now + lease.remainingMs)}, ${duration(lease.remainingMs)} left`
    : leaseText(lease, now).join(' · ');
  const isOurs = task.lock !== undefined && backlog.isOurs(task.lock.holder);
  const act = (): Promise<void> => (isOurs ? release : forceRelease)(target);
  const button =
    lease.kind !== 'ours'
      ? liveButton('unlock', 'Force Release…', act)
      : isRunning
        ? liveButton('debug-stop', 'Stop the agent and release', act)
        : liveButton('unlock', 'Release', act);
  return {
    ...taskItem(backlog, task, detail),
    buttons: [button],
    open: () => openDocument('task', backlog, task.id),
  };
}
