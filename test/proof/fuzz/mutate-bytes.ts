import { oneOf, type Random } from '../../support/random.ts';

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** Numbers at the edge of what fields of one to eight bytes can hold. */
const EDGES = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];

const ANYWHERE: readonly Mutation[] = [
  (bytes, random) => {
    for (let times = 1 + random(12); times > 0; times--) flip(bytes, random(bytes.length), random);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
  (bytes, random) => {
    const at = random(bytes.length);
    return bytes.fill(
      oneOf(random, [0, 0xff, random(256)]),
      at,
      Math.min(bytes.length, at + 1 + random(2_000)),
    );
  },
  (bytes, random) => {
    for (
      let at = random(bytes.length), end = at + 1 + random(300);
      at < Math.min(end, bytes.length);
      at++
    ) {
      bytes[at] = random(256);
    }
    return bytes;
  },
  // A piece of it over another one, or between.
  (bytes, random) => {
    bytes.copyWithin(random(bytes.length), random(bytes.length), random(bytes.length));
    return bytes;
  },
  (bytes, random) => {
    const [at, from] = [random(bytes.length), random(bytes.length)];
    return Buffer.concat([
      bytes.subarray(0, at),
      bytes.subarray(from, from + random(5_000)),
      bytes.subarray(at),
    ]);
  },
  (bytes, random) => Buffer.concat([bytes, randomBytes(1 + random(6_000), random)]),
];

/** The same bytes with some of them changed, taken away or put in. Changes the bytes given. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let times = 1 + random(3); times > 0 && result.length > 0; times--)
    result = oneOf(random, ANYWHERE)(result, random);
  return result;
}

/** Bytes that mean nothing. */
export function randomBytes(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}

/**
 * Fields of the header of a database that are believed by whoever reads it: where, and how many
 * bytes.
 */
const HEADER_FIELDS = [
  ...[
    [16, 2],
    [18, 1],
    [19, 1],
    [20, 1],
    [21, 1],
    [22, 1],
    [23, 1],
    [24, 4],
    [28, 4],
    [32, 4],
    [36, 4],
    [40, 4],
  ],
  ...[
    [44, 4],
    [48, 4],
    [52, 4],
    [56, 4],
    [60, 4],
    [64, 4],
    [92, 4],
    [96, 4],
  ],
] as const;

const IN_DATABASE: readonly Mutation[] = [
  // Plausible and wrong: page sizes, text encodings, reserved bytes, counts.
  (bytes, random) => {
    const [at = 0, length = 1] = oneOf(random, HEADER_FIELDS);
    return putNumber(bytes, at, length, oneOf(random, [...EDGES, random(5), 512 << random(8)]));
  },
  // Whole pages that are where others belong.
  (bytes, random) => {
    const size = pageSizeOf(bytes);
    const [a, b] = [random(bytes.length / size) * size, random(bytes.length / size) * size];
    const page = Buffer.from(bytes.subarray(a, a + size));
    bytes.copyWithin(a, b, b + size);
    if (random(2) === 0) page.copy(bytes, b);
    return bytes;
  },
  // The head of a page of a tree: its kind, the count of its cells, where they are, and their
  // sizes.
  (bytes, random) => {
    const size = pageSizeOf(bytes);
    const page = random(bytes.length / size);
    const head = page * size + (page === 0 ? 100 : 0);
    switch (random(4)) {
      case 0:
        return putNumber(bytes, head, 1, oneOf(random, [2, 5, 10, 13, 0, random(256)]));
      case 1:
        return putNumber(bytes, head + 3, 2, oneOf(random, [...EDGES, random(200)]));
      case 2: // a pointer to a cell, or of an inner page to its last child
        return putNumber(
          bytes,
          head + 8 + 2 * random(20),
          2,
          random(2) === 0 ? random(size) : oneOf(random, EDGES),
        );
      default:
        return putNumber(bytes, head + 8, 4, 1 + random(2 * (bytes.length / size)));
    }
  },
  // A cell itself: varints of sizes, rowids and types stand at its beginning.
  (bytes, random) => {
    const size = pageSizeOf(bytes);
    const page = random(bytes.length / size);
    const head = page * size + (page === 0 ? 100 : 0);
    const cells = head + 8 <= bytes.length ? bytes.readUInt16BE(head + 3) : 0;
    const slot = head + 8 + 2 * random(Math.max(1, Math.min(cells, 100)));
    const cell = slot + 2 <= bytes.length ? page * size + bytes.readUInt16BE(slot) : 0;
    for (let at = cell; at < Math.min(bytes.length, cell + 1 + random(12)); at++) {
      if (random(2) === 0) bytes[at] = oneOf(random, [0x7f, 0x80, 0x81, 0xff, random(256)]);
    }
    return bytes;
  },
];

/**
 * A database with something wrong in it that its own structure has a name for, or anything else.
 * Changes the bytes given.
 */
export function mutateDatabase(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let times = 1 + random(4); times > 0 && result.length >= 512; times--) {
    result =
      random(5) === 0 ? mutateBytes(result, random) : oneOf(random, IN_DATABASE)(result, random);
  }
  return result;
}

/**
 * A log with whole frames missing, doubled, or in another order. The sums are as they were. Changes
 * the bytes given.
 */
export function mutateLog(bytes: Buffer, random: Random): Buffer {
  if (bytes.length < 32 || random(3) === 0)
    return bytes.length === 0 ? bytes : mutateBytes(bytes, random);
  const size = 24 + bytes.readUInt32BE(8);
  const count = Math.floor((bytes.length - 32) / size);
  const frames = Array.from({ length: count }, (_, n) =>
    bytes.subarray(32 + n * size, 32 + (n + 1) * size),
  );
  for (let times = 1 + random(3); times > 0 && frames.length > 0; times--) {
    const [a, b] = [random(frames.length), random(frames.length)];
    const frame = Buffer.from(frames[a]!);
    switch (random(5)) {
      case 0:
        frames.splice(a, 1);
        break;
      case 1:
        frames.splice(b, 0, frame);
        break;
      case 2:
        [frames[a], frames[b]] = [frames[b]!, frame];
        break;
      case 3: // another page, or another size of the database after it
        frames[a] = putNumber(
          frame,
          oneOf(random, [0, 4]),
          4,
          oneOf(random, [...EDGES.slice(0, 9), random(300)]),
        );
        break;
      default:
        frames[a] = Buffer.concat([
          frame.subarray(0, 24),
          mutateDatabasePage(frame.subarray(24), random),
        ]);
    }
  }
  return Buffer.concat([bytes.subarray(0, 32), ...frames]);
}

function mutateDatabasePage(page: Buffer, random: Random): Buffer {
  const mutated = mutateBytes(Buffer.from(page), random);
  return Buffer.concat([mutated, Buffer.alloc(page.length)]).subarray(0, page.length);
}

function flip(bytes: Buffer, at: number, random: Random): void {
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
}

function putNumber(bytes: Buffer, at: number, length: number, value: number): Buffer {
  const least = value % 2 ** (8 * length);
  if (at + length <= bytes.length) bytes.writeUIntBE(least, at, length);
  return bytes;
}

function pageSizeOf(bytes: Buffer): number {
  const size = bytes.readUInt16BE(16);
  return size >= 512 && size <= bytes.length
    ? size
    : size === 1 && bytes.length >= 65_536
      ? 65_536
      : 512;
}
