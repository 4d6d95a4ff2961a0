import { lstatSync, realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { isAbsence } from './file-fault.ts';

/** A path that must not be followed: a link in a folder may lead anywhere. */
class LeadsOut extends Error {}

/** True where an absolute path lies below a folder, by its text alone. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** True where a path stays within a root, links resolved; a missing part leads nowhere else. */
export async function staysWithin(root: string, path: string): Promise<boolean> {
  const base = await realpath(root).catch(() => resolve(root));
  for (let current = resolve(path); ; current = dirname(current)) {
    const real = await realpath(current).catch(() => undefined);
    if (real !== undefined) return real === base || isWithin(base, real);
    if (current === dirname(current)) return false;
  }
}

/**
 * The real path of a file below a root; undefined where there is none. Throws `LeadsOut` where a
 * link, its own or that of a folder on the way, leads out of the root, and the errors of the file
 * system.
 */
export function realWithin(root: string, file: string): string | undefined {
  const base = realOf(root);
  if (base === undefined) return undefined;
  for (let current = resolve(file); ; current = dirname(current)) {
    const real = realOf(current);
    if (real !== undefined) {
      if (real !== base && !isWithin(base, real))
        throw new LeadsOut(`${current} leads out of the folder, to ${real}`);
      return current === resolve(file) ? real : undefined;
    }
    if (current === dirname(current)) return undefined;
  }
}

/**
 * Why a file below a root must not be written; undefined where it may. A link to nothing counts as
 * well, since writing would make what it names.
 */
export function whyNotWritten(root: string, file: string): string | undefined {
  try {
    if (realWithin(root, file) !== undefined) return undefined;
    const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? `${file} is a link to nothing` : undefined;
  } catch (error) {
    if (error instanceof LeadsOut) return error.message;
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
