import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Backlogs } from './backlogs.ts';
import { taskTooltip } from './task-document.ts';
import { WaveDrag } from './plan-move.ts';
import type { RowContent, RowView } from './row.ts';
import { explainAsked } from './plan-words.ts';
import { backlogSummary, backlogTrouble, describeNode } from './tree-item.ts';
import { childrenOf, nodeKey, type TreeNode } from './tree-nodes.ts';
import { documentUri } from './documents.ts';

/** Times in rows ("12 min left") are in minutes, so half a minute keeps them true. */
const TICK_MS = 30_000;

/** What the editor has of a row: its look, and its tooltip once the user has pointed at it. */
interface Given {
  readonly look: string;
  readonly tooltip?: string;
}

/** The tree of waves and tasks; its only state is what the editor has. */
export class WavesTree implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  readonly #treeView: vscode.TreeView<TreeNode>;
  readonly #view: RowView;
  readonly #disposables: Disposable[];
  /**
   * The rows below each row, or below this tree, as the editor was given them. It knows rows by
   * identity, so the same row must be the same object, and one with another id another. Removed
   * rows are released with their parent.
   */
  readonly #below = new WeakMap<object, readonly TreeNode[]>();
  /** Rows, and this tree, whose children the editor has requested since their last change event. */
  readonly #asked = new WeakSet<object>();
  readonly #given = new WeakMap<TreeNode, Given>();
  #wasTimely = false;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#view = {
      hasTerminal: (backlog, id) => backlogs.of(backlog).hasTerminal(id),
      activityOf: (backlog, id) => backlogs.of(backlog).activityOf(id),
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
    this.#below.set(node ?? this, children);
    this.#asked.add(node ?? this);
    return children;
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    const content = describeNode(node, this.#view);
    this.#given.set(node, { look: lookOf(content) });
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
      item.resourceUri = documentUri('task', node.backlog.root, content.opens);
      const opened: TreeNode = { kind: 'task', backlog: node.backlog, taskId: content.opens };
      item.command = { command: 'todo2Waves.openTask', title: 'Open Details', arguments: [opened] };
    } else if (content.click !== undefined) {
      item.command = { ...content.click, arguments: [node] };
    }
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, node: TreeNode): vscode.TreeItem {
    // Not trusted: no command links and no HTML from a task's text.
    const { text, isMarkdown } = this.#tooltipOf(node);
    const given = this.#given.get(node);
    if (given !== undefined) this.#given.set(node, { ...given, tooltip: text });
    item.tooltip = isMarkdown ? new vscode.MarkdownString(text) : text;
    return item;
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #childrenOf(node: TreeNode | undefined): TreeNode[] {
    const known = new Map(this.#known(node ?? this).map((child) => [nodeKey(child), child]));
    return childrenOf(node, this.#backlogs.all).map((child) => {
      const same = known.get(nodeKey(child));
      return same?.backlog === child.backlog ? same : child;
    });
  }

  #tooltipOf(node: TreeNode): { readonly text: string; readonly isMarkdown: boolean } {
    const task = 'taskId' in node ? node.backlog.task(node.taskId) : undefined;
    const { label, description, tooltip } = describeNode(node, this.#view);
    if (task === undefined)
      return {
        text: tooltip ?? [label, description].filter(Boolean).join('\n'),
        isMarkdown: false,
      };
    return {
      text: taskTooltip(node.backlog, task, node.kind === 'runTask' ? description : ''),
      isMarkdown: true,
    };
  }

  /**
   * Has redrawn what is not as the editor was given it, and nothing else: a click that falls into
   * the drawing of its row is lost, a key finds its command gone, and a row that was just opened is
   * closed. Where topmost rows come or go the editor forgets every row until it has asked for all
   * of them; it is told of that once, as it finds the latest when it asks.
   */
  #redraw(): void {
    if (!this.#asked.has(this)) return;
    const top = this.#known(this);
    if (isSame(top, this.#childrenOf(undefined)))
      this.#draw(top.flatMap((node) => this.#changedFrom(node)));
    else {
      this.#asked.delete(this);
      this.#changed.fire(undefined);
    }
  }

  #draw(rows: TreeNode[]): void {
    // The editor asks for what is below a row with it, but not while that is closed.
    for (const row of rows) this.#asked.delete(row);
    if (rows.length > 0) this.#changed.fire(rows);
  }

  #known(above: object): readonly TreeNode[] {
    return this.#below.get(above) ?? [];
  }

  /** The topmost rows from this one down that look different; each is drawn with its children. */
  #changedFrom(node: TreeNode): TreeNode[] {
    if (this.#hasChanged(node)) return [node];
    if (!this.#asked.has(node)) return [];
    const below = this.#known(node);
    return isSame(below, this.#childrenOf(node))
      ? below.flatMap((child) => this.#changedFrom(child))
      : [node];
  }

  #hasChanged(node: TreeNode): boolean {
    const given = this.#given.get(node);
    if (given === undefined) return false;
    if (given.look !== lookOf(describeNode(node, this.#view))) return true;
    return given.tooltip !== undefined && given.tooltip !== this.#tooltipOf(node).text;
  }

  #refresh(): void {
    this.#redraw();
    const [only, ...more] = this.#backlogs.all;
    const description = only === undefined || more.length > 0 ? '' : backlogSummary(only);
    const message = only === undefined || more.length > 0 ? undefined : viewMessage(only);
    // An empty message would hide the welcome texts; and each one that is set is sent and laid out,
    // even where it is the same.
    const view = this.#treeView as { message: string | undefined; description?: string };
    if (view.message !== message) view.message = message;
    if (view.description !== description) view.description = description;
    const locked = this.#backlogs.all
      .flatMap((b) => b.liveLocks())
      .filter((held) => held.lease.kind === 'ours').length;
    this.#treeView.badge =
      locked === 0
        ? undefined
        : {
            value: locked,
            tooltip: `${locked} ${locked === 1 ? 'lock' : 'locks'} held by this window`,
          };
  }

  /** Activities change every second, so only the rows of these agents are checked. */
  #showActivity(): void {
    const top = this.#known(this).flatMap((node) =>
      node.kind === 'backlog' ? this.#known(node) : [node],
    );
    const below = top.flatMap((node) => (node.kind === 'run' ? this.#known(node) : []));
    const rows = below.flatMap((node) => (node.kind === 'runWave' ? this.#known(node) : node));
    this.#draw(rows.filter((node) => isAtWork(node) && this.#hasChanged(node)));
  }

  /** Once more after the last lease has expired, too: no commit reports that. */
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

function lookOf(content: RowContent): string {
  return JSON.stringify(content);
}

function isSame(before: readonly TreeNode[], now: readonly TreeNode[]): boolean {
  return before.length === now.length && before.every((node, at) => node === now[at]);
}

function isAtWork(node: TreeNode): boolean {
  if (node.kind !== 'runTask') return false;
  const run = node.backlog.runs.find(node.runId);
  return (
    run !== undefined && run.phase !== 'ended' && run.tasks.get(node.taskId)?.phase === 'running'
  );
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
