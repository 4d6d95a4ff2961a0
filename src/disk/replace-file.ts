import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Replaces the content of a file by `text` (UTF-8) atomically: a reader sees the old content or the
 * new. `mode` is set on the new file. `isCurrent` is called directly before the rename; where it
 * returns false, nothing is replaced and the result is false. Throws the errors of the file system;
 * the old content is then unchanged.
 */
export async function replaceFile(
  file: string,
  text: string,
  mode: number | undefined,
  isCurrent: () => boolean = () => true,
): Promise<boolean> {
  // In the same folder, since a rename is atomic only within a file system; hidden, so that
  // listings of plans skip it.
  const temporary = join(dirname(file), `.${basename(file).slice(0, 40)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, 'wx', mode ?? 0o666);
    try {
      await handle.writeFile(text, 'utf8');
      // The umask may have removed bits that the old file had.
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
    await removeFile(temporary);
    throw error;
  }
  await syncFolder(dirname(file));
  return true;
}

/** On Windows the rename fails while a scanner or an editor has the target open for a moment. */
async function renameOver(from: string, to: string, isCurrent: () => boolean): Promise<boolean> {
  for (let pause = 20; ; pause *= 2) {
    try {
      if (!isCurrent()) return false;
      // Synchronous, so that no other write fits in after `isCurrent`.
      renameSync(from, to);
      return true;
    } catch (error) {
      const passing = ['EPERM', 'EACCES', 'EBUSY'].includes(
        (error as NodeJS.ErrnoException).code ?? '',
      );
      if (process.platform !== 'win32' || !passing || pause > 320) throw error;
      await wait(pause);
    }
  }
}

/** Deletes a file; one that is gone already, or cannot be deleted, is no failure. */
export async function removeFile(file: string): Promise<void> {
  await unlink(file).catch(() => undefined);
}

/**
 * Makes a rename durable, where a folder can be opened (not on Windows and some network drives).
 */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // The file is in place, so this is not a failure.
  } finally {
    await handle?.close();
  }
}
