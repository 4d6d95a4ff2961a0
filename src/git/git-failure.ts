import { fail, ok, type Result } from '../core/result.ts';
import { git, isLocked, type GitAnswer, type GitOptions } from './git-command.ts';

/**
 * Why Git did not do what was asked. `busy`: another process holds a lock, `tooLong`: a limit of
 * time or size, `inTheWay`: something of the user's stands where ours would, `refused`: Git's own
 * reason, `file`: the file system's. `detail` is one or more plain lines for a message or a log.
 */
export interface GitFailure {
  readonly kind: 'gitFailed';
  readonly cause: 'noGit' | 'busy' | 'tooLong' | 'inTheWay' | 'refused' | 'file';
  readonly detail: string;
}

export type GitResult<T> = Result<T, GitFailure>;

export function gitFailure(cause: GitFailure['cause'], detail: string): GitResult<never> {
  return fail({ kind: 'gitFailed', cause, detail });
}

/** Runs Git as `git` does; answers what it printed, without the line break at the end. */
export async function run(
  cwd: string,
  args: readonly string[],
  options?: GitOptions,
): Promise<GitResult<string>> {
  return printed(await git(cwd, args, options), args);
}

/** What a command printed, or why it failed. */
export function printed(answer: GitAnswer, args: readonly string[]): GitResult<string> {
  const command = `git ${args.find((arg) => !arg.startsWith('-')) ?? ''}`;
  switch (answer.kind) {
    case 'ok':
      return ok(answer.stdout.replace(/\r?\n$/, ''));
    case 'missing':
      return gitFailure('noGit', 'Git was not found.');
    case 'tooLong':
      return gitFailure('tooLong', `${command} took too long, or printed too much.`);
    case 'failed': {
      const detail = answer.stderr || `${command} ended with exit code ${answer.code}.`;
      return gitFailure(isLocked(answer.stderr) ? 'busy' : 'refused', detail);
    }
  }
}

/** True or false as the command answers by its exit code, 0 or 1; fails for any other. */
export async function holds(
  cwd: string,
  args: readonly string[],
  options?: GitOptions,
): Promise<GitResult<boolean>> {
  const answer = await git(cwd, args, options);
  if (answer.kind === 'ok') return ok(true);
  if (answer.kind === 'failed' && answer.code === 1) return ok(false);
  const failed = printed(answer, args);
  return failed.ok ? ok(true) : failed;
}

/** The parts of an output that ends each of them with a zero byte. */
export function parts(output: string): readonly string[] {
  return output.split('\0').filter((part) => part !== '');
}
