import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { messageOf } from '../../core/text.ts';

/**
 * Makes the folders of a way down from a root, each only where it is missing, and answers the real path of the last one.
 * `mode` is for those below the first, which is not ours alone. Fails with `writeFailed`, also where a link on the way leads
 * out of the root: that is looked at after each step, so that nothing is made beyond it either.
 */
export async function makeFolders(
  root: string,
  parts: readonly string[],
  mode?: number,
): Promise<Result<string, Failure>> {
  let folder = root;
  try {
    const base = await realpath(root);
    let real = base;
    for (const [index, part] of parts.entries()) {
      folder = join(folder, part);
      await mkdir(folder, index === 0 || mode === undefined ? {} : { mode }).catch(passOver('EEXIST'));
      real = await realpath(folder);
      if (!isWithin(base, real)) {
        return fail({ kind: 'writeFailed', file: folder, detail: `it leads out of the folder, to ${real}` });
      }
      if (!(await lstat(real)).isDirectory())
        return fail({ kind: 'writeFailed', file: folder, detail: 'it is no folder' });
    }
    return ok(real);
  } catch (error) {
    return fail({ kind: 'writeFailed', file: folder, detail: messageOf(error) });
  }
}

/** For a `catch` that minds everything but this. */
export function passOver(code: string): (error: unknown) => void {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
  };
}

function isWithin(base: string, path: string): boolean {
  return path.startsWith(base.endsWith(sep) ? base : base + sep);
}
