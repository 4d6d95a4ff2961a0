import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlogs } from './backlogs.ts';
import { summariseLocks } from './lock-summary.ts';

/** The one item of ours in the status bar; a click lists all locks. */
export class LockStatusItem implements Disposable {
  readonly #item: vscode.StatusBarItem;
  readonly #disposables: readonly Disposable[];
  readonly #backlogs: Backlogs;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#item = vscode.window.createStatusBarItem(
      'todo2Waves.locks',
      vscode.StatusBarAlignment.Left,
      40,
    );
    this.#item.name = 'Todo2 Waves: Locks';
    this.#item.command = 'todo2Waves.showLocks';
    const timer = setInterval(() => this.#update(), 1000);
    this.#disposables = [
      this.#item,
      backlogs.onDidChange(() => this.#update()),
      { dispose: () => clearInterval(timer) },
    ];
    this.#update();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #update(): void {
    const summary = summariseLocks(this.#backlogs.all);
    if (summary === undefined) {
      this.#item.hide();
      return;
    }
    this.#item.text = summary.text;
    this.#item.tooltip = summary.tooltip;
    this.#item.accessibilityInformation = { label: summary.spoken, role: 'button' };
    this.#item.backgroundColor = summary.endsSoon
      ? new vscode.ThemeColor('statusBarItem.warningBackground')
      : undefined;
    this.#item.show();
  }
}
