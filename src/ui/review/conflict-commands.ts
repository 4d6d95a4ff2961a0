import * as vscode from 'vscode';
import type { Merged } from '../../core/run/review.ts';
import { firstOf, oneLine, plain } from '../../core/text.ts';
import { valueOrTell } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import type { TreeNode } from '../tree-nodes.ts';
import { isInConflict, nameOf, openFolder, workOf, type WorkTarget } from './work-target.ts';

/** Begins a merge in the worktree of a task, and tells the user what to do there. */
export async function resolveConflict(
  backlogs: Backlogs,
  node: TreeNode | undefined,
): Promise<void> {
  const target = await workOf(backlogs, node, 'Resolve Conflict', isInConflict);
  if (target?.id === undefined) return;
  const { backlog, run, id } = target;
  const { reviews } = backlogs.of(backlog);
  const resolving = await valueOrTell(reviews.resolve(run, id));
  if (resolving === undefined) return;
  const { files, folder } = resolving;
  const name = nameOf(target);
  const message =
    files.length === 0
      ? `Nothing is in conflict any more in the worktree of ${name}.`
      : `Resolve ${firstOf(files.map(oneLine), 3, (file) => file)} in the worktree of ${name}, then choose Merge Again.`;
  const open = 'Open in New Window';
  const chosen = await vscode.window.showInformationMessage(plain(message), open, 'Merge Again');
  if (chosen === open) await openFolder(folder);
  else if (chosen === 'Merge Again') await mergeTarget(backlogs, target);
}

/** Merges the work of a task into its run, once a person has resolved the conflict. */
export async function mergeAgain(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  const target = await workOf(backlogs, node, 'Merge Again', isInConflict);
  if (target !== undefined) await mergeTarget(backlogs, target);
}

async function mergeTarget(backlogs: Backlogs, target: WorkTarget): Promise<void> {
  const { backlog, run, id } = target;
  if (id === undefined) return;
  const name = nameOf(target);
  const stop = new AbortController();
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: plain(`Merging ${name}`),
    cancellable: true,
  };
  // What verifies it may take its time.
  const asked = await vscode.window.withProgress(options, (_, token) => {
    token.onCancellationRequested(() => stop.abort());
    return backlogs.of(backlog).reviews.mergeAgain(run, id, stop.signal);
  });
  const merged = await valueOrTell(Promise.resolve(asked));
  if (merged === undefined) return;
  const isMerged = merged.kind === 'merged';
  const tell = isMerged ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  void tell(plain(wordsOf(merged, name)));
}

function wordsOf(merged: Merged, name: string): string {
  switch (merged.kind) {
    case 'merged':
      return `${name} is merged into the run. ${sentences(merged.remarks)}Accept Changes on the run brings it into your branch.`;
    case 'broken':
      return `${name} is not merged: its work breaks ${oneLine(merged.verify.command)} once merged with earlier work. ${sentences(merged.remarks)}Its log has the output.`;
    case 'stopped':
      return `${name} is not merged, as you cancelled that.`;
    case 'conflict':
      return `Still in conflict: ${firstOf(merged.files.map(oneLine), 5, (file) => file)}.`;
  }
}

function sentences(remarks: readonly string[]): string {
  return remarks.map((remark) => `${oneLine(remark)}. `).join('');
}
