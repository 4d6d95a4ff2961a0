import type * as vscode from 'vscode';
import type { Failure } from '../core/failure.ts';
import type {
  SubagentAnswer,
  SubagentHost,
  SubagentRequest,
} from '../core/run/attempt/subagent-host-registry.ts';
import type { Editor } from './editor.ts';
import { messageOf } from '../core/text.ts';

/**
 * The tool that starts a subagent, and the right to call it, which lasts as long as the chat
 * request that it comes from.
 */
export interface SubagentTool {
  readonly name: string;
  readonly token: vscode.ChatParticipantToolToken;
}

/**
 * What a refusal says that is over after a while: quotas and rate limits have no error of their own
 * in the editor's API.
 */
const TRY_LATER = /\b(rate.?limit|quota|too many requests|try again (later|in))/i;

/** The editor's own subagents, as far as one of its tools starts them. */
export class InvokedSubagents implements SubagentHost {
  readonly #editor: Pick<Editor, 'lm' | 'CancellationTokenSource'>;
  readonly #tool: SubagentTool;

  constructor(editor: Pick<Editor, 'lm' | 'CancellationTokenSource'>, tool: SubagentTool) {
    this.#editor = editor;
    this.#tool = tool;
  }

  available(): Failure | undefined {
    const { lm } = this.#editor;
    const isThere =
      typeof lm?.invokeTool === 'function' &&
      lm.tools?.some(({ name }) => name === this.#tool.name);
    return isThere === true ? undefined : { kind: 'noSubagents' };
  }

  /**
   * The text of what the tool answers; its other parts are for models. An abort is passed on as a
   * cancellation.
   */
  async run({ prompt, description, signal }: SubagentRequest): Promise<SubagentAnswer> {
    const { lm, CancellationTokenSource } = this.#editor;
    if (typeof lm?.invokeTool !== 'function')
      throw new Error('this editor has no tools for subagents');
    const source = new CancellationTokenSource();
    const cancel = (): void => source.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      const options = { input: { prompt, description }, toolInvocationToken: this.#tool.token };
      return { text: textOf(await lm.invokeTool(this.#tool.name, options, source.token)) };
    } catch (error) {
      const detail = messageOf(error);
      if (!TRY_LATER.test(detail)) throw error;
      return { text: '', rateLimit: { retryAfterMs: undefined, detail } };
    } finally {
      signal.removeEventListener('abort', cancel);
      source.dispose();
    }
  }
}

function textOf({ content }: Pick<vscode.LanguageModelToolResult, 'content'>): string {
  return content
    .flatMap((part) => {
      const value =
        typeof part === 'object' && part !== null && 'value' in part ? part.value : undefined;
      return typeof value === 'string' ? [value] : [];
    })
    .join('\n')
    .trim();
}
