import type * as vscode from 'vscode';
import { Uri } from 'vscode';

/** As much of a context as a backlog needs. */
export function contextOf(extensionPath: string, storage: string): vscode.ExtensionContext {
  const stored = new Map<string, unknown>();
  const memento = {
    keys: () => [...stored.keys()],
    get: (key: string) => stored.get(key),
    update: (key: string, value: unknown) => Promise.resolve(void stored.set(key, value)),
  };
  const storageUri = Uri.file(storage);
  const context = {
    extensionPath,
    storageUri,
    globalStorageUri: storageUri,
    globalState: memento,
    workspaceState: memento,
  };
  return context as unknown as vscode.ExtensionContext;
}
