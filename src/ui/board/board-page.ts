import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** Where the build puts what the board consists of, below the extension. */
export const BOARD_FOLDER = ['dist', 'board'] as const;

/**
 * The page of a board: nothing but links to its script and style. It may load no other, and nothing
 * from anywhere else. The root of its backlog is written in an alphabet without any sign of HTML.
 */
export function boardPage(webview: vscode.Webview, extension: vscode.Uri, root: string): string {
  const nonce = randomBytes(18).toString('base64url');
  const { cspSource } = webview;
  const file = (name: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(extension, ...BOARD_FOLDER, name)).toString();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `img-src ${cspSource} data:`,
    'worker-src blob:',
    `connect-src ${cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waves</title>
<link rel="stylesheet" href="${file('board.css')}">
</head>
<body>
<div id="board" data-root="${rootText(root)}"></div>
<script nonce="${nonce}" src="${file('board.js')}"></script>
</body>
</html>`;
}

export function rootText(root: string): string {
  return Buffer.from(root).toString('base64url');
}

/** The root that a page has kept for after a reload; undefined for anything else. */
export function rootOfState(state: unknown): string | undefined {
  const root = typeof state === 'object' && state !== null && 'root' in state ? state.root : '';
  if (typeof root !== 'string' || root === '' || root.length > 10_000) return undefined;
  return Buffer.from(root, 'base64url').toString();
}
