import { isRecord } from '../../core/shape.ts';
import { readMessage, textsOf } from '../files/protobuf.ts';
import { messageOf } from '../../core/text.ts';

/** The parsed metadata of a task; with a `fault`, `value` is the best available. */
export interface Metadata {
  readonly value: Readonly<Record<string, unknown>>;
  readonly fault?: string;
}

const NONE: Metadata = { value: {} };
/** Field 9 of exarp-go's message Todo2Task: a map from names to JSON values. */
const METADATA_FIELD = 9;

/**
 * Parses the `metadata` column. A value that is not an object is kept as `{ raw }`, as in exarp-go.
 */
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

/** The metadata of an entry in a JSON store. */
export function readMetadataValue(value: unknown): Metadata {
  if (value === undefined || value === null) return NONE;
  return isRecord(value) ? { value } : { value: { raw: value }, fault: 'not an object' };
}

/**
 * Metadata of a serialised Todo2Task; undefined where it has none, with a fault where the bytes are
 * not such a message.
 */
export function readMetadataBlob(blob: Uint8Array): Metadata | undefined {
  const message = readMessage(blob);
  if (message === undefined) return { value: {}, fault: 'metadata_protobuf is not a message' };
  const entries: [string, unknown][] = [];
  for (const field of message) {
    if (field.number !== METADATA_FIELD || field.kind !== 'bytes') continue;
    const entry = readMessage(field.value);
    if (entry === undefined) return { value: {}, fault: 'metadata_protobuf holds a broken entry' };
    const [name = '', value = ''] = [1, 2].map((number) => textsOf(entry, number).at(-1));
    entries.push([name, parseOrKeep(value)]);
  }
  // `fromEntries` defines own properties, even for a name such as `__proto__`.
  return entries.length === 0 ? undefined : { value: Object.fromEntries(entries) };
}

function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // exarp-go keeps invalid JSON as text too
  }
}
