import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Lease } from '../core/lease/lease.ts';
import type { Task } from '../core/task.ts';
import type { Backlogs } from './backlogs.ts';
import { plain, duration } from '../core/text.ts';
import { openDocument } from './documents.ts';
import { clockTime, leaseText } from '../core/messages.ts';

interface LockItem extends vscode.QuickPickItem {
  readonly backlog?: Backlog;
  readonly task?: Task;
}

type Target = { readonly backlog: Backlog; readonly task: Task };

/** What the buttons of the list do. */
export interface LockActions {
  readonly release: (target: Target) => Promise<void>;
  /** Asks first. */
  readonly forceRelease: (target: Target) => Promise<void>;
}

/**
 * Lists every lock: ours, those of others that run, and what others left. One of ours can be
 * released by its button, one of others taken off them, and each task opened.
 */
export async function pickLock(
  backlogs: Backlogs,
  { release, forceRelease }: LockActions,
): Promise<void> {
  const pick = vscode.window.createQuickPick<LockItem>();
  pick.title = 'Locks';
  pick.placeholder = 'Open the task of a lock, or release it';
  pick.matchOnDescription = true;
  const update = (): void => {
    const items = lockItems(backlogs);
    pick.items = items.length > 0 ? items : [{ label: 'No task is locked.', alwaysShow: true }];
  };
  update();
  const subscriptions = [
    pick,
    backlogs.onDidChange(update),
    pick.onDidTriggerItemButton(({ item }) => {
      const { backlog, task } = item;
      if (backlog === undefined || task === undefined) return;
      const isOurs = task.lock !== undefined && backlog.isOurs(task.lock.holder);
      void (isOurs ? release : forceRelease)({ backlog, task });
    }),
    pick.onDidAccept(() => {
      const [chosen] = pick.selectedItems;
      pick.hide();
      if (chosen?.backlog !== undefined && chosen.task !== undefined)
        void openDocument('task', chosen.backlog, chosen.task.id);
    }),
  ];
  await new Promise<void>((resolve) => {
    pick.onDidHide(() => resolve());
    pick.show();
  });
  for (const subscription of subscriptions) subscription.dispose();
}

function lockItems(backlogs: Backlogs): LockItem[] {
  const all = backlogs.all.flatMap((backlog) =>
    backlog.liveLocks().map((held) => ({ backlog, ...held })),
  );
  const section = (label: string, kind: Lease['kind']): LockItem[] => {
    const items = all.filter((held) => held.lease.kind === kind);
    if (items.length === 0) return [];
    return [
      { label, kind: vscode.QuickPickItemKind.Separator },
      ...items.map((held) => lockItem(held.backlog, held.task, held.lease)),
    ];
  };
  const left = backlogs.all.flatMap((backlog) =>
    (backlog.snapshot?.tasks ?? []).flatMap((task) => {
      const lease = backlog.leaseOf(task);
      const isLeft =
        lease.kind === 'expired' || lease.kind === 'stale' || lease.kind === 'unleased';
      return isLeft ? [leftItem(backlog, task, lease)] : [];
    }),
  );
  const leftSection =
    left.length === 0 ? [] : [{ label: 'Left', kind: vscode.QuickPickItemKind.Separator }, ...left];
  return [...section('Mine', 'ours'), ...section('Others', 'theirs'), ...leftSection];
}

const FORCE = { iconPath: new vscode.ThemeIcon('unlock'), tooltip: 'Force Release…' } as const;

function leftItem(backlog: Backlog, task: Task, lease: Lease): LockItem {
  return {
    label: plain(task.title || task.id),
    description: plain(task.id),
    detail: plain(leaseText(lease, backlog.now).join(' · ')),
    backlog,
    task,
    buttons: [FORCE],
  };
}

function lockItem(
  backlog: Backlog,
  task: Task,
  lease: { readonly kind: string; readonly remainingMs: number },
): LockItem {
  const isOurs = lease.kind === 'ours';
  const isRunning = backlog.runs.of(task.id) !== undefined;
  const until = backlog.now + lease.remainingMs;
  return {
    label: plain(task.title || task.id),
    description: plain(task.id),
    detail: plain(
      `${isOurs ? (isRunning ? 'an agent of this window works on it' : 'held by this window') : (task.lock?.holder ?? '')} · until ${clockTime(until)}, ${duration(lease.remainingMs)} left`,
    ),
    backlog,
    task,
    ...(isOurs
      ? {
          buttons: [
            {
              iconPath: new vscode.ThemeIcon(isRunning ? 'debug-stop' : 'unlock'),
              tooltip: isRunning ? 'Stop the agent and release' : 'Release',
            },
          ],
        }
      : { buttons: [FORCE] }),
  };
}
