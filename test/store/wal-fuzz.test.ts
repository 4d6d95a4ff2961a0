import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyScan, markWithoutWal, mergeImage, parseWalHeader, scanFrames } from '../../src/store/wal.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../support/fixture.ts';
import { copyStore, recoverNatively, removeStore } from '../support/native-files.ts';
import { folderFor } from '../support/stores.ts';

/** Longer runs by hand: `WAL_FUZZ_SECONDS=60 WAL_FUZZ_SEED=…`. */
const SECONDS = Number(process.env['WAL_FUZZ_SECONDS'] ?? 3);
const SEED = Number(process.env['WAL_FUZZ_SEED'] ?? 20266);

type Random = (below: number) => number;

/** mulberry32, so that a seed gives the same run on every machine. */
function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

async function disturb(native: NativeWriter, random: Random, snapshot: () => Promise<void>): Promise<void> {
  const some = random(40);
  switch (random(9)) {
    case 0:
    case 1:
      await native.run('INSERT INTO t (x) VALUES (randomblob(?))', random(6000));
      break;
    case 2:
      await native.run('UPDATE t SET x = randomblob(?) WHERE rowid % 7 = ?', random(3000), random(7));
      break;
    case 3:
      await native.run('DELETE FROM t WHERE rowid % 5 = ?', random(5));
      break;
    case 4:
      await native.all(`PRAGMA wal_checkpoint(${['PASSIVE', 'RESTART', 'TRUNCATE', 'FULL'][random(4)] ?? ''})`);
      break;
    case 5:
      if (random(3) === 0) await native.exec('VACUUM');
      break;
    default:
      await native.exec('BEGIN IMMEDIATE');
      await native.run(`INSERT INTO t (x) SELECT randomblob(1500) FROM ${RANGE}`, some);
      if (random(2) === 0) await snapshot(); // with what the transaction has spilled
      await native.exec(random(3) === 0 ? 'ROLLBACK' : 'COMMIT');
  }
}
const RANGE = '(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)';

function damage(wal: Buffer, random: Random): Buffer {
  const copy = Buffer.from(wal);
  if (copy.length === 0) return copy;
  const at = random(copy.length);
  switch (random(6)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
      return copy;
    case 2:
      return Buffer.concat([copy, copy.subarray(at, at + 5000)]);
    case 3:
      return copy.fill(0, at, Math.min(copy.length, at + random(3000)));
    case 4: {
      const from = random(copy.length);
      copy.copyWithin(at, from, from + 4120);
      return copy;
    }
    default:
      return copy;
  }
}

/** The database as we see it, marked as having no log. */
function merged(database: Buffer, wal: Buffer): Uint8Array {
  const header = parseWalHeader(wal);
  const scan = header && scanFrames(wal.subarray(32), emptyScan(header));
  const image = scan === undefined || database.length === 0 ? database : mergeImage(database, wal, scan);
  markWithoutWal(image);
  return image;
}

test(`what we make of a random log is to the byte what SQLite makes of it (seed ${SEED})`, async (t) => {
  const root = folderFor(t);
  await createBacklog(root, { tasks: [], schema: ['CREATE TABLE tasks (id)'] });
  const oracle = await nativeWriter(root);
  t.after(() => oracle.close());
  const random = randomFrom(SEED);
  const end = performance.now() + SECONDS * 1000;
  let [cases, refused] = [0, 0];

  for (let round = 0; performance.now() < end; round++) {
    const folder = join(root, `round-${round}`);
    mkdirSync(join(folder, '.todo2'), { recursive: true });
    const file = join(folder, '.todo2', 'todo2.db');
    const pageSize = [512, 1024, 4096, 65_536][random(4)] ?? 4096;
    writeFileSync(file, '');
    await using native = await nativeWriter(folder);
    await native.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${random(3)}; PRAGMA journal_mode = WAL;
      PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 4; PRAGMA synchronous = OFF; CREATE TABLE t (x)`);
    const snapshot = async (): Promise<void> => {
      const frozen = copyStore(file, join(folder, 'frozen'));
      const database = readFileSync(frozen);
      const wal = existsSync(`${frozen}-wal`) ? readFileSync(`${frozen}-wal`) : Buffer.alloc(0);
      for (let variant = 0; variant < 3; variant++) {
        const log = variant === 0 ? wal : damage(wal, random);
        const copy = join(folder, 'case.db');
        removeStore(copy);
        copyFileSync(frozen, copy);
        writeFileSync(`${copy}-wal`, log);
        const theirs = await recoverNatively(oracle, copy);
        cases++;
        if (typeof theirs === 'string') {
          assert.match(theirs, /malformed/, 'SQLite itself can make nothing of it');
          refused++;
          continue;
        }
        const expected = Buffer.from(theirs);
        markWithoutWal(expected);
        const ours = merged(Buffer.from(database), log);
        if (Buffer.compare(ours, expected) !== 0) {
          assert.fail(`round ${round}, case ${cases}: ours has ${ours.length} bytes, theirs ${expected.length}`);
        }
      }
    };
    for (let step = 0; step < 12 && performance.now() < end; step++) {
      await disturb(native, random, snapshot);
      if (random(2) === 0) await snapshot();
    }
  }
  t.diagnostic(`${cases} cases, ${refused} of them refused by SQLite`);
  assert.ok(cases >= 10 && refused * 5 < cases, `${cases} cases, ${refused} refused`);
});
