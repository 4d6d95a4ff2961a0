import { join } from 'node:path';
import * as vscode from 'vscode';
import { openWorkspace } from './wire/batch-workspace.ts';
import { locateStore, storeIdentity } from './store/files/config.ts';
import { findRoot } from './store/files/locate.ts';
import { systemClock } from './store/files/system-clock.ts';
import { registerCommands } from './ui/commands.ts';
import { ANALYSIS_SCHEME, analysisText } from './ui/analysis-report.ts';
import { BATCH_SCHEME, batchText } from './ui/batch-commands.ts';
import { ContextKeyUpdater } from './ui/context-keys.ts';
import { DescriptionFiles } from './ui/description-files.ts';
import { DRY_RUN_SCHEME, DryRunPages } from './ui/dry-run-pages.ts';
import { HANDOFF_SCHEME, handoffText, RESUME_SCHEME, resumeText } from './ui/handoffs/handoff-details.ts';
import { readEntries } from './store/json/json-places.ts';
import { DOCTOR_SCHEME, doctorText } from './ui/doctor/doctor-report.ts';
import { LockDecorations } from './ui/lock-decorations.ts';
import { PLAN_PREVIEW_SCHEME, planPreviewText } from './ui/plan-commands.ts';
import { PlanEditor } from './ui/plan-editor.ts';
import { ProblemsPanel } from './ui/doctor/problems-panel.ts';
import { RunNotices } from './ui/run-notices.ts';
import { RUN_REPORT_SCHEME, runReportText } from './ui/run-report.ts';
import { readExarpPath, readWantsNotices } from './ui/settings.ts';
import { LockStatusItem } from './ui/status-bar.ts';
import { ShownDocuments } from './ui/shown-documents.ts';
import { taskText } from './ui/task-details.ts';
import { TASK_SCHEME } from './ui/task-uri.ts';
import { WavesTree } from './ui/waves-tree.ts';
import { WorkspaceBacklogs } from './ui/workspace-backlogs.ts';
import { wireAgents, type WiredAgents } from './wire/agents.ts';
import { wireBacklog } from './wire/backlog.ts';

let backlogs: WorkspaceBacklogs | undefined;

/** Called by the editor when the first of our views, commands or files is wanted. */
export function activate(context: vscode.ExtensionContext): ExtensionApi {
  const log = vscode.window.createOutputChannel('Todo2 Waves', { log: true });
  const reportBug = (error: unknown): void => log.error(error instanceof Error ? error : String(error));
  const { packageJSON } = context.extension as { readonly packageJSON: { readonly version: string } };
  const agents = wireAgents({
    ...{ editor: vscode, log, reportBug, version: packageJSON.version },
    mcpScript: join(context.extensionPath, 'dist', 'mcp.cjs'),
    storage: context.globalStorageUri.fsPath,
  });
  const opened = new WorkspaceBacklogs({
    findRoot,
    identify: storeIdentity,
    open: async (root) => wireBacklog(await locateStore(root), { extension: context, log, reportBug, agents }),
    reportBug,
  });
  backlogs = opened;
  const tree = new WavesTree(opened);
  const dryRuns = new DryRunPages();
  context.subscriptions.push(
    log,
    tree,
    new LockStatusItem(opened),
    new LockDecorations(opened),
    new ShownDocuments(opened, TASK_SCHEME, taskText),
    new DescriptionFiles(opened),
    new ShownDocuments(opened, HANDOFF_SCHEME, handoffText),
    new ShownDocuments(opened, RESUME_SCHEME, resumeText),
    new ContextKeyUpdater(opened),
    new ShownDocuments(opened, DOCTOR_SCHEME, doctorText),
    new ShownDocuments(opened, ANALYSIS_SCHEME, analysisText, { clock: systemClock, restMs: 3_000 }),
    new ShownDocuments(opened, BATCH_SCHEME, batchText),
    new ShownDocuments(opened, RUN_REPORT_SCHEME, runReportText(opened)),
    new ShownDocuments(opened, DRY_RUN_SCHEME, dryRuns.textOf),
    new RunNotices({
      backlogs: opened,
      isFocused: () => vscode.window.state.focused,
      wants: ({ root }) => readWantsNotices(vscode.Uri.file(root)),
      now: () => Date.now(),
      reportBug,
    }),
    new PlanEditor(opened),
    new ShownDocuments(opened, PLAN_PREVIEW_SCHEME, planPreviewText),
    new ProblemsPanel({ backlogs: opened, findEntries: readEntries, reportBug }),
    agents.register(opened),
    ...registerCommands({
      ...{ backlogs: opened, selection: () => tree.selection, showLog: () => log.show(), dryRuns },
      agents: agents.doors(opened),
      workspace: (root) => openWorkspace(root, { program: readExarpPath(), version: packageJSON.version }),
    }),
  );
  return { backlogs: opened, agents };
}

/** What `activate` answers, for tests that run inside the editor. */
export interface ExtensionApi {
  readonly backlogs: WorkspaceBacklogs;
  readonly agents: Pick<WiredAgents, 'subagentTool'>;
}

/** Lets agents go on for the next window, or ends them, as the settings say; gives back every lock but those that somebody may come back for. */
export async function deactivate(): Promise<void> {
  await backlogs?.close();
  backlogs = undefined;
}
