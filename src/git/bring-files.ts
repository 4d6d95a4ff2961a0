import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ok } from '../core/result.ts';
import { messageOf, oneLine } from '../core/text.ts';
import { readWhole } from '../disk/read-whole.ts';
import { isWithin, staysWithin } from '../disk/within.ts';
import { gitFailure, parts, run, type GitResult } from './git-failure.ts';
import { backlogOf, type Repository } from './repository.ts';
import { withRepositoryLock } from './repository-lock.ts';
import { readRecords, writeRecord, type WorktreeRecord } from './worktree-records.ts';

export interface BringFiles {
  readonly repository: Pick<Repository, 'top' | 'commonDir' | 'prefix'>;
  /** The worktree that they go to. */
  readonly folder: string;
  /** Of a setting, in the syntax of `.gitignore`. */
  readonly patterns: readonly string[];
}

/** Paths from the top of the repository, with `/`; `remarks` are plain sentences. */
export interface BroughtFiles {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly remarks: readonly string[];
}

/** At the top of a repository: which ignored files a worktree gets, as VS Code and others read it. */
const INCLUDE_FILE = '.worktreeinclude';
const MOST_FILES = 20_000;
const MOST_BYTES = 2 * 1024 * 1024 * 1024;
/** What is hashed to see later whether an agent changed it; larger files are told by their size. */
const MOST_HASHED = 64 * 1024 * 1024;

/**
 * Copies ignored files that match the patterns, or those of `.worktreeinclude`, to a worktree; Git
 * itself matches them. A file that is there is never written over, a link is neither followed nor
 * copied, and what was copied is recorded.
 */
export async function bringFiles(request: BringFiles): Promise<GitResult<BroughtFiles>> {
  const { repository, folder } = request;
  try {
    const paths = await ignoredPaths(request);
    if (!paths.ok) return paths;
    const brought: WorktreeRecord['brought'][number][] = [];
    const remarks: string[] = [];
    let bytes = 0;
    for (const path of paths.value) {
      if (path.startsWith(backlogOf(repository.prefix))) continue;
      if (brought.length >= MOST_FILES || bytes > MOST_BYTES) {
        remarks.push(`Not all ignored files were copied: there are too many, or too large ones.`);
        break;
      }
      const copied = await copy(repository.top, folder, path);
      if (typeof copied === 'string') remarks.push(copied);
      else if (copied !== undefined) {
        bytes += copied.size;
        brought.push({ path, sha256: await hashOf(join(folder, path), copied.size) });
      }
    }
    const noted = await note(repository.commonDir, folder, brought);
    return noted.ok ? ok({ files: brought.map(({ path }) => path), bytes, remarks }) : noted;
  } catch (error) {
    return gitFailure('file', messageOf(error));
  }
}

/** True where a file that was brought is as it was then. */
export async function isAsBrought(
  folder: string,
  { path, sha256 }: WorktreeRecord['brought'][number],
): Promise<boolean> {
  const found = await lstat(join(folder, path)).catch(() => undefined);
  // Deleted, nothing of it can be lost.
  if (found === undefined) return true;
  return found.isFile() && (await hashOf(join(folder, path), found.size)) === sha256;
}

async function ignoredPaths({
  repository,
  patterns,
}: BringFiles): Promise<GitResult<readonly string[]>> {
  const { top } = repository;
  const include = await lstat(join(top, INCLUDE_FILE)).catch(() => undefined);
  const excludes = [
    ...(include?.isFile() === true ? [`--exclude-from=${join(top, INCLUDE_FILE)}`] : []),
    ...patterns
      .filter((pattern) => !/[\0\n]/.test(pattern) && pattern.trim() !== '')
      .map((pattern) => `--exclude=${pattern}`),
  ];
  if (excludes.length === 0) return ok([]);
  const matched = await run(top, ['ls-files', '-z', '--others', '--ignored', ...excludes]);
  if (!matched.ok || matched.value === '') return matched.ok ? ok([]) : matched;
  // What is not ignored is not brought: it is part of a commit, or the user left it out of one.
  const paths = parts(matched.value).filter((path) => !path.endsWith('/'));
  // A name that begins with `./` is never taken for a pattern, which this command cannot turn off.
  const input = paths.map((path) => `./${path}\0`).join('');
  const check = ['check-ignore', '-z', '--stdin'];
  const ignored = await run(top, check, { input, isPattern: true });
  // Exit code 1 without a word: none is.
  if (!ignored.ok) return /exit code 1\./.test(ignored.failure.detail) ? ok([]) : ignored;
  return ok(parts(ignored.value).map((path) => path.slice('./'.length)));
}

/** Undefined where there is nothing to copy or nothing to say; else why it was not copied. */
async function copy(
  top: string,
  folder: string,
  path: string,
): Promise<{ readonly size: number } | string | undefined> {
  const from = join(top, path);
  const to = join(folder, path);
  const found = await lstat(from).catch(() => undefined);
  // Gone meanwhile, or its name is not UTF-8.
  if (found === undefined) return `${oneLine(path)} was not copied: it cannot be found.`;
  if (!found.isFile()) return `${oneLine(path)} was not copied: it is a link, or no file.`;
  if (!isWithin(folder, to) || !(await staysWithin(top, dirname(from))))
    return `${oneLine(path)} was not copied: it lies elsewhere.`;
  if (!(await staysWithin(folder, dirname(to))))
    return `${oneLine(path)} was not copied: a link is in its way.`;
  await mkdir(dirname(to), { recursive: true });
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return { size: found.size };
  } catch (error) {
    // It is there from an earlier time, perhaps with changes of an agent.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    return `${oneLine(path)} was not copied: ${messageOf(error)}`;
  }
}

async function hashOf(file: string, size: number): Promise<string> {
  const read = await readWhole(file, { mostBytes: MOST_HASHED });
  if (!read.ok || read.value === undefined) return `${size} bytes`;
  return createHash('sha256').update(read.value.bytes).digest('hex');
}

function note(
  commonDir: string,
  folder: string,
  brought: WorktreeRecord['brought'],
): Promise<GitResult<undefined>> {
  return withRepositoryLock(commonDir, async () => {
    const record = (await readRecords(commonDir)).find((one) => one.folder === folder);
    if (record !== undefined && brought.length > 0) {
      const paths = new Set(brought.map(({ path }) => path));
      const others = record.brought.filter(({ path }) => !paths.has(path));
      await writeRecord(commonDir, { ...record, brought: [...others, ...brought] });
    }
    return ok(undefined);
  });
}
