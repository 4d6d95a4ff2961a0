import * as vscode from 'vscode';
import { type Disposable, together } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { RunState } from '../core/run/run-events.ts';
import type { Backlogs } from './backlogs.ts';
import { summariseRuns } from './runs/run-summary-item.ts';
import { summariseLocks } from './lock-summary.ts';

/** How long an estimate of the time that is left is used: it goes through all tasks of a run. */
const ESTIMATE_FOR_MS = 15_000;

/** Shows the runs that go on in the status bar; a click opens the board. */
export function showRunStatus(backlogs: Backlogs): Disposable {
  const { Left } = vscode.StatusBarAlignment;
  const item = vscode.window.createStatusBarItem('todo2Waves.run', Left, 39);
  item.name = 'Todo2 Waves: Runs';
  item.command = 'todo2Waves.openBoard';
  const estimates = new Map<string, { readonly at: number; readonly ms: number }>();
  const leftMs = (backlog: Backlog, run: RunState): number => {
    const known = estimates.get(run.runId);
    if (known !== undefined && Math.abs(backlog.now - known.at) < ESTIMATE_FOR_MS) return known.ms;
    const ms = backlog.runs.forecasts.leftMs(run);
    estimates.set(run.runId, { at: backlog.now, ms });
    return ms;
  };
  let shown: string | undefined;
  const update = (): void => {
    const summary = summariseRuns(backlogs.all, leftMs);
    if (summary === undefined) {
      estimates.clear();
      item.hide();
    } else if (`${summary.text}${summary.tooltip}` !== shown) {
      item.text = summary.text;
      item.tooltip = summary.tooltip;
      item.accessibilityInformation = { label: `Todo2 Waves: ${summary.tooltip}`, role: 'button' };
      item.show();
    }
    shown = summary && `${summary.text}${summary.tooltip}`;
  };
  update();
  const timer = setInterval(update, ESTIMATE_FOR_MS);
  return together(item, backlogs.onDidChange(update), { dispose: () => clearInterval(timer) });
}

/** Shows the locks of this window in the status bar; a click lists all locks. */
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
