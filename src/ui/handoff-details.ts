import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import type { Backlogs } from './backlogs.ts';
import { handoffDocument } from './handoff-document.ts';
import { findHandoff } from './handoff-row.ts';

/** Scheme of the read-only documents that show a handoff. */
const SCHEME = 'todo2-waves-handoff';

/** Serves handoffs as read-only markdown documents, and keeps the open ones true. */
export class HandoffDetails implements vscode.TextDocumentContentProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#disposables = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      backlogs.onDidChange(() => {
        for (const document of vscode.workspace.textDocuments) {
          if (document.uri.scheme === SCHEME) this.#changed.fire(document.uri);
        }
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const backlog = this.#backlogs.all.find((each) => each.root === uri.query);
    const handoff = backlog && findHandoff(backlog, keyOf(uri));
    if (backlog === undefined || handoff === undefined) return '*This handoff is not in the file any more.*\n';
    return handoffDocument(backlog, handoff);
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

/** Opens a handoff as a rendered page; as its markdown text where the editor has no preview. */
export async function openHandoffDetails(backlog: Backlog, key: string): Promise<void> {
  const uri = vscode.Uri.from({
    scheme: SCHEME,
    path: `/${encodeURIComponent(key.toWellFormed())}.md`,
    query: backlog.root,
  });
  const options = { preview: true, preserveFocus: true } as const;
  try {
    await vscode.commands.executeCommand('vscode.openWith', uri, 'vscode.markdown.preview.editor', options);
  } catch {
    // An editor without its Markdown extension has no such page; the text says the same.
    await vscode.window.showTextDocument(uri, options);
  }
}

/** Somebody may have typed the URI: what is no encoding names no handoff. */
function keyOf(uri: vscode.Uri): string {
  const name = uri.path.slice(1, -'.md'.length);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
