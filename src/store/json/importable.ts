import { dirname } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { Task } from '../../core/task.ts';
import { readWhole } from '../../disk/read-whole.ts';
import { readJsonStore } from '../read/json-reader.ts';

/** The limit of one string. */
const MAX_BYTES = 1 << 28;

/**
 * The tasks of a `state.todo2.json`; none where the file does not exist. Fails with `unreadable`.
 */
export async function readImportable(
  file: string,
  project: string,
  root: string = dirname(file),
): Promise<Result<readonly Task[], Failure>> {
  const whole = await readWhole(file, { root, mostBytes: MAX_BYTES });
  if (!whole.ok) return fail({ kind: 'unreadable', file, ...whole.failure });
  if (whole.value === undefined) return ok([]);
  const read = readJsonStore(whole.value.bytes, project);
  return read.ok ? ok(read.value.tasks) : fail({ kind: 'unreadable', file, ...read.failure });
}
