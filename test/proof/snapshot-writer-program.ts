// Somebody else who writes: commits as fast as it can, each time a whole that `invariants.ts`
// knows, and says in a file which commit it has begun and which has ended. In between it rolls
// back, spills, checkpoints, rebuilds and reopens.
import { openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { randomFrom } from '../support/random.ts';
import { LONG_TEXT, TASKS, type WriterMode } from './invariants.ts';
import { argument } from './program.ts';

const { file, progressFile, seed, mode } = argument() as {
  readonly file: string;
  readonly progressFile: string;
  readonly seed: number;
  readonly mode: WriterMode;
};
const random = randomFrom(seed);
const progress = openSync(progressFile, 'r+');
const word = Buffer.alloc(8);

function announce(what: 'ended' | 'begun', commit: number): void {
  word.writeDoubleLE(commit);
  writeSync(progress, word, 0, 8, what === 'ended' ? 0 : 8);
}

function open(): DatabaseSync {
  const opened = new DatabaseSync(file);
  // A small cache, so that a transaction of some size spills into the log before it is committed.
  opened.exec(`PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF; PRAGMA cache_size = 8;
    PRAGMA wal_autocheckpoint = ${mode.checkpoint}`);
  return opened;
}

let db = open();
let commits = 0;
for (const row of db.prepare("SELECT version FROM tasks WHERE id = 'counter'").all())
  commits = Number(row['version']);

function run(sql: string, ...values: (string | number)[]): void {
  db.prepare(sql).run(...values);
}

function transaction(step: number): void {
  const [from, to, amount] = [`T-${random(TASKS)}`, `T-${random(TASKS)}`, random(50)];
  const next = commits + 1;
  announce('begun', next);
  db.exec('BEGIN IMMEDIATE');
  run('UPDATE tasks SET version = version - ? WHERE id = ?', amount, from);
  if (step % 7 === 0)
    run(`UPDATE tasks SET long_description = hex(zeroblob(?)) WHERE id LIKE 'T-%'`, random(900));
  run('UPDATE tasks SET version = version + ? WHERE id = ?', amount, to);
  if (step % 11 === 0) {
    db.exec(`UPDATE tasks SET status = 'Never'`);
    db.exec('ROLLBACK');
    return;
  }
  db.exec(
    "DELETE FROM task_tags WHERE tag = 'token'; UPDATE tasks SET assignee = NULL WHERE assignee IS NOT NULL",
  );
  run("INSERT INTO task_tags (task_id, tag) VALUES (?, 'token')", to);
  run("UPDATE tasks SET assignee = 'holder' WHERE id = ?", to);
  run("DELETE FROM task_dependencies WHERE task_id = 'counter'");
  run("INSERT INTO task_dependencies (task_id, depends_on_id) VALUES ('counter', ?)", to);
  run("DELETE FROM tasks WHERE id LIKE 'N-%'");
  run(
    'INSERT INTO tasks (id, content, created) VALUES (?, ?, ?)',
    `N-${next}`,
    'The newest',
    '2026-01-05T09:00:00Z',
  );
  // Of the same length each time: then only the last page of the text is written, and not the one
  // that its row is in.
  run(
    "UPDATE tasks SET long_description = ? WHERE id = 'long'",
    LONG_TEXT + String(next).padStart(12, '0'),
  );
  run("UPDATE tasks SET version = ? WHERE id = 'counter'", next);
  db.exec('COMMIT');
  commits = next;
  announce('ended', commits);
}

function turn(step: number): void {
  transaction(step);
  if (step % 97 === 0) db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  if (step % 173 === 0)
    db.exec('DROP INDEX IF EXISTS extra; CREATE INDEX extra ON tasks (content, version)');
  if (step % 211 === 0) db.exec('VACUUM');
  if (mode.reopenEvery > 0 && step % mode.reopenEvery === 0) {
    db.close();
    db = open();
  }
}

let going = true;
process.stdin.on('data', () => undefined).on('end', () => (going = false));
process.stdout.write('ready\n');
const loop = (step: number): void => {
  if (!going) {
    db.close();
    process.exit(0);
  }
  turn(step);
  if (mode.pauseMs > 0) setTimeout(loop, mode.pauseMs, step + 1);
  else setImmediate(loop, step + 1);
};
loop(1);
