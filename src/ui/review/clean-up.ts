import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { KeptWorktree } from '../../core/run/review.ts';
import { count, plain } from '../../core/text.ts';
import { valueOrTell } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import { whenWords } from '../handoffs/handoff-row.ts';
import { explainFailure } from '../messages.ts';

/** Lists the worktrees of a repository; removes those that the user chooses and nothing keeps. */
export async function cleanUpWorktrees(backlogs: Backlogs, backlog: Backlog): Promise<void> {
  const { reviews } = backlogs.of(backlog);
  const worktrees = await valueOrTell(reviews.worktrees());
  if (worktrees === undefined) return;
  if (worktrees.length === 0)
    return void vscode.window.showInformationMessage('There are no worktrees of Todo2 Waves.');
  const items = worktrees.map((worktree) => itemOf(worktree, backlog.now));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Clean Up Worktrees',
    placeHolder: 'Those that nothing keeps can be removed',
    canPickMany: true,
    matchOnDescription: true,
  });
  const stayed: string[] = [];
  let removed = 0;
  if (picked === undefined || picked.length === 0) return;
  for (const { worktree } of picked) {
    const asked = await reviews.remove(worktree.branch);
    const why = asked.ok ? asked.value : explainFailure(asked.failure, backlog.now).message;
    if (why === undefined) removed++;
    else stayed.push(`${worktree.branch}: ${why}`);
  }
  const words = [`${count(removed, 'worktree')} removed.`, ...stayed].join(' ');
  void vscode.window.showInformationMessage(plain(words));
}

interface WorktreeItem extends vscode.QuickPickItem {
  readonly worktree: KeptWorktree;
}

function itemOf(worktree: KeptWorktree, now: number): WorktreeItem {
  const { branch, folder, size, changedAt, why } = worktree;
  const age = changedAt === 0 ? [] : [whenWords(changedAt, now)];
  return {
    label: plain(branch),
    description: [sizeWords(size), ...age].join(' · '),
    detail: plain(`${why === undefined ? 'Nothing is lost with it.' : `Stays: ${why}`} ${folder}`),
    picked: why === undefined,
    worktree,
  };
}

function sizeWords(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
