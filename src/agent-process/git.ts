import { execFile } from 'node:child_process';
import { findCommand, THIS_DISK } from '../disk/find-command.ts';

// Nothing of the repository's own configuration is to be started, no message is looked up
// elsewhere, and nothing is to be locked while others work there.
const SAFELY = '-c core.fsmonitor=false -c log.showSignature=false --no-optional-locks --no-pager';

/** How long a command may take, in ms, and how many bytes it may print. */
export interface GitLimits {
  readonly timeout: number;
  readonly maxBuffer: number;
}

/** Where git is, absolute; undefined without it. */
export function findGit(): Promise<string | undefined> {
  return findCommand('git', process.env, process.platform, THIS_DISK);
}

/**
 * What a git command prints in a folder. Undefined without git, where the command fails, as outside
 * of a repository, or beyond a limit. Only for trusted folders: git runs commands of a repository's
 * configuration.
 */
export async function runGit(
  git: string | undefined,
  cwd: string,
  args: readonly string[],
  limits: GitLimits,
): Promise<string | undefined> {
  if (git === undefined) return undefined;
  return new Promise((resolve) => {
    const options = { cwd, ...limits, windowsHide: true };
    execFile(git, [...SAFELY.split(' '), ...args], options, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
  });
}
