import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  emptyScan,
  markWithoutWal,
  mergeImage,
  parseWalHeader,
  scanFrames,
} from '../../src/store/read/wal.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../support/fixture.ts';
import type { Random } from '../support/random.ts';
import { copyStore, recoverNatively, removeStore } from '../support/native-files.ts';
import { proofOf, type Run } from './proof.ts';

export const logs = proofOf({
  name: 'logs',
  about:
    'what we make of a database and whatever log is beside it is to the byte what SQLite makes of it',
  short: { seconds: 3 },
  full: { seconds: 60 },
  run: compareWithSqlite,
});

async function disturb(
  native: NativeWriter,
  random: Random,
  snapshot: () => Promise<void>,
): Promise<void> {
  const some = random(40);
  switch (random(9)) {
    case 0:
    case 1:
      await native.run('INSERT INTO t (x) VALUES (randomblob(?))', random(6000));
      break;
    case 2:
      await native.run(
        'UPDATE t SET x = randomblob(?) WHERE rowid % 7 = ?',
        random(3000),
        random(7),
      );
      break;
    case 3:
      await native.run('DELETE FROM t WHERE rowid % 5 = ?', random(5));
      break;
    case 4:
      await native.all(
        `PRAGMA wal_checkpoint(${['PASSIVE', 'RESTART', 'TRUNCATE', 'FULL'][random(4)] ?? ''})`,
      );
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
const RANGE =
  '(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)';

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
  const image =
    scan === undefined || database.length === 0 ? database : mergeImage(database, wal, scan);
  markWithoutWal(image);
  return image;
}

async function compareWithSqlite({
  size,
  seed,
  random,
  folder: root,
  say,
}: Run<{ readonly seconds: number }>): Promise<void> {
  await createBacklog(root, { tasks: [], schema: ['CREATE TABLE tasks (id)'] });
  await using oracle = await nativeWriter(root);
  const end = performance.now() + size.seconds * 1000;
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
          assert.fail(
            `round ${round}, case ${cases}: ours has ${ours.length} bytes, theirs ${expected.length}`,
          );
        }
      }
    };
    for (let step = 0; step < 12 && performance.now() < end; step++) {
      await disturb(native, random, snapshot);
      if (random(2) === 0) await snapshot();
    }
  }
  say(
    `${cases} databases with logs, ${refused} of them refused by SQLite itself: 0 differences (seed ${seed})`,
  );
  assert.ok(cases >= 10 && refused * 5 < cases, `${cases} cases, ${refused} refused`);
}
