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

/** Where the entries of a store are. */
export interface EntryPlaces {
  /** By id, of several entries the first. */
  readonly ofIds: ReadonlyMap<string, Place>;
  /** Of all entries in order: the id, or where it has none the entry. */
  readonly ofEntries: readonly Place[];
}

/** The places in a `state.todo2.json`; none where the text is not valid JSON. */
export function findEntries(text: string): EntryPlaces {
  const ofIds = new Map<string, Place>();
  const ofEntries: Place[] = [];
  try {
    JSON.parse(text);
  } catch {
    return { ofIds, ofEntries };
  }
  let [line, lineStart, at] = [0, 0, 0];
  for (const entry of entriesIn(text)) {
    const id = memberSpans(text, entry.start).get('id');
    const { start } = id ?? entry;
    // Entries are in text order, so the lines are counted once.
    for (; at < start; at++) {
      if (text[at] !== '\n') continue;
      line++;
      lineStart = at + 1;
    }
    const place = { line, character: start - lineStart };
    ofEntries.push(place);
    if (id === undefined) continue;
    const name: unknown = JSON.parse(text.slice(id.start, id.end));
    if ((typeof name === 'string' || typeof name === 'number') && !ofIds.has(String(name)))
      ofIds.set(String(name), place);
  }
  return { ofIds, ofEntries };
}

/** The same for a file; empty where it cannot be read. */
export async function readEntries(
  file: string,
  root: string = dirname(file),
): Promise<EntryPlaces> {
  const read = await readWhole(file, { root, mostBytes: MAX_BYTES });
  // The reader of the store reports the fault.
  if (!read.ok || read.value === undefined) return { ofIds: new Map(), ofEntries: [] };
  return findEntries(new TextDecoder().decode(read.value.bytes));
}
