import { setTimeout as pause } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Backlog } from '../core/backlog.ts';
import type { TaskId } from '../core/task.ts';
import { messageOf } from '../core/text.ts';
import type { Backlogs } from './backlogs.ts';
import { taskTooltip } from './task-document.ts';
import type { RowContent, RowView } from './row.ts';
import { partNote } from './runs/task-part.ts';
import { describeNode } from './tree-item.ts';
import { type TreeLook, WHOLE } from './tree-look.ts';
import {
  childrenOf,
  nodeKey,
  rowAbove,
  rowAboveRow,
  type TreeNode,
  type ViewName,
} from './tree-nodes.ts';
import { documentUri } from './documents.ts';

/** How often a row is asked to be shown, and how long each request has to be heeded. */
const MOST_REVEALS = 5;
const LOOKS = 5;
const LOOK_EVERY_MS = 100;

/** What the editor has of a row: its look, and its tooltip once the user has pointed at it. */
interface Given {
  readonly look: string;
  readonly tooltip?: string;
}

/** One of our views; its only state is what the editor has. */
export class SideTree implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly #name: ViewName;
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  readonly #treeView: vscode.TreeView<TreeNode>;
  readonly #view: RowView;
  readonly #lookNow: () => TreeLook;
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

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(
    name: ViewName,
    backlogs: Backlogs,
    options: Partial<vscode.TreeViewOptions<TreeNode>> = {},
    lookNow: () => TreeLook = () => WHOLE,
  ) {
    this.#lookNow = lookNow;
    this.#name = name;
    this.#backlogs = backlogs;
    this.#view = {
      hasTerminal: (backlog, id) => backlogs.of(backlog).hasTerminal(id),
      activityOf: (backlog, id) => backlogs.of(backlog).activityOf(id),
    };
    this.#treeView = vscode.window.createTreeView(`todo2Waves.${name}`, {
      treeDataProvider: this,
      ...options,
    });
    this.#disposables = [
      this.#treeView,
      this.#changed,
      backlogs.onDidChange(() => this.redraw()),
      backlogs.onDidChangeActivity(() => this.#showActivity()),
    ];
  }

  /** Draws what looks different by now. */
  protected redraw(): void {
    this.#redraw();
    this.onDidRedraw?.(this.#treeView);
  }

  /** What else a view shows beside its rows is brought up to date here, after them. */
  protected onDidRedraw?(view: vscode.TreeView<TreeNode>): void;

  protected get treeView(): vscode.TreeView<TreeNode> {
    return this.#treeView;
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

  /**
   * Selects a row, and opens what it is in. The editor drops such a request while it asks for rows
   * anew, with or without an error, so it is made again until the row is selected; not where the
   * user has selected another one meanwhile. Rejects where the editor refuses it to the end.
   */
  protected async revealRow(node: TreeNode): Promise<void> {
    const before = this.#selectedKeys();
    for (let attempt = 1; ; attempt++) {
      const trouble = await this.#treeView.reveal(node, { select: true, focus: true }).then(
        () => undefined,
        (error: unknown) => error,
      );
      for (let look = 0; look < LOOKS && this.#selectedKeys() === before; look++)
        await pause(LOOK_EVERY_MS);
      if (this.#selectedKeys() !== before || nodeKey(node) === before) return;
      if (attempt === MOST_REVEALS) {
        if (trouble !== undefined) throw new Error(messageOf(trouble));
        return;
      }
    }
  }

  #selectedKeys(): string {
    return this.#treeView.selection.map(nodeKey).join('\n');
  }

  /** For `reveal`, which is asked of tasks alone. */
  getParent(node: TreeNode): TreeNode | undefined {
    const isOnly = this.#backlogs.all.length === 1;
    if (node.kind !== 'task') return rowAboveRow(node, isOnly);
    const task = node.backlog.task(node.taskId);
    return task && rowAbove(node.backlog, task, this.#lookNow());
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    const content = this.#describe(node);
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

  #describe(node: TreeNode): RowContent {
    return describeNode(node, this.#view, this.#lookNow());
  }

  #childrenOf(node: TreeNode | undefined): TreeNode[] {
    const known = new Map(this.#known(node ?? this).map((child) => [nodeKey(child), child]));
    return childrenOf(node, this.#backlogs.all, this.#name, this.#lookNow()).map((child) => {
      const same = known.get(nodeKey(child));
      return same?.backlog === child.backlog ? same : child;
    });
  }

  #tooltipOf(node: TreeNode): { readonly text: string; readonly isMarkdown: boolean } {
    const task = 'taskId' in node ? node.backlog.task(node.taskId) : undefined;
    const { label, description, tooltip } = this.#describe(node);
    if (task === undefined)
      return {
        text: tooltip ?? [label, description].filter(Boolean).join('\n'),
        isMarkdown: false,
      };
    return {
      text: taskTooltip(
        node.backlog,
        task,
        partNote(node.backlog, node.backlog.runs.latestOf(task.id)),
      ),
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
    if (given.look !== lookOf(this.#describe(node))) return true;
    return given.tooltip !== undefined && given.tooltip !== this.#tooltipOf(node).text;
  }

  /** Activities change every second, so only the rows of these agents are checked. */
  #showActivity(): void {
    const ids = new Map(this.#backlogs.all.map((backlog) => [backlog, idsAtWork(backlog)]));
    const rows: TreeNode[] = [];
    const look = (above: object): void => {
      for (const node of this.#known(above)) {
        const isAtWork = node.kind === 'task' && ids.get(node.backlog)?.has(node.taskId) === true;
        if (isAtWork && this.#hasChanged(node)) rows.push(node);
        look(node);
      }
    };
    look(this);
    this.#draw(rows);
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

function idsAtWork({ runs }: Backlog): ReadonlySet<TaskId> {
  const live = runs.all.filter(({ phase }) => phase !== 'ended');
  return new Set(
    live.flatMap(({ tasks }) =>
      [...tasks.values()].flatMap(({ id, phase }) => (phase === 'running' ? [id] : [])),
    ),
  );
}
