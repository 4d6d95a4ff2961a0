// The wire format of Protocol Buffers, read-only. Format:
// https://protobuf.dev/programming-guides/encoding/

/** One field of a message. Fixed-size numbers are skipped: no caller needs them. */
type WireField =
  | { readonly number: number; readonly kind: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly kind: 'bytes'; readonly value: Uint8Array };

/**
 * The fields of a message in order, unknown ones included; undefined where the bytes are not a
 * message. Never throws.
 */
export function readMessage(bytes: Uint8Array): readonly WireField[] | undefined {
  const fields: WireField[] = [];
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const key = readVarint(reader);
    if (key === undefined || key > 0xffff_ffffn) return undefined;
    const number = Number(key >> 3n);
    if (number === 0) return undefined;
    switch (Number(key & 7n)) {
      case 0: {
        const value = readVarint(reader);
        if (value === undefined) return undefined;
        fields.push({ number, kind: 'varint', value });
        break;
      }
      case 1:
        reader.at += 8;
        break;
      case 2: {
        const length = readVarint(reader);
        if (length === undefined || length > BigInt(bytes.length - reader.at)) return undefined;
        const value = bytes.subarray(reader.at, reader.at + Number(length));
        reader.at += value.length;
        fields.push({ number, kind: 'bytes', value });
        break;
      }
      case 5:
        reader.at += 4;
        break;
      default:
        return undefined; // groups are obsolete, 6 and 7 undefined
    }
    if (reader.at > bytes.length) return undefined;
  }
  return fields;
}

/** The last bytes of a field, as protobuf prescribes; undefined where the message has none. */
export function bytesOf(fields: readonly WireField[], number: number): Uint8Array | undefined {
  const field = fields.findLast((each) => each.number === number && each.kind === 'bytes');
  return field?.kind === 'bytes' ? field.value : undefined;
}

/** The last number of a field, as int64; undefined where the message has none. */
export function integerOf(fields: readonly WireField[], number: number): number | undefined {
  const field = fields.findLast((each) => each.number === number && each.kind === 'varint');
  return field?.kind === 'varint' ? Number(BigInt.asIntN(64, field.value)) : undefined;
}

/** All texts of a field, in order. */
export function textsOf(fields: readonly WireField[], number: number): readonly string[] {
  return fields.flatMap((each) =>
    each.number === number && each.kind === 'bytes' ? [new TextDecoder().decode(each.value)] : [],
  );
}

function readVarint(reader: { readonly bytes: Uint8Array; at: number }): bigint | undefined {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  return undefined;
}
