import { execFile } from 'node:child_process';
import { findCommand, THIS_DISK } from '../find-command.ts';

const TIMEOUT_MS = 4_000;
const MAX_BYTES = 4 * 1024 * 1024;

// As in `git-status.ts`: nothing of the repository's own configuration is started, and no message
// is looked up elsewhere.
const ARGUMENTS = [
  ...[
    '-c',
    'core.fsmonitor=false',
    '-c',
    'log.showSignature=false',
    '--no-optional-locks',
    '--no-pager',
  ],
  ...[
    'log',
    '--max-count=500',
    '--no-color',
    '--no-show-signature',
    '--no-mailmap',
    '--format=%ct %s',
    '-z',
    '--',
  ],
];

/** A commit by its first line; `at` is epoch ms. */
export interface CommitLine {
  readonly subject: string;
  readonly at: number;
}

/**
 * The five hundred newest commits of a folder's repository. Undefined without git, outside of a
 * repository, or where the answer takes too long. Only for folders that are trusted.
 */
export async function readCommits(folder: string): Promise<readonly CommitLine[] | undefined> {
  const git = await findCommand('git', process.env, process.platform, THIS_DISK);
  if (git === undefined) return undefined;
  return new Promise((resolve) => {
    const options = {
      cwd: folder,
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_BYTES,
      windowsHide: true,
    } as const;
    execFile(git, ARGUMENTS, options, (error, stdout) =>
      resolve(error === null ? parseCommits(stdout) : undefined),
    );
  });
}

/** Reads what `git log --format='%ct %s' -z` prints. */
export function parseCommits(output: string): readonly CommitLine[] {
  return output.split('\0').flatMap((record) => {
    const [, seconds, subject] = /^(\d{1,12}) (.*)$/s.exec(record) ?? [];
    return seconds === undefined || subject === undefined
      ? []
      : [{ subject, at: Number(seconds) * 1000 }];
  });
}
