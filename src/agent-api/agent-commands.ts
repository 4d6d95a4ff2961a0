import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import { count } from '../core/text.ts';
import { clientConfigs, type ServerCommand } from './client-config.ts';
import {
  AGENT_FOLDERS,
  AGENT_ROLES,
  type AgentFolder,
  agentFileName,
  agentFileText,
} from './agent-files.ts';
import { writeRunRequest } from './chat-request.ts';
import { ask, type Editor, isCursor } from './editor.ts';
import { startableIn } from './subagent-prompts.ts';

export interface AgentCommandParts {
  readonly editor: Pick<Editor, 'commands' | 'env' | 'window'>;
  readonly backlogs: () => readonly Backlog[];
  /** True where only the editor's agent can start subagents: it is asked, and followed. */
  readonly follows: () => boolean;
  /**
   * True where the user has switched off AI features: the editor then opens no chat, although its
   * command reports success.
   */
  readonly isChatOff: () => boolean;
  readonly settingsOf: (backlog: Backlog) => {
    readonly send: 'prefill' | 'send';
    /** How many subagents the editor runs at a time, where it starts them itself. */
    readonly atOnce: number;
  };
  readonly writeSubagentsPlan: (backlog: Backlog) => Promise<Result<string, Failure>>;
  /**
   * Writes a file that was not there; false where something had its name. Fails with `writeFailed`.
   */
  readonly writeNew: (
    root: string,
    folder: AgentFolder['path'],
    name: string,
    text: string,
  ) => Promise<Result<boolean, Failure>>;
  readonly isThere: (root: string, folder: AgentFolder['path'], name: string) => Promise<boolean>;
  readonly tell: (failure: Failure) => Promise<void>;
  readonly log: (line: string) => void;
}

/** What the commands for subagents do. */
export class AgentCommands {
  readonly #parts: AgentCommandParts;

  constructor(parts: AgentCommandParts) {
    this.#parts = parts;
  }

  /** Runs a wave with subagents of a chat request, or of the editor's agent. */
  async runWaveWithSubagents(backlog: Backlog, wave: number): Promise<void> {
    const { follows, tell } = this.#parts;
    if (startableIn(backlog, wave).length === 0) await tell({ kind: 'nothingToRun' });
    else if (follows()) await this.#askForSubagents(backlog, wave);
    else await this.#openChat(backlog, wave);
  }

