import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ok } from '../core/result.ts';
import { parts, run, type GitResult } from './git-failure.ts';
import type { Repository } from './repository.ts';
import { findWorkTree, runIn, type WorkTree } from './work-tree.ts';
import { listWorktrees } from './list-worktrees.ts';

/** The commit that a branch is at. */
export function tipOf(top: string, branch: string): Promise<GitResult<string>> {
  return run(top, ['rev-parse', '--quiet', '--verify', `refs/heads/${branch}^{commit}`]);
}

/** The work tree that a branch is checked out in; undefined where it is in none. */
export async function homeOf(
  repository: Pick<Repository, 'top' | 'commonDir'>,
  branch: string,
): Promise<GitResult<WorkTree | undefined>> {
  const listed = await listWorktrees(repository);
  if (!listed.ok) return listed;
  const home = listed.value.find((tree) => tree.branch === branch && !tree.isMissing);
  return home === undefined ? ok(undefined) : findWorkTree(repository.commonDir, home.folder);
}

/**
 * The files of a work tree that a change from the commit that it is at to another would write over:
 * changed or staged ones, and those that Git does not have, ignored ones included.
 */
export async function filesInTheWay(
  home: WorkTree,
  from: string,
  to: string,
): Promise<GitResult<readonly string[]>> {
  const diff = ['diff-tree', '-r', '-z', '--no-renames', '--name-status', from, to, '--'];
  const status = ['status', '--porcelain', '-z', '--no-renames', '--untracked-files=no'];
  const [touched, changed] = await Promise.all([
    runIn(home, diff),
    runIn(home, [...status, '--ignore-submodules=none']),
  ]);
  if (!touched.ok) return touched;
  if (!changed.ok) return changed;
  const statuses = new Map<string, string>();
  const records = parts(touched.value);
  for (let at = 0; at + 1 < records.length; at += 2)
    statuses.set(records[at + 1] ?? '', records[at] ?? '');
  const inTheWay = new Set(
    parts(changed.value)
      .map((record) => record.slice(3))
      .filter((path) => statuses.has(path)),
  );
  // On some disks, `A` is the file `a` that goes.
  const going = new Set(
    [...statuses].filter(([, kind]) => kind === 'D').map(([path]) => path.toLowerCase()),
  );
  for (const [path, kind] of statuses) {
    if (kind !== 'A') continue;
    const found =
      (await firstFileOn(home.folder, path)) ?? (await fullFolderAt(home.folder, path, statuses));
    if (found !== undefined && !going.has(found.toLowerCase())) inTheWay.add(found);
  }
  return ok([...inTheWay].sort());
}

/** The path where a folder of the user is, with files in it that do not go with the change. */
async function fullFolderAt(
  folder: string,
  path: string,
  statuses: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const isReplaced = [...statuses].some(
    ([other, kind]) => kind === 'D' && other.startsWith(`${path}/`),
  );
  // Where it is no folder, or is gone, it has nothing.
  const names = isReplaced ? [] : await readdir(join(folder, path)).catch(() => []);
  return names.length > 0 ? path : undefined;
}

/** The path itself or a folder above it, where that is there and is no folder. */
async function firstFileOn(folder: string, path: string): Promise<string | undefined> {
  const names = path.split('/');
  for (let length = 1; length <= names.length; length++) {
    const part = names.slice(0, length).join('/');
    const found = await lstat(join(folder, part)).catch(() => undefined);
    if (found === undefined) return undefined;
    if (!found.isDirectory()) return part;
  }
  return undefined;
}
