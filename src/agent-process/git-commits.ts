import { findGit, runGit } from './git.ts';

const LIMITS = { timeout: 4_000, maxBuffer: 4 * 1024 * 1024 };
// `%x20` is a blank.
const LOG =
  'log --max-count=500 --no-color --no-show-signature --no-mailmap --format=%ct%x20%s -z --';

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
  const output = await runGit(await findGit(), folder, LOG.split(' '), LIMITS);
  return output === undefined ? undefined : parseCommits(output);
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