  /** Only a chat request may start subagents of the editor, so that is what is opened, or sent. */
  async #openChat(backlog: Backlog, wave: number): Promise<void> {
    const { editor, backlogs, settingsOf, isChatOff, log } = this.#parts;
    const all = backlogs();
    const query = writeRunRequest(wave, all.length > 1 ? all.indexOf(backlog) + 1 : undefined);
    const isPartialQuery = settingsOf(backlog).send === 'prefill';
    const asked = isChatOff()
      ? 'off'
      : await ask(editor, 'workbench.action.chat.open', { query, isPartialQuery }, { log });
    if (asked === 'done') return;
    await editor.env.clipboard.writeText(query);
    const why = {
      off: 'The chat of this editor is switched off (chat.disableAIFeatures)',
      missing: 'This editor has no chat',
      failed: 'The chat could not be opened (the log says why)',
      timeout: 'The chat did not open; it may need a model, or be switched off',
    }[asked];
    void editor.window.showWarningMessage(`${why}. “${query}” is on the clipboard.`);
  }

  /**
   * Starts a run that is followed in the store; the editor's agent is asked for as many subagents
   * as it runs at a time.
   */
  async #askForSubagents(backlog: Backlog, wave: number): Promise<void> {
    const { settingsOf, writeSubagentsPlan, tell } = this.#parts;
    if (!(await this.#ensureAgentFiles(backlog))) return;
    const plan = await writeSubagentsPlan(backlog);
    if (!plan.ok) {
      await tell(plan.failure);
      return;
    }
    const cap = Math.min(settingsOf(backlog).atOnce, backlog.options.maxParallelTasks);
    const started = await backlog.runs.start(
      { kind: 'wave', number: wave },
      // Subagents work in the folder that the editor has open.
      { agentMode: 'subagent', isolation: 'shared', cap },
    );
    if (!started.ok) await tell(started.failure);
  }

  /** The prompts name a role that the editor has to know; false where the user cancels. */
  async #ensureAgentFiles({ root }: Backlog): Promise<boolean> {
    const { editor, isThere, tell } = this.#parts;
    const folders = ['.cursor/agents', '.claude/agents'] as const;
    for (const folder of folders) {
      if (await isThere(root, folder, agentFileName(folder, 'wave-task-runner'))) return true;
    }
    const [create, without] = ['Create Agent Files', 'Go On Without'];
    const asked =
      'This project has no file for the role “wave-task-runner”. Create it in .cursor/agents first?';
    const detail =
      'With it, each subagent knows how to claim its task and how to report. You may edit it afterwards.';
    const chosen = await editor.window.showInformationMessage(
      asked,
      { modal: true, detail },
      create,
      without,
    );
    if (chosen === without) return true;
    if (chosen !== create) return false;
    const written = await this.#write(root, '.cursor/agents');
    if (!written.ok) await tell(written.failure);
    return written.ok;
  }

  /** Writes the files of the roles into the folders that the user picks; existing files stay. */
  async createAgentFiles({ root }: Backlog): Promise<void> {
    const { editor, tell } = this.#parts;
    const usual = isCursor(editor) ? '.cursor/agents' : '.github/agents';
    const items = AGENT_FOLDERS.map(({ path, readBy }) => ({
      label: path,
      description: `read by ${readBy}`,
      picked: path === usual,
      path,
    }));
    const title = 'Create Agent Files: wave-task-runner and wave-verifier';
    const picked = await editor.window.showQuickPick(items, { title, canPickMany: true });
    if (picked === undefined || picked.length === 0) return;
    let [created, kept] = [0, 0];
    for (const { path } of picked) {
      const written = await this.#write(root, path);
      if (!written.ok) {
        await tell(written.failure);
        return;
      }
      created += written.value.created;
      kept += written.value.kept;
    }
    const left =
      kept === 0
        ? ''
        : ` ${count(kept, 'file')} had that name already, and ${kept === 1 ? 'is' : 'are'} as before.`;
    void editor.window.showInformationMessage(`${count(created, 'file')} created.${left}`);
  }

  /**
   * Copies the server configuration for the client that the user picks, and says where it belongs.
   */
  async copyMcpConfiguration(server: ServerCommand): Promise<void> {
    const { editor } = this.#parts;
    const items = clientConfigs(server).map((config) => ({
      label: config.title,
      description: config.place,
      config,
    }));
    const picked = await editor.window.showQuickPick(items, {
      title: 'Copy MCP Configuration: for which client?',
    });
    if (picked === undefined) return;
    const { title, place, text, warning } = picked.config;
    await editor.env.clipboard.writeText(text);
    if (warning === undefined) {
      void editor.window.showInformationMessage(
        `The configuration for ${title} is on the clipboard. It goes into ${place}.`,
      );
    } else {
      void editor.window.showWarningMessage(
        `The configuration for ${title} is on the clipboard, but: ${warning}`,
      );
    }
  }

  async #write(
    root: string,
    folder: AgentFolder['path'],
  ): Promise<Result<{ readonly created: number; readonly kept: number }, Failure>> {
    let created = 0;
    for (const role of AGENT_ROLES) {
      const { writeNew } = this.#parts;
      const written = await writeNew(
        root,
        folder,
        agentFileName(folder, role),
        agentFileText(folder, role),
      );
      if (!written.ok) return written;
      if (written.value) created++;
    }
    return { ok: true, value: { created, kept: AGENT_ROLES.length - created } };
  }
}
