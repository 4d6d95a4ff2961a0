import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';
import type { Backlogs } from './backlogs.ts';
import { DOCUMENT_SCHEME, documentText, restMsOf } from './documents.ts';
import { PacedChanges } from './paced-changes.ts';

/** Making a document takes at most one part in so many of all time. */
const SHARE = 10;

/**
 * Serves the read-only documents as Markdown, and keeps the open ones true: at once, or at a pace
 * where making them takes long.
 */
export class DocumentProvider implements vscode.TextDocumentContentProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #clock: Clock;
  readonly #paced: PacedChanges;
  /** What the last making of each paced document took, in ms. */
  readonly #tookMs = new Map<string, number>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(backlogs: Backlogs, clock: Clock) {
    this.#backlogs = backlogs;
    this.#clock = clock;
    this.#paced = new PacedChanges(
      {
        clock,
        restMs: (key) =>
          Math.max(restMsOf(vscode.Uri.parse(key)), (this.#tookMs.get(key) ?? 0) * SHARE),
      },
      isVisible,
      (key) => this.#changed.fire(vscode.Uri.parse(key)),
    );
    this.#disposables = [
      this.#changed,
      this.#paced,
      vscode.workspace.registerTextDocumentContentProvider(DOCUMENT_SCHEME, this),
      backlogs.onDidChange(() => this.#look()),
      vscode.window.tabGroups.onDidChangeTabs(() => this.#paced.look()),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.#paced.forget(uri.toString());
        this.#tookMs.delete(uri.toString());
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const begun = this.#clock.now();
    const text = documentText(uri, this.#backlogs);
    if (restMsOf(uri) > 0) this.#tookMs.set(uri.toString(), Math.max(0, this.#clock.now() - begun));
    return text;
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #look(): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme !== DOCUMENT_SCHEME) continue;
      if (restMsOf(uri) > 0) this.#paced.changed(uri.toString());
      else this.#changed.fire(uri);
    }
  }
}

/** A page beside the text does not say whose it is, so that one counts for every document. */
function isVisible(uri: string): boolean {
  return vscode.window.tabGroups.all.some(({ activeTab }) => {
    const input = activeTab?.input;
    if (input instanceof vscode.TabInputWebview) return input.viewType.includes('markdown');
    return (
      (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom) &&
      input.uri.toString() === uri
    );
  });
}
