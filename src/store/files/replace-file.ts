import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Puts `text` (UTF-8) in the place of a file, in one step: a reader sees the old content or the new, never a part.
 * `mode` is given to the new file. `isCurrent` is asked directly before that step; where it says no, nothing is exchanged
 * and the answer is false. Throws what the file system throws; the old content is then untouched.
 */
export async function replaceFile(
  file: string,
  text: string,
  mode: number | undefined,
  isCurrent: () => boolean = () => true,
): Promise<boolean> {
  // In the same folder, since a rename is one step only within a file system; hidden, so that no listing of plans has it.
  const temporary = join(dirname(file), `.${basename(file).slice(0, 40)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, 'wx', mode ?? 0o666);
    try {
      await handle.writeFile(text, 'utf8');
      // The umask may have taken bits away that the old file had.
      if (mode !== undefined) await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (!(await renameOver(temporary, file, isCurrent))) {
      await unlink(temporary);
      return false;
    }
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
  return true;
}

/** On Windows a scanner or an editor that has the target open for a moment makes a rename fail. */
async function renameOver(from: string, to: string, isCurrent: () => boolean): Promise<boolean> {
  for (let pause = 20; ; pause *= 2) {
    try {
      if (!isCurrent()) return false;
      // At once, as others write the same file: a turn of the loop here would be time for them.
      renameSync(from, to);
      return true;
    } catch (error) {
      const passing = ['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (process.platform !== 'win32' || !passing || pause > 320) throw error;
      await wait(pause);
    }
  }
}

/** Makes the rename itself durable, where a folder can be opened; elsewhere (Windows, some network drives) nothing is lost but that. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // The file is in place already: no reason to report a failure.
  } finally {
    await handle?.close();
  }
}
