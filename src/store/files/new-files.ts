import { lstat, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { makeFolders, passOver } from './folders-within.ts';
import { messageOf } from '../../core/text.ts';

/** What became of a file that was to be new; `file` is absolute. */
export interface NewFile {
  readonly kind: 'created' | 'kept';
  readonly file: string;
}

/** The way to a folder from the root. */
type Folder = readonly string[];

/**
 * Writes a file that was not there before; whatever has its name already, a link included, is kept as it is. `folder` is the
 * way to it from the root, made where it is missing. Fails with `writeFailed`, also where that way leads out of the root.
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
  try {
    await writeFile(join(made.value, name), text, { flag: 'wx' });
    return ok({ kind: 'created', file });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return ok({ kind: 'kept', file });
    return fail({ kind: 'writeFailed', file, detail: messageOf(error) });
  }
}

/** True where something has that name below the root, whatever it is. */
export async function isThere(root: string, folder: Folder, name: string): Promise<boolean> {
  return (await lstat(join(root, ...folder, name)).catch(() => undefined)) !== undefined;
}

const WAVES: Folder = ['.todo2', 'waves'];
const BRIEFS: Folder = [...WAVES, 'briefs'];

/** So many folders of briefs are kept: whoever reads one that is older has been at it for long. */
const KEPT = 20;

/**
 * Writes briefs for agents into a folder of their own, for its owner alone and kept out of git, and answers its path relative
 * to the root, with forward slashes. `stamp` names the folder: it was never used before and sorts by time. The oldest folders go.
 * Fails with `writeFailed`.
 */
export async function writeBriefs(
  root: string,
  stamp: string,
  files: ReadonlyMap<string, string>,
): Promise<Result<string, Failure>> {
  for (const name of [stamp, ...files.keys()]) {
    if (!/^[0-9A-Za-z][0-9A-Za-z.-]{0,79}$/.test(name)) throw new Error('Internal error: that is no name for a brief');
  }
  const waves = await makeFolders(root, WAVES, 0o700);
  if (!waves.ok) return waves;
  const all = await makeFolders(root, BRIEFS, 0o700);
  if (!all.ok) return all;
  const own = await makeFolders(root, [...BRIEFS, stamp], 0o700);
  if (!own.ok) return own;
  try {
    const ignore = join(waves.value, '.gitignore');
    await writeFile(ignore, '*\n', { flag: 'wx', mode: 0o600 }).catch(passOver('EEXIST'));
    for (const [name, text] of files) await writeFile(join(own.value, name), text, { flag: 'wx', mode: 0o600 });
    await removeOldest(all.value, stamp);
    return ok([...BRIEFS, stamp].join('/'));
  } catch (error) {
    return fail({ kind: 'writeFailed', file: own.value, detail: messageOf(error) });
  }
}

/** Only folders that are named as ours are; a link is never followed. The newest stays, also where the clock was set back. */
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
