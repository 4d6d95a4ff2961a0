import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { RunChoice, RunScope } from '../../core/run/run-choice.ts';
import { tell, tellFailure } from '../ask.ts';

/**
 * Starts a run and tells why where it could not be started. Where something is not committed, the
 * user first says what the worktrees begin with.
 */
export async function startRun(
  { runs }: Backlog,
  scope: RunScope,
  choice: RunChoice = {},
): Promise<void> {
  const started = await runs.start(scope, choice);
  if (started.ok) return;
  if (started.failure.kind !== 'uncommitted') {
    await tell(started.failure);
    return;
  }
  const chosen = await vscode.window.showInformationMessage(
    'You have uncommitted changes. What do the agents begin with?',
    { modal: true, detail: DETAIL },
    ...Object.keys(PLACES),
  );
  const place = chosen === undefined ? undefined : PLACES[chosen];
  if (place !== undefined) await tellFailure(runs.start(scope, { ...choice, ...place }));
}

const PLACES: Readonly<Record<string, RunChoice>> = {
  'Last Commit': { isolationStart: 'commit' },
  'My Files as They Are': { isolationStart: 'snapshot' },
  'Work in This Folder': { isolation: 'shared' },
};

const DETAIL = [
  'Each agent gets a Git worktree of its own.',
  'Last Commit: agents do not see your changes.',
  'My Files as They Are: agents see them, too. Your files stay uncommitted; commit them before you accept the work.',
  'Work in This Folder: no worktrees. All agents change the files that you have open.',
  'The setting “Worktrees Begin” answers this for every run.',
].join('\n\n');
