import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Backlogs } from './backlogs.ts';

/** Answers the markdown text behind a URI, of backlogs that are open; total, as somebody may have typed the URI. */
export type DocumentText = (uri: vscode.Uri, backlogs: readonly Backlog[]) => string;

/** Serves the documents of one scheme as read-only markdown, and keeps the open ones true. */
export class ShownDocuments implements vscode.TextDocumentContentProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #textOf: DocumentText;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(backlogs: Backlogs, scheme: string, textOf: DocumentText) {
    this.#backlogs = backlogs;
    this.#textOf = textOf;
    this.#disposables = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(scheme, this),
      backlogs.onDidChange(() => {
        for (const document of vscode.workspace.textDocuments) {
          if (document.uri.scheme === scheme) this.#changed.fire(document.uri);
        }
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#textOf(uri, this.#backlogs.all);
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

/** Opens a document as a rendered page; as its markdown text where the editor has no preview. */
export async function showRendered(uri: vscode.Uri, focus: 'keep' | 'take'): Promise<void> {
  const options = { preview: true, preserveFocus: focus === 'keep' };
  try {
    await vscode.commands.executeCommand('vscode.openWith', uri, 'vscode.markdown.preview.editor', options);
  } catch {
    // An editor without its Markdown extension has no such page; the text says the same.
    await vscode.window.showTextDocument(uri, options);
  }
}
