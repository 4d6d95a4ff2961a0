import { dirname } from 'node:path';
import { readWhole } from '../../disk/read-whole.ts';
import { entriesIn } from './json-patch.ts';
import { memberSpans } from './json-spans.ts';

/** The limit of one string. */
const MAX_BYTES = 1 << 28;

/** A position in a text; lines and characters count from 0. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

/**
 * The position of each entry's id in a `state.todo2.json`. Empty where the text is not valid JSON.
 */
export function findEntries(text: string): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  try {
    JSON.parse(text);
  } catch {
    return places;
  }
  let [line, lineStart, at] = [0, 0, 0];
  for (const entry of entriesIn(text)) {
    const id = memberSpans(text, entry.start).get('id');
    if (id === undefined) continue;
    // Entries are in text order, so the lines are counted once.
    for (; at < id.start; at++) {
      if (text[at] !== '\n') continue;
      line++;
      lineStart = at + 1;
    }
    const name: unknown = JSON.parse(text.slice(id.start, id.end));
    if ((typeof name === 'string' || typeof name === 'number') && !places.has(String(name))) {
      places.set(String(name), { line, character: id.start - lineStart });
    }
  }
  return places;
}

/** The same for a file; empty where it cannot be read. */
export async function readEntries(
  file: string,
  root: string = dirname(file),
): Promise<ReadonlyMap<string, Place>> {
  const read = await readWhole(file, { root, mostBytes: MAX_BYTES });
  // The reader of the store reports the fault.
  if (!read.ok || read.value === undefined) return new Map();
  return findEntries(new TextDecoder().decode(read.value.bytes));
}
