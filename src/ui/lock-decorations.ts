import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlogs } from './backlogs.ts';
import { taskId } from '../core/task.ts';
import { parseDocumentUri } from './documents.ts';
import { leaseText } from '../core/messages.ts';

/** Puts a lock badge on every claimed task, in the tree and on the tab of its details. */
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
    const parsed = parseDocumentUri(uri);
    if (parsed?.kind !== 'task') return undefined;
    const backlog = this.#backlogs.all.find(({ root }) => root === parsed.root);
    const task = backlog?.task(taskId(parsed.key));
    if (backlog === undefined || task === undefined) return undefined;
    const lease = backlog.leaseOf(task);
    if (lease.kind !== 'ours' && lease.kind !== 'theirs') return undefined;
    return new vscode.FileDecoration('🔒', leaseText(lease, backlog.now).join(', '));
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}
