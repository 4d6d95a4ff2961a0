import { readFile } from 'node:fs/promises';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Task } from '../../core/task.ts';
import { faultOfError } from '../read/file-fault.ts';
import { readJsonStore } from '../read/json-reader.ts';

/**
 * The tasks of a `state.todo2.json`; none where the file does not exist. Fails with `unreadable`.
 */
export async function readImportable(
  file: string,
  project: string,
): Promise<Result<readonly Task[], Failure>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ok([]);
    return fail({ kind: 'unreadable', file, ...faultOfError(error) });
  }
  const read = readJsonStore(bytes, project);
  return read.ok ? ok(read.value.tasks) : fail({ kind: 'unreadable', file, ...read.failure });
}
