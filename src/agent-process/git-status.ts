import type { GitStatus } from '../core/handoff.ts';
import { findGit, runGit } from './git.ts';

/** A timeout, so that a slow working copy does not delay a handoff. */
const LIMITS = { timeout: 4_000, maxBuffer: 16 * 1024 * 1024 };
/** As exarp-go writes down. */
const MAX_FILES = 10;

/**
 * The git status of a folder; undefined without git, outside of a repository, or after a timeout.
 * Only for trusted folders: git runs commands of a repository's configuration.
 */
export async function readGitStatus(folder: string): Promise<GitStatus | undefined> {
  const args = 'status --porcelain=v2 --branch -z'.split(' ');
  const output = await runGit(await findGit(), folder, args, LIMITS);
  return output === undefined ? undefined : parseGitStatus(output);
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
    const path = pathIn(record);
    if (path === undefined) continue;
    changed.push(path);
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

/** The path of a changed file in a record of that output; undefined for any other record. */
export function pathIn(record: string): string | undefined {
  const fields = FIELDS_BEFORE_PATH[record.split(' ', 1)[0] ?? ''];
  return fields === undefined ? undefined : record.split(' ').slice(fields).join(' ');
}
