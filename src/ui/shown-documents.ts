import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Backlogs } from './backlogs.ts';
import type { Clock } from '../core/ports.ts';
import { PacedChanges } from './paced-changes.ts';

/** Answers the markdown text behind a URI, of backlogs that are open; total, as somebody may have typed the URI. */
export type DocumentText = (uri: vscode.Uri, backlogs: readonly Backlog[]) => string;

/** For documents that take long to make. */
interface Pace {
  readonly clock: Clock;
  /** The least time between two makings, in ms; it is longer where one takes long, so that most of the time is left for others. */
  readonly restMs: number;
}

/** A making takes at most one part in so many of all time. */
const SHARE = 10;

/**
 * Serves the documents of one scheme as read-only markdown, and keeps the open ones true: at once, or at a pace where making them
 * takes long.
 */
export class ShownDocuments implements vscode.TextDocumentContentProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #textOf: DocumentText;
  readonly #pace: Pace | undefined;
  #tookMs = 0;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(backlogs: Backlogs, scheme: string, textOf: DocumentText, pace?: Pace) {
    this.#backlogs = backlogs;
    this.#textOf = textOf;
    this.#pace = pace;
    const isOurs = ({ uri }: vscode.TextDocument): boolean => uri.scheme === scheme;
    const open = (): readonly vscode.Uri[] => vscode.workspace.textDocuments.filter(isOurs).map(({ uri }) => uri);
    const served = [this.#changed, vscode.workspace.registerTextDocumentContentProvider(scheme, this)];
    if (pace === undefined) {
      this.#disposables = [...served, backlogs.onDidChange(() => open().forEach((uri) => this.#changed.fire(uri)))];
      return;
    }
    const paced = new PacedChanges(
      { clock: pace.clock, restMs: () => Math.max(pace.restMs, this.#tookMs * SHARE) },
      isVisible,
      (key) => this.#changed.fire(vscode.Uri.parse(key)),
    );
    this.#disposables = [
      ...[...served, paced],
      backlogs.onDidChange(() => open().forEach((uri) => paced.changed(uri.toString()))),
      vscode.window.tabGroups.onDidChangeTabs(() => paced.look()),
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (isOurs(document)) paced.forget(document.uri.toString());
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const begun = this.#pace?.clock.now() ?? 0;
    const text = this.#textOf(uri, this.#backlogs.all);
    this.#tookMs = Math.max(0, (this.#pace?.clock.now() ?? 0) - begun);
    return text;
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

/** A page beside the text does not say whose it is, so that one counts for every document. */
function isVisible(uri: string): boolean {
  return vscode.window.tabGroups.all.some(({ activeTab }) => {
    const input = activeTab?.input;
    if (input instanceof vscode.TabInputWebview) return input.viewType.includes('markdown');
    return (
      (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom) && input.uri.toString() === uri
    );
  });
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
