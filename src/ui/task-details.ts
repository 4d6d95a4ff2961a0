import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { TaskId } from '../core/task.ts';
import type { Backlogs } from './backlogs.ts';
import { taskDocument } from './task-document.ts';
import { parseTaskUri, TASK_SCHEME, taskUri } from './task-uri.ts';

/** Serves the details of tasks as read-only markdown documents, and keeps the open ones true. */
export class TaskDetails implements vscode.TextDocumentContentProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#disposables = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(TASK_SCHEME, this),
      backlogs.onDidChange(() => {
        for (const document of vscode.workspace.textDocuments) {
          if (document.uri.scheme === TASK_SCHEME) this.#changed.fire(document.uri);
        }
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const found = parseTaskUri(uri, this.#backlogs.all);
    const task = found?.backlog.task(found.id);
    if (found === undefined || task === undefined) return '*This task is not in the backlog any more.*\n';
    return taskDocument(found.backlog, task);
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

/** Opens a task as a rendered page; as its markdown text where the editor has no preview. */
export async function openTaskDetails(backlog: Backlog, id: TaskId): Promise<void> {
  const uri = taskUri(backlog, id);
  const options = { preview: true, preserveFocus: true } as const;
  try {
    await vscode.commands.executeCommand('vscode.openWith', uri, 'vscode.markdown.preview.editor', options);
  } catch {
    // An editor without its Markdown extension has no such page; the text says the same.
    await vscode.window.showTextDocument(uri, options);
  }
}
