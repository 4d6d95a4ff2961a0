import { execFile } from 'node:child_process';
import type { GitStatus } from '../core/handoff.ts';
import { findCommand, THIS_DISK } from './find-command.ts';

/** A timeout, so that a slow working copy does not delay a handoff. */
const TIMEOUT_MS = 4_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** As exarp-go writes down. */
const MAX_FILES = 10;

// Nothing of the repository's own configuration is to be started, and nothing of it to be locked
// while agents work in it.
const ARGUMENTS = [
  '-c',
  'core.fsmonitor=false',
  '--no-optional-locks',
  'status',
  '--porcelain=v2',
  '--branch',
  '-z',
];

/**
 * The git status of a folder; undefined without git, outside of a repository, or after a timeout.
 * Only for trusted folders: git runs commands of a repository's configuration.
 */
export async function readGitStatus(folder: string): Promise<GitStatus | undefined> {
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
      resolve(error === null ? parseGitStatus(stdout) : undefined),
    );
  });
}

/** Reads what `git status --porcelain=v2 --branch -z` prints. Format: git-status(1). */
export function parseGitStatus(output: string): GitStatus {
  let branch: string | undefined;
  let [ahead, behind]: (number | undefined)[] = [];
  const changed: string[] = [];
  const records = output.split('\0').values();
  for (const record of records) {
    const [kind, key, ...rest] = record.split(' ');
    if (kind === '#' && key === 'branch.head') branch = rest.join(' ');
    else if (kind === '#' && key === 'branch.ab')
      [ahead, behind] = rest.map((count) => Math.abs(Number(count)));
    const fields = kind === undefined ? undefined : FIELDS_BEFORE_PATH[kind];
    if (fields === undefined) continue;
    changed.push(record.split(' ').slice(fields).join(' '));
    // Where it was before stands in a record of its own.
    if (kind === '2') records.next();
  }
  return {
    branch: branch === '(detached)' ? 'HEAD' : branch,
    uncommittedFiles: changed.length,
    changedFiles: changed.slice(0, MAX_FILES),
    ahead,
    behind,
  };
}

const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { '1': 8, '2': 9, u: 10, '?': 1 };
