import { readFile } from 'node:fs/promises';
import { entriesIn } from './json-patch.ts';
import { memberSpans } from './json-spans.ts';

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
export async function readEntries(file: string): Promise<ReadonlyMap<string, Place>> {
  try {
    return findEntries(new TextDecoder().decode(await readFile(file)));
  } catch {
    return new Map(); // the reader of the store reports the fault
  }
}
