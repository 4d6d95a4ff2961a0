import { isRecord } from '../../core/shape.ts';
import { readMessage } from '../files/protobuf.ts';
import { messageOf } from '../../core/text.ts';

/** What the metadata of a task came to. `fault` says what was wrong where something was; the value is then the best there is. */
export interface Metadata {
  readonly value: Readonly<Record<string, unknown>>;
  readonly fault?: string;
}

const NONE: Metadata = { value: {} };
/** Field 9 of exarp-go's message Todo2Task: a map from names to values written as JSON. */
const METADATA_FIELD = 9;

/** Metadata from the text of the `metadata` column. What is not an object is kept whole as `{ raw }`, as exarp-go does. */
export function readMetadataText(text: string): Metadata {
  if (text.trim() === '') return NONE;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { value: { raw: text }, fault: messageOf(error) };
  }
  if (value === null) return NONE;
  return isRecord(value) ? { value } : { value: { raw: text }, fault: 'not an object' };
}

/** Metadata of an entry in a JSON store. */
export function readMetadataValue(value: unknown): Metadata {
  if (value === undefined || value === null) return NONE;
  return isRecord(value) ? { value } : { value: { raw: value }, fault: 'not an object' };
}

/** Metadata from a serialised Todo2Task; undefined where it has none, with a fault where the bytes are no such message. */
export function readMetadataBlob(blob: Uint8Array): Metadata | undefined {
  const message = readMessage(blob);
  if (message === undefined) return { value: {}, fault: 'metadata_protobuf is not a message' };
  const entries: [string, unknown][] = [];
  for (const field of message) {
    if (field.number !== METADATA_FIELD || field.kind !== 'bytes') continue;
    const entry = readMessage(field.value);
    if (entry === undefined) return { value: {}, fault: 'metadata_protobuf holds a broken entry' };
    entries.push([textOf(entry, 1), parseOrKeep(textOf(entry, 2))]);
  }
  // fromEntries makes properties of its own, even of a name such as __proto__.
  return entries.length === 0 ? undefined : { value: Object.fromEntries(entries) };
}

function textOf(entry: NonNullable<ReturnType<typeof readMessage>>, number: number): string {
  const field = entry.findLast((each) => each.number === number && each.kind === 'bytes');
  return field?.kind === 'bytes' ? new TextDecoder().decode(field.value) : '';
}

function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // exarp-go keeps what is no JSON as text too
  }
}
