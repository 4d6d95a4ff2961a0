import * as vscode from 'vscode';
import type { Unreadable } from '../core/failure.ts';

/** Shows a file that cannot be read: JSON in an editor, at its fault where that is known, everything else among its neighbours. */
export async function revealFile({ file, detail }: Unreadable): Promise<void> {
  const uri = vscode.Uri.file(file);
  if (file.endsWith('.json')) {
    const [, line, column] = /line (\d+), column (\d+)/.exec(detail) ?? [];
    const place = new vscode.Position(Math.max(0, Number(line ?? 1) - 1), Math.max(0, Number(column ?? 1) - 1));
    try {
      await vscode.window.showTextDocument(uri, { selection: new vscode.Range(place, place) });
      return;
    } catch {
      // The file is too large for an editor, or cannot be read: its place can still be shown.
    }
  }
  const isInWorkspace = vscode.workspace.getWorkspaceFolder(uri) !== undefined;
  await vscode.commands.executeCommand(isInWorkspace ? 'revealInExplorer' : 'revealFileInOS', uri);
}
