import { sep } from 'node:path';
import * as vscode from 'vscode';
import { AgentBacklog, type AgentBacklogParts } from '../agent-api/agent-backlog.ts';
import { AgentCommands } from '../agent-api/agent-commands.ts';
import { type Editor, isCursor } from '../agent-api/editor.ts';
import { type ServerCommand, serverCommand } from '../agent-api/client-config.ts';
import { registerLanguageModelTools } from '../agent-api/lm-tools.ts';
import { registerParticipant } from '../agent-api/participant.ts';
import { type McpEditor, registerMcp } from '../agent-api/register-mcp.ts';
import { SubagentLauncher } from '../agent-api/subagent-launcher.ts';
import { SubagentPrompts } from '../agent-api/subagent-prompts.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import { oneLine } from '../core/text.ts';
import { ok } from '../core/result.ts';
import type { SubagentHostRegistry } from '../core/run/attempt/subagent-host-registry.ts';
import { refreshLauncher, writeLauncher } from '../store/files/launcher.ts';
import { isThere, writeBriefs, writeNewFile } from '../store/files/new-files.ts';
import { systemClock as clock } from '../store/files/system-clock.ts';
import type { AgentCommandsPort } from '../ui/agent-commands-port.ts';
import { tell } from '../ui/ask.ts';
import { explainFailure } from '../ui/messages.ts';
import { readSubagentSettings } from '../ui/settings.ts';
import type { WorkspaceBacklogs } from '../ui/workspace-backlogs.ts';
import { newStamp } from './new-stamp.ts';

/** One open backlog, as agents and subagents work with it. */
export interface ServedBacklog extends Omit<AgentBacklogParts, 'allowDone' | 'label'> {
  readonly subagentHosts: SubagentHostRegistry;
}

export interface WiredAgents {
  /**
   * True where an extension cannot start subagents: the editor's agent is asked for them, and they
   * claim for themselves.
   */
  followsSubagents(): boolean;
  /** Lets agents and subagents work with a backlog until this is disposed. */
  serve(parts: ServedBacklog): Disposable;
  /** Offers the window's backlogs to the agents of the editor, as far as it has the means. */
  register(backlogs: WorkspaceBacklogs): vscode.Disposable;
  /** The editor's tool that starts one subagent; tests put a stand-in here. */
  subagentTool: string;
  /** For the commands of the window. */
  doors(backlogs: WorkspaceBacklogs): AgentCommandsPort;
}

/** As `contributes.mcpServerDefinitionProviders` has it. */
const MCP_PROVIDER = 'todo2Waves.mcp';

/** What other clients start. */
const MCP_LAUNCHER = 'mcp.cjs';

/**
 * Wires what agents inside the editor use: its chat, its tools for language models, and its own
 * agent.
 */
