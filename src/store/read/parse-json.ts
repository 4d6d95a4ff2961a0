import { fail, ok, type Result } from '../../core/result.ts';
import { messageOf } from '../../core/text.ts';
import { isLfsPointer, LFS_POINTER } from './file-fault.ts';
import { findJsonFault } from './json-fault.ts';
import type { ContentFault } from './store-content.ts';

/** The names of the list of tasks; exarp-go writes the first. */
export const LIST_NAMES = ['todos', 'tasks'] as const;

/** Parses a file, with or without a byte order mark; a failure has line and column. */
export function parseJson(bytes: Uint8Array): Result<unknown, ContentFault> {
  const encoding = wideEncoding(bytes);
  if (encoding !== undefined) {
    return fail({
      cause: 'malformed',
      detail: `encoded as ${encoding}, not UTF-8 (line 1, column 1)`,
    });
  }
  let text: string;
  try {
    text = new TextDecoder().decode(bytes); // removes the mark
  } catch (error) {
    return fail({ cause: 'io', detail: messageOf(error) });
  }
  if (isLfsPointer(bytes)) return fail(LFS_POINTER);
  if (text.trim() === '') return fail({ cause: 'empty', detail: 'the file has no content' });
  try {
    return ok(JSON.parse(text) as unknown);
  } catch (error) {
    const position = findJsonFault(text);
    if (position === undefined) return fail({ cause: 'io', detail: messageOf(error) }); // valid, but too deep for V8
    const isCutOff = position === text.length;
    const what = isCutOff
      ? 'the file ends too early'
      : `unexpected ${JSON.stringify(text.slice(position, position + 10))}`;
    return fail({
      cause: isCutOff ? 'truncated' : 'malformed',
      detail: `${what} (${placeOf(text, position)})`,
    });
  }
}

/**
 * UTF-16 or UTF-32, as saved by some Windows programs: JSON begins with two ASCII characters, whose
 * bytes are not 0 in UTF-8.
 */
function wideEncoding(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === undefined || b === undefined) return undefined;
  if ((a === 0xff && b === 0xfe) || (a !== 0 && b === 0))
    return c === 0 && d === 0 ? 'UTF-32' : 'UTF-16';
  if ((a === 0xfe && b === 0xff) || (a === 0 && b !== 0)) return 'UTF-16';
  return a === 0 && b === 0 ? 'UTF-32' : undefined;
}

function placeOf(text: string, position: number): string {
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  return `line ${line}, column ${position - before.lastIndexOf('\n')}`;
}
