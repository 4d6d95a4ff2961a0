import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import type { RunState } from '../core/run/run-events.ts';
import type { Task, TaskId } from '../core/task.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import type { Editor } from './editor.ts';
import { openAgentChat, type Opened } from './open-agent-chat.ts';
import { taskOf, taskText } from './task-view.ts';
import { launchPrompt, taskBrief, verifierBrief, verifyPrompt } from './wave-brief.ts';
import { explainOutcome } from '../core/run/run-messages.ts';

export interface SubagentPromptParts {
  readonly editor: Pick<Editor, 'commands' | 'env' | 'Uri' | 'window'>;
  readonly served: AgentBacklog;
  /** Writes these files into a folder of their own, and answers its path relative to the root. */
  readonly writeBriefs: (files: ReadonlyMap<string, string>) => Promise<Result<string, Failure>>;
  readonly tell: (failure: Failure) => Promise<void>;
  readonly log: (line: string) => void;
}

/**
 * Asks the editor's agent for subagents, by a prompt that names their briefs. The user sends it.
 */
export class SubagentPrompts {
  readonly #parts: SubagentPromptParts;

  constructor(parts: SubagentPromptParts) {
    this.#parts = parts;
  }

  /**
   * One subagent for each of these tasks, all at once. Says what is in the way, where something is.
   */
  async launch(ids: readonly TaskId[]): Promise<void> {
    const { served, writeBriefs, tell } = this.#parts;
    const tasks = ids.flatMap((id) => served.backlog.task(id) ?? []);
    if (tasks.length === 0) return;
    const briefs = new Map<string, string>();
    // Numbered, as ids are text of others and no names of files.
    for (const [i, task] of tasks.entries())
      briefs.set(`${i + 1}.md`, taskBrief(await this.#aboutOf(task)));
    const folder = await writeBriefs(briefs);
    if (!folder.ok) {
      await tell(folder.failure);
      return;
    }
    const briefed = tasks.map(({ id }, i) => ({ id, file: `${folder.value}/${i + 1}.md` }));
    await this.#open(launchPrompt(briefed));
  }

  /** Offers to verify the results of a run, and asks for it where the user accepts. */
  async offerVerifier(run: RunState): Promise<void> {
    const { editor, served, writeBriefs, tell } = this.#parts;
    const verify = 'Verify';
    const asked =
      'The subagents have worked on every task of the run. Let wave-verifier check the results?';
    if ((await editor.window.showInformationMessage(asked, verify)) !== verify) return;
    const reports: string[] = [];
    for (const { id, outcome, phase } of run.tasks.values()) {
      const task = served.backlog.task(id);
      if (task === undefined || phase !== 'ended' || outcome === undefined) continue;
      const ended = explainOutcome(outcome, served.backlog.now);
      reports.push(`${await this.#aboutOf(task)}\nHow it ended: ${ended}`);
    }
    const folder = await writeBriefs(
      new Map([['verify.md', verifierBrief(reports.join('\n\n---\n\n'))]]),
    );
    if (folder.ok) await this.#open(verifyPrompt(`${folder.value}/verify.md`));
    else await tell(folder.failure);
  }

  async #aboutOf(task: Task): Promise<string> {
    return taskText(await taskOf(this.#parts.served, task));
  }

  async #open(prompt: string): Promise<void> {
    const { editor, log } = this.#parts;
    const opened = await openAgentChat(editor, prompt, { log });
    log(`The prompt for subagents went to the agent of the editor by way of: ${opened.kind}.`);
    const message = wordsOf(opened);
    if (message !== undefined) void editor.window.showInformationMessage(message);
  }
}

function wordsOf(opened: Opened): string | undefined {
  if (opened.kind !== 'clipboard') return undefined;
  return opened.isChatOpen
    ? 'The prompt for the subagents is on the clipboard: paste it into the chat that has just opened, and send it.'
    : 'No chat of this editor could be opened. The prompt for the subagents is on the clipboard: paste it into its agent, and send it.';
}

/** The tasks of a wave that could be started now. */
export function startableIn(backlog: Backlog, wave: number): readonly Task[] {
  const tasks = backlog.plan?.waves.find(({ number }) => number === wave)?.tasks ?? [];
  return tasks.filter((task) => backlog.readinessOf(task).kind !== 'notReady');
}
