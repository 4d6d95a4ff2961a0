import type * as vscode from 'vscode';
import { messageOf } from '../core/text.ts';

/**
 * The editor, passed in: forks leave out or break parts of it, and tests put others in their place.
 */
export type Editor = Pick<typeof vscode, 'commands' | 'env' | 'window' | 'workspace' | 'Uri'> &
  Pick<typeof vscode, 'MarkdownString' | 'ThemeIcon'> &
  Pick<
    typeof vscode,
    'LanguageModelTextPart' | 'LanguageModelToolResult' | 'CancellationTokenSource'
  > & {
    /** Both are missing, or only partly there, in some editors. */
    readonly lm?: Partial<typeof vscode.lm> | undefined;
    readonly chat?: Partial<typeof vscode.chat> | undefined;
  };

/** True in Cursor, by its own name. Each of its features is looked for separately. */
export function isCursor({ env }: Pick<Editor, 'env'>): boolean {
  return env.uriScheme === 'cursor' || /\bcursor\b/i.test(env.appName);
}

/** What came of asking a command of the editor, which may be missing, refuse, or never answer. */
export type Asked = 'done' | 'missing' | 'failed' | 'timeout';

/** Long enough for a chat to open on a busy machine. */
const ANSWER_MS = 10_000;

/** Runs a command that the editor may or may not have, and does not wait for it for ever. */
export async function ask(
  { commands }: Pick<Editor, 'commands'>,
  command: string,
  argument: unknown,
  { log, ms = ANSWER_MS }: { readonly log: (line: string) => void; readonly ms?: number },
): Promise<Asked> {
  if (!(await commands.getCommands(true)).includes(command)) return 'missing';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), ms);
  });
  const done = Promise.resolve(commands.executeCommand(command, argument)).then(
    () => 'done' as const,
    (error: unknown) => {
      log(`${command} failed: ${messageOf(error)}`);
      return 'failed' as const;
    },
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
