import { realpathSync, statSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { causeOfError } from '../read/file-fault.ts';
import { stampOf } from '../read/file-stamp.ts';
import { parseJson } from '../read/json-reader.ts';
import { replaceFile } from '../files/replace-file.ts';
import { messageOf } from '../../core/text.ts';

/** How often to begin anew when somebody writes the file between our read and our write. */
const ATTEMPTS = 5;

/** The last change on its way to each file: two at once would each bring back what the other one changed. */
const pending = new Map<string, Promise<unknown>>();

/** What a patch makes of a text: another one, the same for nothing to do, or a reason of its own not to write. */
export type Patch<R> = { readonly text: string } | { readonly refused: R };

/**
 * Exchanges the text of a JSON file for what `patch` makes of it, in one step of the file system, and answers whether the
 * file is another now. `patch` gets text that is valid JSON, with its byte order mark, and is asked again where somebody
 * else has written meanwhile.
 *
 * Never makes the file: `noFile` says that there is none. A link stays a link. What is no JSON, or not UTF-8, is left alone
 * and fails with `unreadable`; otherwise fails with `writeFailed`.
 */
export function patchJsonFile<R = never>(
  file: string,
  patch: (text: string) => Patch<R>,
): Promise<Result<'patched' | 'unchanged' | 'noFile' | { readonly refused: R }, Failure>> {
  return inTurn(file, () => patchNow(file, patch));
}

/** Runs what writes a file after whatever this process writes there already. */
export function inTurn<T>(file: string, write: () => Promise<T>): Promise<T> {
  const mine = (pending.get(file) ?? Promise.resolve()).then(write, write);
  pending.set(file, mine);
  const forget = (): void => {
    if (pending.get(file) === mine) pending.delete(file);
  };
  mine.then(forget, forget);
  return mine;
}

async function patchNow<R>(
  file: string,
  patch: (text: string) => Patch<R>,
): Promise<Result<'patched' | 'unchanged' | 'noFile' | { readonly refused: R }, Failure>> {
  let step: 'read' | 'write' = 'read';
  try {
    const real = await realpath(file);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      step = 'read';
      const before = await stat(real, { bigint: true });
      const bytes = await readFile(real);
      const parsed = parseJson(bytes);
      if (!parsed.ok) return fail({ kind: 'unreadable', file, ...parsed.failure });
      const text = decodeExactly(bytes);
      if (text === undefined) return fail({ kind: 'unreadable', file, cause: 'malformed', detail: 'not UTF-8' });
      const made = patch(text);
      if ('refused' in made) return ok(made);
      if (made.text === text) return ok('unchanged');
      // A rename would get around it, and whoever protected the file means its content.
      if ((Number(before.mode) & 0o222) === 0) return fail({ kind: 'writeFailed', file, detail: 'it is read-only' });
      step = 'write';
      // Asked at the last moment, without a turn of the loop between the answer and the rename.
      const isCurrent = (): boolean =>
        realpathSync(file) === real && stampOf(statSync(real, { bigint: true })) === stampOf(before);
      if (await replaceFile(real, made.text, Number(before.mode) & 0o777, isCurrent)) return ok('patched');
    }
    return fail({ kind: 'writeFailed', file, detail: 'somebody else writes it all the time' });
  } catch (error) {
    const detail = messageOf(error);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ok('noFile');
    if (error instanceof Error && !('code' in error)) throw error;
    if (step === 'write') return fail({ kind: 'writeFailed', file, detail });
    return fail({ kind: 'unreadable', file, cause: causeOfError(error), detail });
  }
}

/** With its byte order mark, and only where encoding it again gives the same bytes. */
function decodeExactly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
