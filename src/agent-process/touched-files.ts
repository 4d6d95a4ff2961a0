import { existsSync, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathIn } from './git-status.ts';
import { runGit } from './git.ts';

/** A working copy that takes longer is not worth waiting for. */
const LIMITS = { timeout: 10_000, maxBuffer: 32 * 1024 * 1024 };
/** Of so many files it is looked whether they changed once more. */
const MAX_STATS = 2000;

const STATUS = 'status --porcelain=v2 --branch -z --untracked-files=all --no-renames -- .';
const DIFF = 'diff --name-only -z --no-renames --no-ext-diff';

interface Place {
  readonly root: string;
  readonly git: string | undefined;
  /** From the top of the repository to the root. */
  readonly prefix: string;
}

interface WorkTree {
  /** Undefined before the first commit. */
  readonly commit: string | undefined;
  /** Changed files, relative to the root, each with a fingerprint of its content. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Remembers a folder as git sees it now (`git`: the program, see `findGit`); the answer says which
 * files of it have changed since, committed or not, relative to the folder, in order. Nothing changes
 * where there is no git or no repository. Files of the backlog itself are left out. Several agents
 * that work in one folder at a time cannot be distinguished: each has touched the files of all of
 * them.
 */
export async function rememberFiles(
  root: string,
  git: string | undefined,
): Promise<() => Promise<readonly string[]>> {
  const none = (): Promise<readonly string[]> => Promise.resolve([]);
  if (!isInRepository(root)) return none;
  const prefix = (await runGit(git, root, ['rev-parse', '--show-prefix'], LIMITS))?.replace(
    /\n$/,
    '',
  );
  if (prefix === undefined) return none;
  const place: Place = { root, git, prefix };
  const before = await look(place);
  if (before === undefined) return none;
  return async () => {
    const after = await look(place);
    if (after === undefined) return [];
    const touched = new Set<string>();
    for (const [file, stamp] of after.files)
      if (before.files.get(file) !== stamp) touched.add(file);
    // Changed before and like its commit now: undone, or committed.
    for (const file of before.files.keys()) if (!after.files.has(file)) touched.add(file);
    for (const file of await committedBetween(place, before.commit, after.commit))
      touched.add(file);
    return [...touched].sort();
  };
}

function isInRepository(folder: string): boolean {
  return (
    existsSync(join(folder, '.git')) ||
    (dirname(folder) !== folder && isInRepository(dirname(folder)))
  );
}

async function look({ root, git, prefix }: Place): Promise<WorkTree | undefined> {
  const output = await runGit(git, root, STATUS.split(' '), LIMITS);
  if (output === undefined) return undefined;
  const records = output.split('\0');
  const commit = records
    .map((record) => /^# branch\.oid ([0-9a-f]+)$/.exec(record)?.[1])
    .find((oid) => oid !== undefined);
  const files = records.flatMap((record) => ownPath(pathIn(record), prefix));
  return {
    commit,
    files: new Map(files.map((file, i) => [file, i < MAX_STATS ? stampOf(join(root, file)) : ''])),
  };
}

/**
 * A path of the repository as one of the folder; none for what lies elsewhere, or is the backlog's.
 */
function ownPath(path: string | undefined, prefix: string): readonly string[] {
  if (path === undefined || path === '' || !path.startsWith(prefix)) return [];
  const own = path.slice(prefix.length);
  return own.startsWith('.todo2/') ? [] : [own];
}

async function committedBetween(
  { root, git, prefix }: Place,
  from: string | undefined,
  to: string | undefined,
): Promise<readonly string[]> {
  if (from === undefined || to === undefined || from === to) return [];
  const changed = await runGit(git, root, [...DIFF.split(' '), from, to, '--', '.'], LIMITS);
  return (changed ?? '').split('\0').flatMap((path) => ownPath(path, prefix));
}

function stampOf(file: string): string {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'gone' : `${stat.mtimeMs}:${stat.size}:${stat.mode}`;
}
