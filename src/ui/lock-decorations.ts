import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlogs } from './backlogs.ts';
import { leaseWords } from './messages.ts';
import { parseTaskUri, TASK_SCHEME } from './task-uri.ts';

/** Puts a lock badge on every task that somebody holds, in the tree and on the tab of its details. */
export class LockDecorations implements vscode.FileDecorationProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChangeFileDecorations = this.#changed.event;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#disposables = [
      this.#changed,
      vscode.window.registerFileDecorationProvider(this),
      backlogs.onDidChange(() => this.#changed.fire(undefined)),
    ];
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== TASK_SCHEME) return undefined;
    const found = parseTaskUri(uri, this.#backlogs.all);
    const task = found?.backlog.task(found.id);
    if (found === undefined || task === undefined) return undefined;
    const lease = found.backlog.leaseOf(task);
    if (lease.kind !== 'ours' && lease.kind !== 'theirs') return undefined;
    return new vscode.FileDecoration('🔒', leaseWords(lease, found.backlog.now).join(', '));
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}
