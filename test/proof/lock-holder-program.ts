// Somebody else who writes, and takes his time: holds the write lock of the database for so many
// ms, again and again, in each turn with a write of his own that is committed or rolled back.
import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { randomFrom } from '../support/random.ts';
import { argument } from './program.ts';
import type { LockHolder } from './races.ts';

const { file, seed, holdMs, pauseMs, turns } = argument() as LockHolder;
const random = randomFrom(seed);
const between = ([least, most]: readonly [number, number]): number =>
  least + random(most - least + 1);
const db = new DatabaseSync(file);
db.exec('PRAGMA busy_timeout = 60000');
const over = new AbortController();
process.stdin.on('data', () => undefined).on('end', () => over.abort());

for (let turn = 0; !over.signal.aborted && turn < turns; turn++) {
  db.exec('BEGIN IMMEDIATE');
  if (turn === 0) process.stdout.write('holds\n');
  db.prepare('UPDATE held SET turn = ?').run(turn);
  // A lock that is held is held by waiting, as by one who computes or whose disk is slow.
  await pause(between(holdMs));
  db.exec(random(4) === 0 ? 'ROLLBACK' : 'COMMIT');
  await pause(between(pauseMs));
}
db.close();
process.stdout.write('over\n', () => process.exit(0));
