import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Of more files than this some are not compared. */
const MOST_FILES = 50_000;
/** Git's own, packages, and the store with its lock and log files. */
const LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', '.todo2']);
/** Of git's folder only what a program may leave for git to run. */
const GIT_KEPT: ReadonlySet<string> = new Set(['hooks', 'config']);

/**
 * Notes size and time of every file below a root; the answer says which were made, changed or
 * removed since, relative to the root, with `/`, in the order of their names. Links are not
 * followed. Never rejects: a folder that cannot be read counts as empty. Where there are more than
 * `most` files, only those that were met both times are compared.
 */
export async function watchFiles(
  root: string,
  most = MOST_FILES,
): Promise<() => Promise<readonly string[]>> {
  const before = await stampsBelow(root, most);
  return async () => {
    const after = await stampsBelow(root, most);
    // A new file may have taken the place of one that is there still.
    const isWhole = before.size < most && after.size < most;
    const all = isWhole
      ? [...new Set([...before.keys(), ...after.keys()])]
      : [...before.keys()].filter((file) => after.has(file));
    return all.filter((file) => before.get(file) !== after.get(file)).sort();
  };
}

async function stampsBelow(root: string, most: number): Promise<ReadonlyMap<string, string>> {
  const stamps = new Map<string, string>();
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries: readonly Dirent[] = await readdir(join(root, folder), {
      withFileTypes: true,
    }).catch(() => []);
    for (const entry of entries) {
      const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (LEFT_OUT.has(entry.name)) continue;
      if (folder === '.git' && !GIT_KEPT.has(entry.name)) continue;
      if (entry.isDirectory()) {
        folders.push(file);
        continue;
      }
      if (stamps.size >= most) return stamps;
      const found = await lstat(join(root, file), { bigint: true }).catch(() => undefined);
      if (found !== undefined)
        stamps.set(file, `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`);
    }
  }
  return stamps;
}
