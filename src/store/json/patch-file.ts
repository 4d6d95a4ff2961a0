import { realpathSync, statSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { faultOfError } from '../read/file-fault.ts';
import { stampOf } from '../read/file-stamp.ts';
import { parseJson } from '../read/json-reader.ts';
import { replaceFile } from '../files/replace-file.ts';
import { messageOf } from '../../core/text.ts';

/** Tries before giving up while another process writes the file between our read and our write. */
const ATTEMPTS = 5;

/** The last pending change of each file: two at once would overwrite each other. */
const pending = new Map<string, Promise<unknown>>();

/**
 * The result of a patch: the new text (the same text means unchanged), or why nothing is written.
 */
export type Patch<R> = { readonly text: string } | { readonly refused: R };

/**
 * Replaces a JSON file by what `patch` makes of its text, atomically. `patch` gets valid JSON with
 * its byte order mark, and is called again where another process wrote the file meanwhile.
 *
 * Never creates the file: the answer is then `noFile`. A link stays a link. A file that is not
 * JSON, or not UTF-8, is left alone and fails with `unreadable`; any other failure is
 * `writeFailed`.
 */
export function patchJsonFile<R = never>(
  file: string,
  patch: (text: string) => Patch<R>,
): Promise<Result<'patched' | 'unchanged' | 'noFile' | { readonly refused: R }, Failure>> {
  return inTurn(file, () => patchNow(file, patch));
}

/** Runs a write of a file after the writes of it that this process has already queued. */
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
      if (text === undefined)
        return fail({ kind: 'unreadable', file, cause: 'malformed', detail: 'not UTF-8' });
      const made = patch(text);
      if ('refused' in made) return ok(made);
      if (made.text === text) return ok('unchanged');
      // A rename would bypass the protection that the user has set.
      if ((Number(before.mode) & 0o222) === 0)
        return fail({ kind: 'writeFailed', file, detail: 'it is read-only' });
      step = 'write';
      // Synchronous, directly before the rename, so that no other write fits in between.
      const isCurrent = (): boolean =>
        realpathSync(file) === real &&
        stampOf(statSync(real, { bigint: true })) === stampOf(before);
      if (await replaceFile(real, made.text, Number(before.mode) & 0o777, isCurrent))
        return ok('patched');
    }
    return fail({ kind: 'writeFailed', file, detail: 'another process keeps writing it' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ok('noFile');
    if (error instanceof Error && !('code' in error)) throw error;
    if (step === 'write') return fail({ kind: 'writeFailed', file, detail: messageOf(error) });
    return fail({ kind: 'unreadable', file, ...faultOfError(error) });
  }
}

/** The text with its byte order mark; undefined where the bytes are not UTF-8. */
function decodeExactly(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
