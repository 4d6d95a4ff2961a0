import { lstat, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import type { Result } from '../../core/result.ts';
import { keepOutOfGit, makeFolders, passOver } from './folders-within.ts';
import { tryWrite } from '../../core/try-write.ts';

/** `file` is absolute; `kept` means that it existed. */
export interface NewFile {
  readonly kind: 'created' | 'kept';
  readonly file: string;
}

/** The parts of a folder's path from the root. */
type Folder = readonly string[];

/**
 * Writes a new file; an existing entry of that name, even a link, is kept as it is. `folder` is
 * created where it is missing. Fails with `writeFailed`, also where it leads out of the root.
 */
export async function writeNewFile(
  root: string,
  folder: Folder,
  name: string,
  text: string,
): Promise<Result<NewFile, Failure>> {
  const file = join(root, ...folder, name);
  const made = await makeFolders(root, folder);
  if (!made.ok) return made;
  return tryWrite(file, async () => {
    let kind: NewFile['kind'] = 'created';
    await writeFile(join(made.value, name), text, { flag: 'wx' }).catch((error: unknown) => {
      passOver('EEXIST')(error);
      kind = 'kept';
    });
    return { kind, file };
  });
}

/** True where an entry of any kind has that name below the root. */
export async function isThere(root: string, folder: Folder, name: string): Promise<boolean> {
  return (await lstat(join(root, ...folder, name)).catch(() => undefined)) !== undefined;
}

const WAVES: Folder = ['.todo2', 'waves'];
const BRIEFS: Folder = [...WAVES, 'briefs'];

/** The number of brief folders to keep; agents no longer read older ones. */
const KEPT = 20;

/**
 * Writes briefs for agents into a new folder, for its owner only and kept out of git, and returns
 * its path relative to the root, with `/`. `stamp` names the folder: it is unique and sorts by
 * time. The oldest folders are deleted. Fails with `writeFailed`.
 */
export async function writeBriefs(
  root: string,
  stamp: string,
  files: ReadonlyMap<string, string>,
): Promise<Result<string, Failure>> {
  for (const name of [stamp, ...files.keys()]) {
    if (!/^[0-9A-Za-z][0-9A-Za-z.-]{0,79}$/.test(name))
      throw new Error('Internal error: that is no name for a brief');
  }
  const own = await makeFolders(root, [...BRIEFS, stamp], 0o700);
  if (!own.ok) return own;
  return tryWrite(own.value, async () => {
    await keepOutOfGit(join(root, ...WAVES));
    for (const [name, text] of files)
      await writeFile(join(own.value, name), text, { flag: 'wx', mode: 0o600 });
    await removeOldest(dirname(own.value), stamp);
    return [...BRIEFS, stamp].join('/');
  });
}

/**
 * Deletes only folders with names of our form, never through a link. The newest stays, even if the
 * clock was set back.
 */
async function removeOldest(briefs: string, newest: string): Promise<void> {
  const entries = await readdir(briefs, { withFileTypes: true });
  const stamps = entries.filter((entry) => entry.isDirectory() && /^\d{8}T\d{6}-/.test(entry.name));
  const old = stamps
    .map(({ name }) => name)
    .sort()
    .slice(0, -KEPT);
  for (const name of old.filter((each) => each !== newest))
    await rm(join(briefs, name), { recursive: true, force: true });
}
