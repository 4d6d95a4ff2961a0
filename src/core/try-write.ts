import type { Failure } from './failure.ts';
import { fail, ok, type Result } from './result.ts';
import { messageOf } from './text.ts';

/** What `write` answers; where it throws, the failure `writeFailed` of this file. */
export async function tryWrite<T>(
  file: string,
  write: () => Promise<T>,
): Promise<Result<T, Failure>> {
  try {
    return ok(await write());
  } catch (error) {
    return fail({ kind: 'writeFailed', file, detail: messageOf(error) });
  }
}