export function wireAgents(shared: {
  /** The namespace `vscode`: what is not in it, this editor does not have. */
  readonly editor: Editor & McpEditor;
  /** The MCP server, `mcp.cjs`. */
  readonly mcpScript: string;
  /** A folder of the extension's own that outlives its updates. */
  readonly storage: string;
  readonly version: string;
  readonly log: vscode.LogOutputChannel;
  readonly reportBug: (error: unknown) => void;
}): WiredAgents {
  const { editor, reportBug } = shared;
  const log = (line: string): void => shared.log.info(oneLine(line));
  const served = new Map<
    string,
    { readonly agent: AgentBacklog; readonly subagentHosts: SubagentHostRegistry }
  >();
  // The editor's own Node reads the bytes; where it has no SQLite to write with, the server looks
  // for one that has.
  const mcpCommand = (root: string, script = shared.mcpScript): ServerCommand =>
    serverCommand({ node: process.execPath, script, root });
  const followsSubagents = (): boolean =>
    isCursor(editor) || typeof editor.chat?.createChatParticipant !== 'function';
  const wired: WiredAgents = {
    subagentTool: 'runSubagent',
    followsSubagents,
    serve: ({ subagentHosts, ...parts }) => {
      const { backlog } = parts;
      const agent = new AgentBacklog({
        ...parts,
        allowDone: false,
        label: 'an agent of the editor',
      });
      served.set(backlog.root, { agent, subagentHosts });
      const launcher = followsSubagents() ? launchFor(agent) : undefined;
      return {
        dispose: () => {
          launcher?.dispose();
          served.delete(backlog.root);
        },
      };
    },
    register: (backlogs) => {
      const current = (): Backlog | undefined => currentOf(backlogs.all);
      const participant = registerParticipant({
        editor,
        backlogs: () => backlogs.all,
        current,
        reportBug,
        log,
        ready: () => backlogs.whenOpened(),
        subagentHostsOf: ({ root }) => served.get(root)?.subagentHosts,
        toolFor: () => wired.subagentTool,
      });
      const tools = registerTools(async () => {
        await backlogs.whenOpened();
        const backlog = current() ?? backlogs.all[0];
        return backlog === undefined ? undefined : served.get(backlog.root)?.agent;
      });
      const mcp = registerMcp({
        editor,
        providerId: MCP_PROVIDER,
        version: shared.version,
        commandFor: mcpCommand,
        log,
        roots: () => backlogs.all.map(({ root }) => root),
        onDidChangeRoots: backlogs.onDidChange,
      });
      refreshLauncher(shared.storage, MCP_LAUNCHER, shared.mcpScript)
        .then((kept) =>
          kept.ok ? undefined : log(explainFailure(kept.failure, clock.now()).message),
        )
        .catch(reportBug);
      return vscode.Disposable.from(
        tools,
        mcp,
        ...(participant === undefined ? [] : [participant]),
      );
    },
    doors: (backlogs) => {
      const commands = new AgentCommands({
        editor,
        backlogs: () => backlogs.all,
        follows: followsSubagents,
        tell,
        log,
        isChatOff: () =>
          vscode.workspace.getConfiguration('chat').get('disableAIFeatures') === true,
        settingsOf: ({ root }) => readSubagentSettings(vscode.Uri.file(root)),
        writeSubagentsPlan: (backlog) => backlogs.of(backlog).writePlan('subagents'),
        isThere: (root, folder, name) => isThere(root, folder.split('/'), name),
        writeNew: async (root, folder, name, text) => {
          const written = await writeNewFile(root, folder.split('/'), name, text);
          return written.ok ? ok(written.value.kind === 'created') : written;
        },
      });
      return {
        runWaveWithSubagents: (backlog, wave) => commands.runWaveWithSubagents(backlog, wave),
        createAgentFiles: (backlog) => commands.createAgentFiles(backlog),
        copyMcpConfiguration: async (backlog) => {
          const launcher = await writeLauncher(shared.storage, MCP_LAUNCHER, shared.mcpScript);
          if (launcher.ok)
            await commands.copyMcpConfiguration(mcpCommand(backlog.root, launcher.value));
          else await tell(launcher.failure);
        },
      };
    },
  };
  return wired;

  /** Loaded on first use: the operations bring all their descriptions along. */
  function registerTools(serve: () => Promise<AgentBacklog | undefined>): vscode.Disposable {
    let tools: readonly vscode.Disposable[] | 'disposed' = [];
    import('../agent-api/operations.ts')
      .then(({ OPERATIONS }) => {
        if (tools === 'disposed') return;
        tools = registerLanguageModelTools({
          editor,
          operations: OPERATIONS,
          served: serve,
          log,
          reportBug,
        });
      })
      .catch(reportBug);
    return new vscode.Disposable(() => {
      if (tools !== 'disposed') for (const tool of tools) tool.dispose();
      tools = 'disposed';
    });
  }

  function launchFor(agent: AgentBacklog): SubagentLauncher {
    const { root } = agent.backlog;
    const prompts = new SubagentPrompts({
      editor,
      served: agent,
      tell,
      log,
      writeBriefs: (files) => writeBriefs(root, newStamp(), files),
    });
    return new SubagentLauncher({
      backlog: agent.backlog,
      clock,
      reportBug,
      launch: (ids) => prompts.launch(ids),
      onEnded: (run) => void prompts.offerVerifier(run).catch(reportBug),
    });
  }
}

/** The backlog of the file that the user looks at, or the only one. */
function currentOf(all: readonly Backlog[]): Backlog | undefined {
  const [only, ...more] = all;
  if (more.length === 0) return only;
  const file = vscode.window.activeTextEditor?.document.uri;
  if (file?.scheme !== 'file') return undefined;
  // The innermost one, where one stands within another.
  return all
    .filter(({ root }) => file.fsPath.startsWith(root.endsWith(sep) ? root : root + sep))
    .sort((a, b) => b.root.length - a.root.length)[0];
}
