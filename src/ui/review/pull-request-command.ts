import * as vscode from 'vscode';
import type { PullRequestPlan } from '../../core/run/pull-request.ts';
import { count, oneLine, plain } from '../../core/text.ts';
import { confirm, tellFailure, valueOrTell } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import type { TreeNode } from '../tree-nodes.ts';
import { isNoWave, isOpenToAccept, nameOf, workOf } from './work-target.ts';

const EXTENSION = 'GitHub.vscode-pull-request-github';

/**
 * Pushes the branch of a task or a run, after asking, and makes a pull request of it: by the GitHub
 * CLI, else in the form of the extension GitHub Pull Requests.
 */
export async function createPullRequest(
  backlogs: Backlogs,
  node: TreeNode | undefined,
): Promise<void> {
  const target = await workOf(
    backlogs,
    node,
    'Create Pull Request',
    (each) => isNoWave(each) && isOpenToAccept(each),
  );
  if (target === undefined) return;
  const { pullRequests } = backlogs.of(target.backlog);
  const plan = await valueOrTell(pullRequests.plan(target.run, target.id));
  if (plan === undefined) return;
  const hasExtension = vscode.extensions.getExtension(EXTENSION) !== undefined;
  if (plan.whyNoCli !== undefined && !hasExtension) {
    const why = `No pull request can be made. ${plan.whyNoCli} The extension GitHub Pull Requests would do, too.`;
    return void vscode.window.showWarningMessage(plain(why));
  }
  const asked = `Push ${nameOf(target)} and create a pull request?`;
  if (!(await confirm(asked, detailOf(plan), 'Push'))) return;
  if (!(await tellFailure(pullRequests.push(plan)))) return;
  if (plan.whyNoCli !== undefined) {
    const form = { repoPath: plan.top, compareBranch: plan.branch };
    await vscode.commands.executeCommand('pr.create', form);
    return;
  }
  const made = await valueOrTell(pullRequests.create(plan));
  if (made === undefined) return;
  const words = made.kind === 'created' ? 'The pull request is made' : 'It was there already';
  const open = 'Open';
  const message = plain(`${words}: ${made.url}`);
  if ((await vscode.window.showInformationMessage(message, open)) === open)
    await vscode.env.openExternal(vscode.Uri.parse(made.url, true));
}

function detailOf(plan: PullRequestPlan): string {
  const { remote, url, branch, commits, target, title, whyNoCli } = plan;
  const how =
    whyNoCli === undefined
      ? `The GitHub CLI then makes a pull request into ${target}, called “${title}”.`
      : 'The form of the extension GitHub Pull Requests then opens.';
  return [
    `The branch ${branch} with ${count(commits, 'commit')} that ${target} does not have is pushed to ${remote} (${url}), without force and with your pre-push hook.`,
    how,
  ]
    .map(oneLine)
    .join('\n\n');
}
