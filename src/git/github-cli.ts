import { execFile } from 'node:child_process';
import { findCommand, THIS_DISK } from '../disk/find-command.ts';
import { gitEnvironment } from './git-command.ts';

/** What came of a command of the GitHub CLI; `missing`: it is not on this computer. */
export type GhAnswer =
  | { readonly kind: 'ok'; readonly stdout: string }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'missing' };

const TIMEOUT_MS = 120_000;
const MOST_BYTES = 1024 * 1024;

/** It asks nothing, looks for no update, and writes without colours. */
const QUIET = { GH_PROMPT_DISABLED: '1', GH_NO_UPDATE_NOTIFIER: '1', NO_COLOR: '1' };

/** Runs the GitHub CLI in a folder, without a shell. */
export async function gh(cwd: string, args: readonly string[], input = ''): Promise<GhAnswer> {
  const program = await findCommand('gh', process.env, process.platform, THIS_DISK);
  if (program === undefined) return { kind: 'missing' };
  const env = { ...gitEnvironment(process.env), ...QUIET };
  const limits = { timeout: TIMEOUT_MS, maxBuffer: MOST_BYTES };
  return new Promise((resolve) => {
    const options = { cwd, env, encoding: 'utf8', windowsHide: true, ...limits } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'ok', stdout });
      else resolve({ kind: 'failed', detail: stderr.trim() || error.message });
    });
    // One that does not read it all closes it early.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Why it cannot make a pull request, as far as that shows; undefined where it can. */
export async function whyNoGh(cwd: string): Promise<string | undefined> {
  const status = await gh(cwd, ['auth', 'status']);
  switch (status.kind) {
    case 'ok':
      return undefined;
    case 'missing':
      return 'The GitHub CLI (gh) was not found.';
    case 'failed':
      return 'The GitHub CLI is not logged in, or one of its accounts is not: run gh auth login.';
  }
}

/** The https address on the last line of a text; undefined where there is none. */
export function lastUrl(text: string): string | undefined {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  if (!URL.canParse(line)) return undefined;
  const { protocol, username, password, href } = new URL(line);
  return protocol === 'https:' && username === '' && password === '' ? href : undefined;
}
