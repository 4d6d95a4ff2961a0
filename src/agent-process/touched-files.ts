import { execFile } from 'node:child_process';
import { existsSync, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findCommand, THIS_DISK } from './find-command.ts';

/** A working copy that takes longer is not worth waiting for. */
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 32 * 1024 * 1024;
/** Of so many files it is looked whether they changed once more. */
const MAX_STATS = 2000;

// Nothing of the repository's own configuration is to be started, and nothing of it to be locked
// while others work in it.
const SAFELY = ['-c', 'core.fsmonitor=false', '-c', 'core.quotePath=false', '--no-optional-locks'];
const STATUS = [
  'status',
  '--porcelain=v2',
  '--branch',
  '-z',
  '--untracked-files=all',
  '--no-renames',
];

interface WorkTree {
  /** Undefined before the first commit. */
  readonly commit: string | undefined;
  /** Changed files, relative to the root, each with a fingerprint of its content. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Remembers a folder as git sees it now; the answer says which files of it have changed since,
 * committed or not, relative to the folder, in order. Nothing changes where there is no git or no
 * repository. Files of the backlog itself are left out. Several agents that work in one folder at a
 * time cannot be distinguished: each has touched the files of all of them.
 */
export async function rememberFiles(root: string): Promise<() => Promise<readonly string[]>> {
  const none = (): Promise<readonly string[]> => Promise.resolve([]);
  if (!isInRepository(root)) return none;
  const git = await findCommand('git', process.env, process.platform, THIS_DISK);
  if (git === undefined) return none;
  const prefix = (await run(git, root, ['rev-parse', '--show-prefix']))?.replace(/\n$/, '');
  if (prefix === undefined) return none;
  const before = await look(git, root, prefix);
  if (before === undefined) return none;
  return async () => {
    const after = await look(git, root, prefix);
    if (after === undefined) return [];
    const touched = new Set<string>();
    for (const [file, stamp] of after.files)
      if (before.files.get(file) !== stamp) touched.add(file);
    // Changed before and like its commit now: undone, or committed.
    for (const file of before.files.keys()) if (!after.files.has(file)) touched.add(file);
    for (const file of await committedBetween(git, root, prefix, before.commit, after.commit))
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

async function look(git: string, root: string, prefix: string): Promise<WorkTree | undefined> {
  const output = await run(git, root, [...STATUS, '--', '.']);
  if (output === undefined) return undefined;
  const records = output.split('\0');
  const commit = records
    .map((record) => /^# branch\.oid ([0-9a-f]+)$/.exec(record)?.[1])
    .find((oid) => oid !== undefined);
  const files = records.flatMap((record) => ownPath(pathOf(record), prefix));
  return {
    commit,
    files: new Map(files.map((file, i) => [file, i < MAX_STATS ? stampOf(join(root, file)) : ''])),
  };
}

/** Format: git-status(1), porcelain version 2: so many fields come before the path. */
const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { '1': 8, u: 10, '?': 1 };

function pathOf(record: string): string | undefined {
  const fields = FIELDS_BEFORE_PATH[record.split(' ', 1)[0] ?? ''];
  return fields === undefined ? undefined : record.split(' ').slice(fields).join(' ');
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
  git: string,
  root: string,
  prefix: string,
  from: string | undefined,
  to: string | undefined,
): Promise<readonly string[]> {
  if (from === undefined || to === undefined || from === to) return [];
  const changed = await run(git, root, [
    'diff',
    '--name-only',
    '-z',
    '--no-renames',
    '--no-ext-diff',
    from,
    to,
    '--',
    '.',
  ]);
  return (changed ?? '').split('\0').flatMap((path) => ownPath(path, prefix));
}

function stampOf(file: string): string {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'gone' : `${stat.mtimeMs}:${stat.size}:${stat.mode}`;
}

function run(git: string, cwd: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { cwd, timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES, windowsHide: true } as const;
    execFile(git, [...SAFELY, ...args], options, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
  });
}
