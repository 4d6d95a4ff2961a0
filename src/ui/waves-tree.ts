import type * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Backlogs } from './backlogs.ts';
import { WaveDrag } from './plan-move.ts';
import { explainAsked } from './plan-words.ts';
import { SideTree } from './side-tree.ts';
import { backlogSummary, backlogTrouble } from './tree-item.ts';
import type { TreeNode } from './tree-nodes.ts';

/** Times in rows ("12 min") are in minutes, so half a minute keeps them true. */
const TICK_MS = 30_000;

/** The view of waves and tasks, which keeps the time for the others. */
export class WavesTree extends SideTree {
  readonly #backlogs: Backlogs;
  readonly #timer: NodeJS.Timeout;
  #wasTimely = false;

  constructor(backlogs: Backlogs) {
    super('waves', backlogs, {
      showCollapseAll: true,
      canSelectMany: true,
      dragAndDropController: new WaveDrag(),
    });
    this.#backlogs = backlogs;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.onDidRedraw(this.treeView);
  }

  override dispose(): void {
    clearInterval(this.#timer);
    super.dispose();
  }

  protected override onDidRedraw(treeView: vscode.TreeView<TreeNode>): void {
    const [only, ...more] = this.#backlogs.all;
    const description = only === undefined || more.length > 0 ? '' : backlogSummary(only);
    const message = only === undefined || more.length > 0 ? undefined : viewMessage(only);
    // An empty message would hide the welcome texts; and each one that is set is sent and laid out,
    // even where it is the same.
    const view = treeView as { message: string | undefined; description?: string };
    if (view.message !== message) view.message = message;
    if (view.description !== description) view.description = description;
    const locked = this.#backlogs.all
      .flatMap((b) => b.liveLocks())
      .filter((held) => held.lease.kind === 'ours').length;
    treeView.badge =
      locked === 0
        ? undefined
        : {
            value: locked,
            tooltip: `${locked} ${locked === 1 ? 'lock' : 'locks'} held by this window`,
          };
  }

  /** Once more after the last lease has expired, too: no commit reports that. */
  #tick(): void {
    const isTimely = this.#backlogs.all.some((backlog) => backlog.liveLocks().length > 0);
    if (isTimely || this.#wasTimely) this.#backlogs.timePassed();
    this.#wasTimely = isTimely;
  }
}

/**
 * A message above the rows about all of them; undefined where the rows or a welcome text have it.
 */
function viewMessage(backlog: Backlog): string | undefined {
  const { plan } = backlog;
  const trouble = backlogTrouble(backlog);
  if (trouble !== undefined) return trouble;
  if (
    plan !== undefined &&
    plan.settled.length > 0 &&
    plan.waves.length === 0 &&
    plan.blocked.length + plan.outside.length === 0
  ) {
    return 'Nothing to do: every task is finished.';
  }
  // The description of a view is hidden where the view is the only one of its container.
  if (plan?.asked !== undefined)
    return `${explainAsked(plan.asked).replace(/^./, (first) => first.toUpperCase())}.`;
  return undefined;
}
