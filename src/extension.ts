import { join } from 'node:path';
import * as vscode from 'vscode';
import { openWorkspace } from './wire/batch-workspace.ts';
import { locateStore, storeIdentity } from './store/files/config.ts';
import { findRoot } from './store/files/locate.ts';
import { systemClock } from './store/files/system-clock.ts';
import { registerCommands } from './ui/commands.ts';
import { updateContextKeys } from './ui/context-keys.ts';
import { DescriptionFiles } from './ui/description-files.ts';
import { readEntries } from './store/json/json-places.ts';
import { DocumentProvider } from './ui/document-provider.ts';
import { decorateLocks } from './ui/lock-decorations.ts';
import { PlanEditor } from './ui/plan-editor.ts';
import { showProblems } from './ui/doctor/problems-panel.ts';
import type { BoardPanels } from './ui/board/board-panels.ts';
import { LineComments } from './ui/review/line-comments.ts';
import { registerReviewFiles } from './ui/review/review-files.ts';
import { RunNotices } from './ui/runs/run-notices.ts';
import { readExarpPath, readWantsNotices } from './ui/settings.ts';
import { SideTree } from './ui/side-tree.ts';
import { showLockStatus, showRunStatus } from './ui/status-bar.ts';
import { WavesTree } from './ui/waves-tree.ts';
import { WorkspaceBacklogs } from './ui/workspace-backlogs.ts';
import { wireAgents, type WiredAgents } from './wire/agents.ts';
import { wireBacklog } from './wire/backlog.ts';

let backlogs: WorkspaceBacklogs | undefined;

/** Called by the editor at the first use of our views, commands or files. */
export function activate(context: vscode.ExtensionContext): ExtensionApi {
  const log = vscode.window.createOutputChannel('Todo2 Waves', { log: true });
  const reportBug = (error: unknown): void =>
    log.error(error instanceof Error ? error : String(error));
  const { packageJSON } = context.extension as {
    readonly packageJSON: { readonly version: string };
  };
  const agents = wireAgents({
    editor: vscode,
    log,
    reportBug,
    version: packageJSON.version,
    mcpScript: join(context.extensionPath, 'dist', 'mcp.cjs'),
    storage: context.globalStorageUri.fsPath,
  });
  const opened = new WorkspaceBacklogs({
    findRoot,
    identify: storeIdentity,
    open: async (root) =>
      wireBacklog(await locateStore(root), { extension: context, log, reportBug, agents }),
    reportBug,
  });
  backlogs = opened;
  const tree = new WavesTree(opened, context.workspaceState);
  const runsTree = new SideTree('runs', opened, { canSelectMany: true });
  const locksTree = new SideTree('locks', opened, { canSelectMany: true });
  const lineComments = new LineComments(context.workspaceState, ({ root, runId, id }) => {
    const runs = opened.all.find((backlog) => backlog.root === root)?.runs;
    return runs?.find(runId)?.tasks.has(id) === true && runs.sentBackIn(runId, id) === undefined;
  });
  const boards = lazy(async () => {
    const { BoardPanels } = await import('./ui/board/board-panels.ts');
    const panels: BoardPanels = new BoardPanels({
      backlogs: opened,
      extension: context.extensionUri,
      clock: systemClock,
      reportBug,
    });
    context.subscriptions.push(panels);
    return panels;
  });
  context.subscriptions.push(
    log,
    vscode.window.registerWebviewPanelSerializer('todo2Waves.board', {
      deserializeWebviewPanel: async (panel, state: unknown) =>
        (await boards()).restore(panel, state),
    }),
    tree,
    runsTree,
    locksTree,
    showLockStatus(opened),
    showRunStatus(opened),
    decorateLocks(opened),
    new DocumentProvider(opened, systemClock),
    registerReviewFiles(opened),
    lineComments,
    new DescriptionFiles(opened),
    updateContextKeys(opened, tree.looks),
    new RunNotices({
      backlogs: opened,
      isFocused: () => vscode.window.state.focused,
      wants: ({ root }) => readWantsNotices(vscode.Uri.file(root)),
      now: () => Date.now(),
      reportBug,
    }),
    new PlanEditor(opened),
    showProblems({ backlogs: opened, findEntries: readEntries, reportBug }),
    agents.register(opened),
    ...registerCommands({
      backlogs: opened,
      selection: () => tree.selection,
      tree,
      showLog: () => log.show(),
      agents: agents.doors(opened),
      lineComments,
      openBoard: async (backlog, id) => (await boards()).open(backlog, id),
      workspace: (root) =>
        openWorkspace(root, { program: readExarpPath(), version: packageJSON.version }),
    }),
  );
  return { backlogs: opened, agents };
}

/** Makes something when it is first wanted, once. */
function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** The result of `activate`, for tests that run inside the editor. */
export interface ExtensionApi {
  readonly backlogs: WorkspaceBacklogs;
  readonly agents: Pick<WiredAgents, 'subagentTool'>;
}

/**
 * Leaves agents to the next window or ends them, as the settings say; releases every lock except
 * those that outlive a reload.
 */
export async function deactivate(): Promise<void> {
  await backlogs?.close();
  backlogs = undefined;
}
