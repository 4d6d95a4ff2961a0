import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Failure } from '../core/failure.ts';
import type { Result } from '../core/result.ts';
import { tryWrite } from '../core/try-write.ts';

/**
 * Writes a prompt, byte for byte, to a file that was not there before and that only this user may
 * read. Its folder is made where it is missing. Fails with `writeFailed`, also where anything, a
 * link included, has that name already.
 */
export function writePromptFile(file: string, text: string): Promise<Result<unknown, Failure>> {
  return tryWrite(file, async () => {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
  });
}
