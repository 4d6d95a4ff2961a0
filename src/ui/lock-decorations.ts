import * as vscode from 'vscode';
import { type Disposable, together } from '../core/events.ts';
import type { Backlogs } from './backlogs.ts';
import { taskId } from '../core/task.ts';
import { isLive } from '../core/lease/lease.ts';
import { parseDocumentUri } from './documents.ts';
import { leaseText } from '../core/messages.ts';

/** Puts a lock badge on every claimed task, in the tree and on the tab of its details. */
export function decorateLocks(backlogs: Backlogs): Disposable {
  const changed = new vscode.EventEmitter<undefined>();
  const provideFileDecoration = (uri: vscode.Uri): vscode.FileDecoration | undefined => {
    const parsed = parseDocumentUri(uri);
    if (parsed?.kind !== 'task') return undefined;
    const backlog = backlogs.all.find(({ root }) => root === parsed.root);
    const task = backlog?.task(taskId(parsed.key));
    const lease = task && backlog?.leaseOf(task);
    if (backlog === undefined || lease === undefined || !isLive(lease)) return undefined;
    // A letter, as an emoji needs a font that may not be there. Where an agent of ours is at work,
    // the row says so itself.
    if (backlog.runs.of(taskId(parsed.key)) !== undefined) return undefined;
    return new vscode.FileDecoration('L', `Locked: ${leaseText(lease, backlog.now).join(', ')}`);
  };
  const provider = { onDidChangeFileDecorations: changed.event, provideFileDecoration };
  return together(
    changed,
    vscode.window.registerFileDecorationProvider(provider),
    backlogs.onDidChange(() => changed.fire(undefined)),
  );
}
