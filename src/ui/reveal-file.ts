import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Unreadable } from '../core/failure.ts';

/** Shows an unreadable file: JSON in an editor at the error, others in the file manager. */
export async function revealFile({ file, detail }: Unreadable): Promise<void> {
  const uri = vscode.Uri.file(file);
  if (file.endsWith('.json')) {
    const [, line, column] = /line (\d+), column (\d+)/.exec(detail) ?? [];
    const place = new vscode.Position(
      Math.max(0, Number(line ?? 1) - 1),
      Math.max(0, Number(column ?? 1) - 1),
    );
    try {
      await vscode.window.showTextDocument(uri, { selection: new vscode.Range(place, place) });
      return;
    } catch {
      // Too large for an editor, or unreadable: the file can still be revealed.
    }
  }
  const isInWorkspace = vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  await vscode.commands.executeCommand(isInWorkspace ? 'revealInExplorer' : 'revealFileInOS', uri);
}

/** Shows the file of the first of these backlogs that cannot be read. */
export async function revealStore(backlogs: readonly Backlog[]): Promise<void> {
  for (const { store } of backlogs) {
    if (store.kind === 'unreadable') return revealFile(store.failure);
  }
}
