// Looks at a database as the next program that opens it: for each line opens it, with whatever
// recovery that takes, says what is in it and whether it is sound, and closes it again, which folds
// the log in where nobody else is there.
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { argument } from './program.ts';
import type { Look } from './crashes.ts';

const { file } = argument() as { readonly file: string };

function look(): Look {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA busy_timeout = 30000; BEGIN');
    const sound = db.prepare('PRAGMA integrity_check').all();
    const tables = db
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'tasks' ORDER BY name",
      )
      .all();
    const all: Look = {
      integrity: sound.map((row) => String(row['integrity_check'])).join(),
      tasks: db.prepare('SELECT rowid AS row_id, * FROM tasks ORDER BY rowid').all().map(plain),
      others: tables.map(({ name }) => [
        String(name),
        db
          .prepare(`SELECT * FROM "${String(name)}"`)
          .all()
          .map(plain),
      ]),
    };
    db.exec('COMMIT');
    return all;
  } finally {
    db.close();
  }
}

function plain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  );
}

process.stdout.write('ready\n');
for await (const _ of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(look())}\n`);
