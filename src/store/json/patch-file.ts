import { realpathSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { faultOfError } from '../../disk/file-fault.ts';
import { decodeUtf8, readWhole } from '../../disk/read-whole.ts';
import { stampOf } from '../read/file-stamp.ts';
import type { ContentFault } from '../read/store-content.ts';
import { replaceFile } from '../../disk/replace-file.ts';
import { messageOf } from '../../core/text.ts';

/** Tries before giving up while another process writes the file between our read and our write. */
const ATTEMPTS = 5;

/** How long a program that has emptied the file may take to write it, in ms. */
const WRITTEN_MS = 100;

/** The limit of one string. */
const MAX_BYTES = 1 << 28;

/** The last pending change of each file: two at once would overwrite each other. */
const pending = new Map<string, Promise<unknown>>();

/**
 * The result of a patch: the new text (the same text means unchanged), or why nothing is written.
 */
export type Patch<R> = { readonly text: string } | { readonly refused: R };

/** Reads a whole file as JSON, or says what is wrong with it. */
export type ParseJson = (bytes: Uint8Array) => Result<unknown, ContentFault>;

/**
 * Replaces a JSON file by what `patch` makes of its text, atomically. `patch` gets valid JSON with
 * its byte order mark, and is called again where another process wrote the file meanwhile.
 *
 * Never creates the file: the answer is then `noFile`. A link stays a link, and may not lead out of
 * `root`, by default the folder of the file. A file that is not
 * JSON, or not UTF-8, is left alone and fails with `unreadable`, unless it is being written; any
 * other failure is `writeFailed`. `parse` finds words for what is no JSON.
 */
export function patchJsonFile<R = never>(
  file: string,
  patch: (text: string) => Patch<R>,
  root: string = dirname(file),
  parse: ParseJson = parsePlainly,
): Promise<Result<'patched' | 'unchanged' | 'noFile' | { readonly refused: R }, Failure>> {
  return inTurn(file, () => patchNow(file, patch, root, parse));
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
  root: string,
  parse: ParseJson,
): Promise<Result<'patched' | 'unchanged' | 'noFile' | { readonly refused: R }, Failure>> {
  let step: 'read' | 'write' = 'read';
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      step = 'read';
      const whole = await readWhole(file, { root, mostBytes: MAX_BYTES });
      if (!whole.ok) return fail({ kind: 'unreadable', file, ...whole.failure });
      if (whole.value === undefined) return ok('noFile');
      const { bytes, path: real, stat: before } = whole.value;
      const parsed = parse(bytes);
      if (!parsed.ok) {
        // exarp-go empties the file before it writes it.
        if (await changesSoon(real, stampOf(before))) continue;
        return fail({ kind: 'unreadable', file, ...parsed.failure });
      }
      const text = decodeUtf8(bytes);
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

/** For programs that show nobody what is wrong: the words of the engine will do. */
function parsePlainly(bytes: Uint8Array): Result<unknown, ContentFault> {
  try {
    return ok(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    return fail({ cause: 'malformed', detail: messageOf(error) });
  }
}

/** True where another process writes the file within a moment. */
async function changesSoon(file: string, stamp: string): Promise<boolean> {
  await wait(WRITTEN_MS);
  return stampOf(await stat(file, { bigint: true })) !== stamp;
}
