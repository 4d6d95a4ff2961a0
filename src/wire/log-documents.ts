import * as vscode from 'vscode';
import { together, type Disposable } from '../core/events.ts';
import { listOf, parseAs, someText } from '../core/shape.ts';
import { plain } from '../core/text.ts';
import type { Attempt, ShownEnd } from '../agent-process/terminals/attempt-view.ts';
import { LogText, type LogTextOptions } from '../agent-process/terminals/log-text.ts';

/** Scheme of logs: `todo2-waves-log:/<title>.log?["<root>","<runId>","<attempt>"]`. */
const LOG_SCHEME = 'todo2-waves-log';

/** An attempt, and how it ended, if it has. */
export interface LoggedAttempt {
  readonly attempt: Attempt;
  readonly end: ShownEnd | undefined;
}

export interface LogDocumentsOptions extends LogTextOptions {
  readonly root: string;
  /** Undefined where no run has such an attempt. */
  readonly find: (runId: string, attemptNo: number) => LoggedAttempt | undefined;
}

/** The logs of a backlog as read-only documents that follow what agents write. */
export class LogDocuments implements vscode.TextDocumentContentProvider, Disposable {
  readonly #options: LogDocumentsOptions;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #open = new Map<string, { readonly uri: vscode.Uri; readonly text: LogText }>();
  readonly #registered: Disposable;

  readonly onDidChange = this.#changed.event;

  constructor(options: LogDocumentsOptions) {
    this.#options = options;
    this.#registered = together(
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(LOG_SCHEME, this),
      vscode.workspace.onDidChangeTextDocument(({ document }) => showEnd(document)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#close(uri.toString())),
    );
  }

  /** Opens the log of an attempt, without taking the focus. */
  async show({ attempt }: LoggedAttempt): Promise<void> {
    const { runId, attemptNo, title, id } = attempt;
    const name = plain(title || id)
      .replace(/[/\\]/g, ' ')
      .toWellFormed();
    const uri = vscode.Uri.from({
      scheme: LOG_SCHEME,
      path: `/${name}.log`,
      query: JSON.stringify([this.#options.root, runId, String(attemptNo)]),
    });
    await vscode.window.showTextDocument(uri, { preview: true, preserveFocus: true });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string | undefined> {
    const key = uri.toString();
    const known = this.#open.get(key);
    if (known !== undefined) return known.text.text;
    const named = this.#parse(uri.query);
    // Another folder of the window may have it.
    if (named === undefined) return undefined;
    const found = this.#options.find(...named);
    if (found === undefined) return 'This log is not kept any more.\n';
    const text = new LogText(found.attempt, this.#options);
    this.#open.set(key, { uri, text });
    await (found.end === undefined ? text.follow() : text.end(found.end));
    text.onDidChange(() => this.#changed.fire(uri));
    return text.text;
  }

  /** What has ended since is shown to the end. */
  look(): void {
    for (const { uri, text } of this.#open.values()) {
      const named = this.#parse(uri.query);
      const end = named && this.#options.find(...named)?.end;
      if (end !== undefined) text.end(end).catch(this.#options.reportBug);
    }
  }

  dispose(): void {
    this.#registered.dispose();
    for (const key of [...this.#open.keys()]) this.#close(key);
  }

  #close(key: string): void {
    this.#open.get(key)?.text.dispose();
    this.#open.delete(key);
  }

  #parse(query: string): readonly [runId: string, attemptNo: number] | undefined {
    // Anything could be typed as a URI.
    const [root, runId, attemptNo] = parseAs(listOf(someText), query) ?? [];
    if (root !== this.#options.root || runId === undefined || attemptNo === undefined)
      return undefined;
    return [runId, Number(attemptNo)];
  }
}

/** Who looks at the end of a log sees what comes; who has scrolled up stays where they are. */
function showEnd({ uri, lineCount }: vscode.TextDocument): void {
  if (uri.scheme !== LOG_SCHEME) return;
  for (const editor of vscode.window.visibleTextEditors) {
    if (editor.document.uri.toString() !== uri.toString()) continue;
    const last = editor.visibleRanges.at(-1)?.end.line ?? 0;
    const isAtEnd = editor.selection.isEmpty && last >= lineCount - FEW_LINES;
    const end = new vscode.Position(lineCount - 1, 0);
    if (isAtEnd) editor.revealRange(new vscode.Range(end, end));
  }
}

/** As many lines may come at once where the end was in view. */
const FEW_LINES = 40;
