import { lstat, mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { messageOf } from '../../core/text.ts';
import { isWithin } from '../../disk/within.ts';

/**
 * Creates the missing folders of a path below a root, and returns the real path of the last one.
 * `mode` applies below the first, which is not ours alone. Fails with `writeFailed`, also where a
 * link leads out of the root; each step is checked before the next, so nothing is created outside.
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
      await mkdir(folder, index === 0 || mode === undefined ? {} : { mode }).catch(
        passOver('EEXIST'),
      );
      real = await realpath(folder);
      if (!isWithin(base, real)) {
        return fail({
          kind: 'writeFailed',
          file: folder,
          detail: `it leads out of the folder, to ${real}`,
        });
      }
      if (!(await lstat(real)).isDirectory())
        return fail({ kind: 'writeFailed', file: folder, detail: 'it is no folder' });
    }
    return ok(real);
  } catch (error) {
    return fail({ kind: 'writeFailed', file: folder, detail: messageOf(error) });
  }
}

/** Keeps a folder out of git by a `.gitignore` of its own; an existing one stays. */
export async function keepOutOfGit(folder: string): Promise<void> {
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 }).catch(
    passOver('EEXIST'),
  );
}

/** A `catch` handler that ignores one error code and rethrows others. */
export function passOver(code: string): (error: unknown) => void {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
  };
}
