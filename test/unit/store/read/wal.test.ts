import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  emptyScan,
  mergeImage,
  parseWalHeader,
  scanFrames,
  type WalScan,
} from '../../../../src/store/read/wal.ts';
import { buildWal, type FrameSpec, type WalSpec } from '../../../support/wal-builder.ts';

function scan(wal: Uint8Array): WalScan | undefined {
  const header = parseWalHeader(wal);
  return header && scanFrames(wal.subarray(32), emptyScan(header));
}

const TWO_COMMITS: readonly FrameSpec[] = [
  { page: 1, fill: 1 },
  { page: 2, fill: 2, commit: 2 },
  { page: 2, fill: 3 },
  { page: 3, fill: 4, commit: 3 },
];
const FRAME = 24 + 512;

function damaged(
  spec: WalSpec,
  change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | undefined,
): Uint8Array {
  const bytes = buildWal(spec);
  return change(bytes) ?? bytes;
}

const cases: readonly [name: string, wal: Uint8Array, frames: number | undefined][] = [
  ['a whole log counts to its last commit', buildWal({ frames: TWO_COMMITS }), 4],
  [
    'big-endian checksums are understood',
    buildWal({ frames: TWO_COMMITS, littleEndian: false }),
    4,
  ],
  ['a page may have 65536 bytes', buildWal({ frames: TWO_COMMITS, pageSize: 65_536 }), 4],
  ['frames without a commit do not count', buildWal({ frames: TWO_COMMITS.slice(0, 3) }), 2],
  ['a log with a header only has no commit', buildWal({ frames: [] }), 0],
  ['31 bytes are no header', buildWal({ frames: [] }).subarray(0, 31), undefined],
  ['no bytes are no header', new Uint8Array(0), undefined],
  [
    'a wrong magic number is no header',
    damaged({ frames: TWO_COMMITS }, (b) => void (b[3] = 0)),
    undefined,
  ],
  [
    'a wrong version is no header',
    damaged({ frames: TWO_COMMITS }, (b) => void (b[7]! ^= 1)),
    undefined,
  ],
  [
    'a header whose checksum fails is none',
    damaged({ frames: TWO_COMMITS }, (b) => void (b[31]! ^= 1)),
    undefined,
  ],
  [
    'a page size that is no power of two is no header',
    buildWal({ frames: [], pageSize: 1000 }),
    undefined,
  ],
  [
    'a frame that is cut off ends the log',
    buildWal({ frames: TWO_COMMITS }).subarray(0, 32 + 3 * FRAME + 100),
    2,
  ],
  [
    'one changed byte in a page ends the log',
    damaged({ frames: TWO_COMMITS }, (b) => void (b[32 + 2 * FRAME + 50]! ^= 1)),
    2,
  ],
  [
    'frames of another generation end the log',
    damaged({ frames: TWO_COMMITS }, (b) => void (b[32 + 2 * FRAME + 11]! ^= 1)),
    2,
  ],
  [
    'a frame of page 0 ends the log',
    buildWal({ frames: [...TWO_COMMITS.slice(0, 2), { page: 0, fill: 1, commit: 2 }] }),
    2,
  ],
  [
    'what an older generation left behind a new one does not count',
    damaged({ frames: TWO_COMMITS }, (old) => {
      old.set(buildWal({ frames: TWO_COMMITS.slice(0, 2), salts: [8, 1] }));
      return old;
    }),
    2,
  ],
];

for (const [name, wal, frames] of cases) {
  test(name, () => assert.equal(scan(wal)?.frames, frames));
}

test('the newest committed page lies over the file, the rest of the file shows through', () => {
  const wal = buildWal({ frames: [...TWO_COMMITS, { page: 1, fill: 9 }] });
  const image = mergeImage(new Uint8Array(512 * 5).fill(77), wal, scan(wal)!);
  assert.deepEqual([image.length, image[0], image[512], image[1024]], [512 * 3, 1, 3, 4]);
});

test('pages that neither file nor log has are zero', () => {
  const wal = buildWal({ frames: [{ page: 1, fill: 1, commit: 4 }] });
  const image = mergeImage(new Uint8Array(512), wal, scan(wal)!);
  assert.deepEqual([image.length, image[511], image[512]], [512 * 4, 1, 0]);
});

test('the last transaction is known by its first frame', () => {
  assert.equal(scan(buildWal({ frames: TWO_COMMITS }))?.lastTransaction, 2);
  assert.equal(scan(buildWal({ frames: TWO_COMMITS.slice(0, 3) }))?.lastTransaction, 0);
});

const frames = fc.array(
  fc.record({
    page: fc.integer({ min: 1, max: 6 }),
    fill: fc.integer({ min: 0, max: 255 }),
    commit: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  }),
  { maxLength: 12 },
);

test('wherever a log is cut off, the image is that of the last commit before the cut', () => {
  fc.assert(
    fc.property(frames, fc.boolean(), fc.nat(), (list, littleEndian, cut) => {
      const specs: FrameSpec[] = list.map(({ commit, ...rest }) =>
        commit === undefined ? rest : { ...rest, commit },
      );
      const whole = buildWal({ frames: specs, littleEndian });
      const wal = whole.subarray(0, 32 + (cut % (whole.length - 31)));
      const complete = Math.floor((wal.length - 32) / FRAME);
      const committed =
        specs.slice(0, complete).findLastIndex((frame) => frame.commit !== undefined) + 1;
      const result = scan(wal)!;
      assert.equal(result.frames, committed);
      if (committed === 0) return;
      const model = new Map(specs.slice(0, committed).map((frame) => [frame.page, frame.fill]));
      const image = mergeImage(new Uint8Array(512 * 6).fill(99), wal, result);
      assert.equal(image.length, 512 * specs[committed - 1]!.commit!);
      for (let page = 1; page * 512 <= image.length; page++)
        assert.equal(image[page * 512 - 1], model.get(page) ?? 99);
    }),
    { seed: 20261, numRuns: 300 },
  );
});

test('a scan that goes on from an earlier one finds what a whole scan finds', () => {
  fc.assert(
    fc.property(frames, fc.nat(), (list, split) => {
      const specs: FrameSpec[] = list.map(({ commit, ...rest }) =>
        commit === undefined ? rest : { ...rest, commit },
      );
      const wal = buildWal({ frames: specs });
      const first = scan(wal.subarray(0, 32 + (split % (specs.length + 1)) * FRAME))!;
      const second = scanFrames(wal.subarray(32 + first.frames * FRAME), first);
      assert.deepEqual(second, scan(wal));
      if (second.frames === first.frames) assert.equal(second, first);
    }),
    { seed: 20262, numRuns: 200 },
  );
});
