/**
 * A frame of a log that a test makes: the page, its content, and the size of the database where it
 * commits.
 */
export interface FrameSpec {
  readonly page: number;
  readonly fill: number;
  readonly commit?: number;
}

export interface WalSpec {
  readonly pageSize?: number;
  readonly littleEndian?: boolean;
  readonly salts?: readonly [number, number];
  readonly frames: readonly FrameSpec[];
}

/**
 * The bytes of a log with true checksums, written from the format's description and not from our
 * reader.
 */
export function buildWal({
  pageSize = 512,
  littleEndian = true,
  salts = [7, 9],
  frames,
}: WalSpec): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(32 + frames.length * (24 + pageSize));
  const view = new DataView(bytes.buffer);
  [littleEndian ? 0x377f0682 : 0x377f0683, 3_007_000, pageSize, 0, ...salts].forEach((v, i) =>
    view.setUint32(i * 4, v),
  );
  const sum: [number, number] = [0, 0];
  const add = (from: number, to: number): void => {
    for (let at = from; at < to; at += 8) {
      sum[0] = (sum[0] + view.getUint32(at, littleEndian) + sum[1]) >>> 0;
      sum[1] = (sum[1] + view.getUint32(at + 4, littleEndian) + sum[0]) >>> 0;
    }
  };
  add(0, 24);
  sum.forEach((v, i) => view.setUint32(24 + i * 4, v));
  frames.forEach((frame, index) => {
    const at = 32 + index * (24 + pageSize);
    [frame.page, frame.commit ?? 0, ...salts].forEach((v, i) => view.setUint32(at + i * 4, v));
    bytes.fill(frame.fill, at + 24, at + 24 + pageSize);
    add(at, at + 8);
    add(at + 24, at + 24 + pageSize);
    sum.forEach((v, i) => view.setUint32(at + 16 + i * 4, v));
  });
  return bytes;
}

/**
 * Makes the checksums of a log right again after something in it was changed, of its header and of
 * every frame behind the first `from` bytes. Changes the bytes given; those of what is no log stay
 * as they are.
 */
export function sealWal(bytes: Buffer, from = 0): void {
  if (bytes.length < 32) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const pageSize = view.getUint32(8);
  if ((magic !== 0x377f0682 && magic !== 0x377f0683) || pageSize < 512 || pageSize > 65_536) return;
  const littleEndian = magic === 0x377f0682;
  let [a, b] = [0, 0];
  const add = (begin: number, end: number): void => {
    for (let at = begin; at + 8 <= end; at += 8) {
      a = (a + view.getUint32(at, littleEndian) + b) >>> 0;
      b = (b + view.getUint32(at + 4, littleEndian) + a) >>> 0;
    }
  };
  const put = (at: number): void => {
    view.setUint32(at, a);
    view.setUint32(at + 4, b);
  };
  add(0, 24);
  if (from < 32) put(24);
  for (let at = 32; at + 24 + pageSize <= bytes.length; at += 24 + pageSize) {
    add(at, at + 8);
    add(at + 24, at + 24 + pageSize);
    if (at < from) continue;
    bytes.copyWithin(at + 8, 16, 24); // the salts of the header
    put(at + 16);
  }
}
