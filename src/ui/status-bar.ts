import * as vscode from 'vscode';
import { type Disposable, together } from '../core/events.ts';
import type { Backlogs } from './backlogs.ts';
import { summariseLocks } from './lock-summary.ts';

/** Shows the one item of ours in the status bar; a click lists all locks. */
export function showLockStatus(backlogs: Backlogs): Disposable {
  const { Left } = vscode.StatusBarAlignment;
  const item = vscode.window.createStatusBarItem('todo2Waves.locks', Left, 40);
  item.name = 'Todo2 Waves: Locks';
  item.command = 'todo2Waves.showLocks';
  const update = (): void => {
    const summary = summariseLocks(backlogs.all);
    if (summary === undefined) {
      item.hide();
      return;
    }
    item.text = summary.text;
    item.tooltip = summary.tooltip;
    item.accessibilityInformation = { label: summary.spoken, role: 'button' };
    item.backgroundColor = summary.endsSoon
      ? new vscode.ThemeColor('statusBarItem.warningBackground')
      : undefined;
    item.show();
  };
  update();
  const timer = setInterval(update, 1000);
  return together(item, backlogs.onDidChange(update), { dispose: () => clearInterval(timer) });
}
