import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Backlogs } from './backlogs.ts';
import { taskTooltip } from './task-document.ts';
import { taskUri } from './task-uri.ts';
import { WaveDrag } from './plan-move.ts';
import type { RowContent, RowView } from './row.ts';
import { explainAsked } from './plan-words.ts';
import { backlogSummary, backlogTrouble, describeNode } from './tree-item.ts';
import { findRun } from './run-row.ts';
import { childrenOf, nodeKey, type TreeNode } from './tree-nodes.ts';

/** Times in rows ("12 min left") are in minutes, so half a minute keeps them true. */
const TICK_MS = 30_000;

/** The tree of waves and tasks; holds nothing but the identity of its rows. */
export class WavesTree implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  readonly #treeView: vscode.TreeView<TreeNode>;
  readonly #view: RowView;
  readonly #disposables: Disposable[];
  /**
   * The rows below each row, or below this tree, as they were asked for last. The editor knows rows by identity, so the same
   * row must be the same object, and one with another id another. What is gone is let go of with the row above it.
   */
  readonly #below = new WeakMap<object, readonly TreeNode[]>();
  /** The topmost rows, as the editor was given them last. */
  #topmost: readonly TreeNode[] = [];
  #wasTimely = false;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#view = {
      hasTerminal: (backlog, id) => backlogs.hasTerminal(backlog, id),
      activityOf: (backlog, id) => backlogs.activityOf(backlog, id),
    };
    this.#treeView = vscode.window.createTreeView('todo2Waves.waves', {
      treeDataProvider: this,
      showCollapseAll: true,
      canSelectMany: true,
      dragAndDropController: new WaveDrag(),
    });
    const timer = setInterval(() => this.#tick(), TICK_MS);
    this.#disposables = [
      this.#treeView,
      this.#changed,
      backlogs.onDidChange(() => this.#refresh()),
      backlogs.onDidChangeActivity(() => this.#showActivity()),
      { dispose: () => clearInterval(timer) },
    ];
    this.#refresh();
  }

  /** The rows that are selected, as commands from the keyboard need them. */
  get selection(): readonly TreeNode[] {
    return this.#treeView.selection;
  }

  getChildren(node?: TreeNode): TreeNode[] {
    const children = this.#childrenOf(node);
    if (node === undefined) this.#topmost = children;
    return children;
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    const content = describeNode(node, this.#view);
    const item = new vscode.TreeItem(content.label, COLLAPSIBLE[content.collapsible]);
    item.id = nodeKey(node);
    item.description = content.description;
    item.iconPath = new vscode.ThemeIcon(
      content.icon.id,
      content.icon.color === undefined ? undefined : new vscode.ThemeColor(content.icon.color),
    );
    item.contextValue = content.flags.join(' ');
    item.accessibilityInformation = { label: content.spoken };
    if (content.opens !== undefined) {
      item.resourceUri = taskUri(node.backlog, content.opens);
      const opened: TreeNode = { kind: 'task', backlog: node.backlog, taskId: content.opens };
      item.command = { command: 'todo2Waves.openTask', title: 'Open Details', arguments: [opened] };
    } else if (content.click !== undefined) {
      item.command = { ...content.click, arguments: [node] };
    }
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, node: TreeNode): vscode.TreeItem {
    const task = 'taskId' in node ? node.backlog.task(node.taskId) : undefined;
    const { label, description, tooltip } = describeNode(node, this.#view);
    // Not trusted: no command links, no HTML, whatever a task says.
    item.tooltip =
      task === undefined
        ? (tooltip ?? [label, description].filter(Boolean).join('\n'))
        : new vscode.MarkdownString(taskTooltip(node.backlog, task, node.kind === 'runTask' ? description : ''));
    return item;
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #childrenOf(node: TreeNode | undefined): TreeNode[] {
    const above = node ?? this;
    const known = new Map(this.#below.get(above)?.map((child) => [nodeKey(child), child]));
    const children = childrenOf(node, this.#backlogs.all).map((child) => {
      const same = known.get(nodeKey(child));
      return same?.backlog === child.backlog ? same : child;
    });
    this.#below.set(above, children);
    return children;
  }

  /**
   * Drawing the whole tree anew makes the editor forget every row until it has asked for all of them again: what is pressed
   * meanwhile reaches its command without a row, and rows that it was asking for are not drawn at all. So that is done only
   * where topmost rows come or go; else each of them is drawn anew where it is.
   */
  #redraw(): void {
    const topmost = this.#childrenOf(undefined);
    const isSame = topmost.length === this.#topmost.length && topmost.every((node, at) => node === this.#topmost[at]);
    this.#changed.fire(isSame && topmost.length > 0 ? topmost : undefined);
  }

  #refresh(): void {
    this.#redraw();
    const [only, ...more] = this.#backlogs.all;
    this.#treeView.description = only === undefined || more.length > 0 ? '' : backlogSummary(only);
    const message = only === undefined || more.length > 0 ? undefined : viewMessage(only);
    // An empty message would hide the welcome texts.
    (this.#treeView as { message: string | undefined }).message = message;
    const locked = this.#backlogs.all.flatMap((b) => b.liveLocks()).filter((held) => held.lease.kind === 'ours').length;
    this.#treeView.badge =
      locked === 0
        ? undefined
        : { value: locked, tooltip: `${locked} ${locked === 1 ? 'lock' : 'locks'} held by this window` };
  }

  /** The rows below one, as far as the editor has asked for them. */
  #known(node: TreeNode): readonly TreeNode[] {
    return this.#below.get(node) ?? [];
  }

  /** Agents say every second what they are doing: only their own rows are drawn for it. */
  #showActivity(): void {
    const top = this.#topmost.flatMap((node) => (node.kind === 'backlog' ? this.#known(node) : [node]));
    const rows = top.flatMap((node) => (node.kind === 'run' ? this.#known(node) : [])).filter(isAtWork);
    if (rows.length > 0) this.#changed.fire(rows);
  }

  /** Once more after the last lease has ended, too: that nobody holds a task any more is news that no commit brings. */
  #tick(): void {
    const isTimely = this.#backlogs.all.some((backlog) => backlog.liveLocks().length > 0);
    if (isTimely || this.#wasTimely) this.#backlogs.timePassed();
    this.#wasTimely = isTimely;
  }
}

const COLLAPSIBLE: Readonly<Record<RowContent['collapsible'], vscode.TreeItemCollapsibleState>> = {
  none: vscode.TreeItemCollapsibleState.None,
  collapsed: vscode.TreeItemCollapsibleState.Collapsed,
  expanded: vscode.TreeItemCollapsibleState.Expanded,
};

function isAtWork(node: TreeNode): boolean {
  if (node.kind !== 'runTask') return false;
  const run = findRun(node.backlog, node.runId);
  return run !== undefined && run.phase !== 'ended' && run.tasks.get(node.taskId)?.phase === 'running';
}

/** A line above the rows for what concerns all of them; undefined where the rows or a welcome text say it. */
function viewMessage(backlog: Backlog): string | undefined {
  const { plan } = backlog;
  const trouble = backlogTrouble(backlog);
  if (trouble !== undefined) return trouble;
  if (plan !== undefined && plan.settled.length > 0 && plan.waves.length === 0 && plan.blocked.length === 0) {
    return 'Nothing to do: every task is finished.';
  }
  // The description of a view is hidden where the view is the only one of its container.
  if (plan?.asked !== undefined) return `${explainAsked(plan.asked).replace(/^./, (first) => first.toUpperCase())}.`;
  return undefined;
}
