import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import type { Backlogs } from './backlogs.ts';
import { doctorDocument } from './doctor-document.ts';

/** Scheme of the read-only documents that hold the doctor's report on a backlog. */
const DOCTOR_SCHEME = 'todo2-waves-doctor';

/** Names the report on the backlog of a root. */
export function doctorUri(root: string): vscode.Uri {
  return vscode.Uri.from({ scheme: DOCTOR_SCHEME, path: '/Doctor.md', query: root });
}

/** Serves the doctor's reports as read-only markdown documents, and keeps the open ones true. */
export class DoctorReports implements vscode.TextDocumentContentProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChange = this.#changed.event;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#disposables = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(DOCTOR_SCHEME, this),
      backlogs.onDidChange(() => {
        for (const document of vscode.workspace.textDocuments) {
          if (document.uri.scheme === DOCTOR_SCHEME) this.#changed.fire(document.uri);
        }
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const backlog = this.#backlogs.all.find(({ root }) => root === uri.query);
    return backlog === undefined ? '*This backlog is not open any more.*\n' : doctorDocument(backlog);
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

/** Opens the report as a rendered page; as its markdown text where the editor has no preview. */
export async function openDoctorReport(backlog: Backlog): Promise<void> {
  const uri = doctorUri(backlog.root);
  try {
    await vscode.commands.executeCommand('vscode.openWith', uri, 'vscode.markdown.preview.editor', { preview: true });
  } catch {
    // An editor without its Markdown extension has no such page; the text says the same.
    await vscode.window.showTextDocument(uri, { preview: true });
  }
}
