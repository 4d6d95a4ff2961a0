/* eslint-disable @typescript-eslint/no-non-null-assertion --
   Every read lies within a record, which is checked where its place is computed; a check per byte would only cost time. */
// The record format of SQLite's rows. Format: https://www.sqlite.org/fileformat2.html#record_format
import { Unsure } from './btree.ts';

/** A column value; undefined where the store does not have the column. */
export type Cell = string | number | null | undefined | Uint8Array;

/** The positions of the wanted columns in a record. */
export interface RecordLayout {
  /** Table column → slot in the row, or -1. */
  readonly slotOf: readonly number[];
  /** The number of slots of a row. */
  readonly width: number;
  /** Slot → value for a record older than the column; `UNKNOWN` where only SQLite can tell. */
  readonly defaults: readonly (Cell | typeof UNKNOWN)[];
  /** The slot whose blobs stay blobs; -1 for none. In all others blobs are read as text. */
  readonly blobSlot: number;
}

export const UNKNOWN = Symbol('unknown');

/** Reads the wanted columns of a record into `row`; other slots stay as they are. */
export function readRecord(
  bytes: Buffer,
  begin: number,
  size: number,
  layout: RecordLayout,
  row: Cell[],
): void {
  const { slotOf, defaults } = layout;
  const end = begin + size;
  let at = begin;
  let headerEnd = begin;
  // One or two bytes, except in very wide tables.
  const first = bytes[at]!;
  if (size === 0) throw new Unsure('a record is empty');
  if (first < 0x80) {
    headerEnd += first;
    at += 1;
  } else {
    const second = bytes[at + 1]!;
    if (size < 2 || second >= 0x80) throw new Unsure('the header of a record is too long');
    headerEnd += ((first & 0x7f) << 7) | second;
    at += 2;
  }
  if (headerEnd < at || headerEnd > end)
    throw new Unsure('the header of a record is longer than the record');
  let value = headerEnd;
  for (let column = 0; column < slotOf.length; column++) {
    const slot = slotOf[column]!;
    if (at >= headerEnd) {
      if (slot === -1) continue;
      const standIn = defaults[slot];
      if (standIn === UNKNOWN) throw new Unsure('a default is no constant');
      row[slot] = standIn;
      continue;
    }
    let type = bytes[at++]!;
    if (type >= 0x80) {
      type &= 0x7f;
      for (let more = 0x80; more >= 0x80;) {
        if (at >= headerEnd || type > 0xff_ffff) throw new Unsure('a value is too long');
        more = bytes[at++]!;
        type = (type * 128) | (more & 0x7f);
      }
    }
    const length = lengthOf(type);
    if (value + length > end) throw new Unsure('a value is longer than its record');
    if (slot !== -1) {
      if (type < 12) row[slot] = numberAt(bytes, value, type);
      else if (type % 2 === 1 || slot !== layout.blobSlot)
        row[slot] = textAt(bytes, value, value + length);
      else row[slot] = new Uint8Array(bytes.subarray(value, value + length));
    }
    value += length;
  }
}

function lengthOf(type: number): number {
  if (type >= 12) return (type - 12 - (type & 1)) / 2;
  if (type <= 4) return type;
  if (type === 5) return 6;
  if (type <= 7) return 8;
  if (type <= 9) return 0;
  throw new Unsure(`a value of the type ${type}`);
}

function numberAt(bytes: Buffer, at: number, type: number): number | null {
  switch (type) {
    case 1:
      return bytes.readInt8(at);
    case 2:
      return bytes.readInt16BE(at);
    case 3:
      return bytes.readIntBE(at, 3);
    case 4:
      return bytes.readInt32BE(at);
    case 5:
      return bytes.readIntBE(at, 6);
    case 6:
      return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4); // rounded once, as by SQLite and JSON
    case 7:
      return bytes.readDoubleBE(at);
    case 8:
      return 0;
    case 9:
      return 1;
    default:
      return null;
  }
}

/** `toString` first looks up its encoding, which is most of its time for a short text. */
const utf8: (bytes: Buffer, begin: number, end: number) => string =
  'utf8Slice' in Buffer.prototype
    ? (bytes, begin, end) =>
        (bytes as Buffer & { utf8Slice(begin: number, end: number): string }).utf8Slice(begin, end)
    : (bytes, begin, end) => bytes.toString('utf8', begin, end);

const WORD_LENGTH = 20;
const WORDS = 1024;
/** A cache of recent short texts by hash: status, priority and tags are always the same few. */
const words = new Array<string>(WORDS).fill('');

/** Decodes UTF-8 bytes. */
export function textAt(bytes: Buffer, begin: number, end: number): string {
  const length = end - begin;
  if (length > WORD_LENGTH) return utf8(bytes, begin, end);
  if (length === 0) return '';
  let hash = length;
  for (let i = begin; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  const slot = (hash ^ (hash >>> 10)) & (WORDS - 1);
  const known = words[slot]!;
  if (isText(known, bytes, begin, length)) return known;
  return (words[slot] = utf8(bytes, begin, end));
}

/** True where the bytes equal the text, which is plain ASCII. */
export function isText(text: string, bytes: Buffer, begin: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[begin + i]!;
    if (byte >= 0x80 || text.charCodeAt(i) !== byte) return false;
  }
  return true;
}
