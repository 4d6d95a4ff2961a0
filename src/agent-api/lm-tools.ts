import type * as vscode from 'vscode';
import { inline } from '../core/markdown.ts';
import { cut, oneLine, messageOf } from '../core/text.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import type { Editor } from './editor.ts';
import type { Operation } from './operation.ts';
import { failureWords } from './agent-messages.ts';

export interface LanguageModelToolParts {
  readonly editor: Editor;
  readonly operations: readonly Operation[];
  /** The backlog that tools work with; undefined where the window has none. */
  readonly served: () => Promise<AgentBacklog | undefined>;
  readonly log: (line: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/**
 * Offers each operation as a tool to the language models of the editor, where it has such tools;
 * the manifest describes them. A tool that changes something asks the user first. A tool that the
 * editor refuses is left out, and the log says so.
 */
export function registerLanguageModelTools(
  parts: LanguageModelToolParts,
): readonly vscode.Disposable[] {
  const { lm } = parts.editor;
  const register = lm?.registerTool;
  if (typeof register !== 'function') return [];
  return parts.operations.flatMap((operation) => {
    try {
      return [register.call(lm, operation.name, toolOf(operation, parts))];
    } catch (error) {
      parts.log(`The tool ${operation.name} was not taken: ${messageOf(error)}`);
      return [];
    }
  });
}

function toolOf(
  operation: Operation,
  parts: LanguageModelToolParts,
): vscode.LanguageModelTool<object> {
  const { editor, served, reportBug } = parts;
  return {
    prepareInvocation: ({ input }) => {
      const invocationMessage = `${operation.title}${idIn(input)}`;
      if (operation.effect.readOnly) return { invocationMessage };
      const message = new editor.MarkdownString(
        `${inline(operation.title)}?\n\n${inputText(input)}`,
      );
      return { invocationMessage, confirmationMessages: { title: operation.title, message } };
    },
    // The model is shown the message of what is thrown here.
    invoke: async ({ input }, token) => {
      if (!editor.workspace.isTrusted) throw new Error(UNTRUSTED);
      const backlog = await served();
      if (backlog === undefined) throw new Error('There is no Todo2 backlog in this window.');
      try {
        const answer = await operation.run(backlog, input);
        if (!answer.ok) throw new Refusal(failureWords(answer.failure, backlog.backlog.now));
        if (token.isCancellationRequested) await answer.value.undo?.();
        return new editor.LanguageModelToolResult([
          new editor.LanguageModelTextPart(answer.value.text),
        ]);
      } catch (error) {
        if (error instanceof Refusal) throw error;
        reportBug(error);
        throw new Error(
          'Something went wrong that should not have. It is in the log of Todo2 Waves.',
          {
            cause: error,
          },
        );
      }
    },
  };
}

const UNTRUSTED =
  'Nothing is read, claimed or written in a folder that is not trusted. The user has to trust it first.';

class Refusal extends Error {}

const MOST_LINES = 12;
const MAX_VALUE = 300;

/** The model's input for the user who has to allow it, as inert text. */
function inputText(input: unknown): string {
  const entries = typeof input === 'object' && input !== null ? Object.entries(input) : [];
  const text = (value: unknown): string =>
    cut(oneLine(typeof value === 'string' ? value : JSON.stringify(value)), MAX_VALUE);
  return entries
    .filter(([, value]) => value !== undefined)
    .slice(0, MOST_LINES)
    .map(([name, value]) => `- ${inline(cut(name, 40))}: ${inline(text(value))}`)
    .join('\n');
}

function idIn(input: unknown): string {
  const id = typeof input === 'object' && input !== null && 'id' in input ? input.id : undefined;
  return typeof id === 'string' ? `: ${cut(oneLine(id), 60)}` : '';
}
