import type { ExtensionContext } from 'vscode';

/** Called by the editor when the first of our views, commands or files is wanted. */
export function activate(_context: ExtensionContext): void {
  // Nothing to offer yet.
}

/** Called before the window goes. */
export function deactivate(): void {
  // Nothing to take back yet.
}
