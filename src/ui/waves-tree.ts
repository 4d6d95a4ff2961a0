import type * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import type { TaskId } from '../core/task.ts';
import { attentionOf } from './attention.ts';
import type { Backlogs } from './backlogs.ts';
import { WaveDrag } from './plan-move.ts';
import { explainAsked } from './plan-words.ts';
import { SideTree } from './side-tree.ts';
import { backlogSummary, backlogTrouble } from './tree-item.ts';
import { filterWords, isFiltered, isShown, TreeLooks, type TreeMemory } from './tree-look.ts';
import { taskNode, type TreeNode } from './tree-nodes.ts';

/** Times in rows ("12 min") are in minutes, so half a minute keeps them true. */
const TICK_MS = 30_000;

/** The view of waves and tasks, which keeps the time for the others. */
export class WavesTree extends SideTree {
  readonly #backlogs: Backlogs;
  readonly #subscriptions: readonly Disposable[];
  #wasTimely = false;
  /** Ends the wait for a task that is to be revealed once it has been read. */
  #awaited: Disposable | undefined;

  /** What the user wants to see of the waves. */
  readonly looks: TreeLooks;

  constructor(backlogs: Backlogs, memory: TreeMemory) {
    const looks = new TreeLooks(memory);
    const options = {
      showCollapseAll: true,
      canSelectMany: true,
      dragAndDropController: new WaveDrag(),
    };
    super('waves', backlogs, options, () => looks.now);
    this.looks = looks;
    this.#backlogs = backlogs;
    const timer = setInterval(() => this.#tick(), TICK_MS);
    this.#subscriptions = [
      { dispose: () => clearInterval(timer) },
      looks.onDidChange(() => this.redraw()),
    ];
    this.onDidRedraw(this.treeView);
  }

  /**
   * Shows the row of a task, once it has been read; a filter that hides it is taken off. The latest
   * task that was asked for counts.
   */
  async reveal(backlog: Backlog, id: TaskId): Promise<void> {
    this.#awaited?.dispose();
    this.#awaited = undefined;
    const task = backlog.task(id);
    if (task === undefined) {
      await this.#isRead(backlog, id);
      if (backlog.task(id) !== undefined) await this.reveal(backlog, id);
      return;
    }
    if (!isShown(backlog, task, this.looks.now)) await this.looks.set({ only: [], text: '' });
    await this.revealRow(taskNode(backlog, id));
  }

  /** Resolves once a task has been read, or another one is to be revealed in its place. */
  #isRead(backlog: Backlog, id: TaskId): Promise<void> {
    return new Promise((resolve) => {
      const subscription = this.#backlogs.onDidChange(() => {
        if (backlog.task(id) !== undefined) this.#awaited?.dispose();
      });
      this.#awaited = {
        dispose: () => {
          subscription.dispose();
          resolve();
        },
      };
    });
  }

  override dispose(): void {
    this.#awaited?.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
    super.dispose();
  }

  protected override onDidRedraw(treeView: vscode.TreeView<TreeNode>): void {
    const [only, ...more] = this.#backlogs.all;
    const description = only === undefined || more.length > 0 ? '' : backlogSummary(only);
    const message = [
      ...(isFiltered(this.looks.now) ? [`Only: ${filterWords(this.looks.now)}.`] : []),
      ...(only === undefined || more.length > 0 ? [] : viewMessage(only)),
    ].join(' ');
    // An empty message would hide the welcome texts; and each one that is set is sent and laid out,
    // even where it is the same.
    const view = treeView as { message: string | undefined; description?: string };
    const text = message === '' ? undefined : message;
    if (view.message !== text) view.message = text;
    if (view.description !== description) view.description = description;
    const attention = attentionOf(this.#backlogs.all);
    const badge = attention && { value: attention.count, tooltip: attention.words };
    if (treeView.badge?.value !== badge?.value || treeView.badge?.tooltip !== badge?.tooltip)
      treeView.badge = badge;
  }

  /** Once more after the last lease has expired, too: no commit reports that. */
  #tick(): void {
    const isTimely = this.#backlogs.all.some((backlog) => backlog.liveLocks().length > 0);
    if (isTimely || this.#wasTimely) this.#backlogs.timePassed();
    this.#wasTimely = isTimely;
  }
}

/** A message above the rows about all of them; empty where the rows or a welcome text have it. */
function viewMessage(backlog: Backlog): readonly string[] {
  const { plan } = backlog;
  const trouble = backlogTrouble(backlog);
  if (trouble !== undefined) return [trouble];
  if (
    plan !== undefined &&
    plan.settled.length > 0 &&
    plan.waves.length === 0 &&
    plan.blocked.length + plan.outside.length === 0
  ) {
    return ['Nothing to do: every task is finished.'];
  }
  // The description of a view is hidden where the view is the only one of its container.
  if (plan?.asked !== undefined)
    return [`${explainAsked(plan.asked).replace(/^./, (first) => first.toUpperCase())}.`];
  return [];
}
