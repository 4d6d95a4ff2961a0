import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Failure, UnreadableCause } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { columnsOf } from './table-columns.ts';

/** The part of `node:sqlite` that is used. */
export interface Sqlite {
  readonly DatabaseSync: typeof DatabaseSync;
}

/**
 * How long one statement waits for another process, in ms. Short, because all requests wait in one line here: the
 * client comes back, with jitter, until its own deadline.
 */
const BUSY_TIMEOUT_MS = 300;

/** What claims and statuses need of the table of tasks. */
const LOCK_COLUMNS = [
  ...['id', 'status', 'completed', 'completed_at', 'last_modified', 'updated_at', 'version'],
  ...['assignee', 'assigned_at', 'lock_until'],
];

/** Thrown inside a transaction whose statement had no effect; rolls it back as a `writeFailed`. */
export class NotWritten extends Error {}

/** What came of one transaction; `busy` wrote nothing. */
export type Transacted<T> = Result<T, Failure> | 'busy';

/**
 * One database, opened when first used and again when another file took its place. Never migrates or checks it
 * out otherwise, creates it only when told to, and never reads the file but through SQLite: closing any other descriptor of it would drop the
 * locks that SQLite has (POSIX).
 */
export class Connection {
  readonly #sqlite: Sqlite;
  readonly #file: string;
  readonly #syncs: 'full' | 'normal';
  #open: { readonly db: DatabaseSync; readonly identity: string } | undefined;

  /**
   * `syncs: 'normal'`: with a log, commits do not wait for the disk, as exarp-go's do not. A computer that loses its power may
   * then lose the last of them, and never more; the write lock is held for a hundredth of the time.
   */
  constructor(sqlite: Sqlite, file: string, { syncs = 'full' }: { readonly syncs?: 'full' | 'normal' } = {}) {
    this.#sqlite = sqlite;
    this.#file = file;
    this.#syncs = syncs;
  }

  /**
   * Runs `body` between `BEGIN IMMEDIATE` and `COMMIT`; a failure, and whatever throws inside, rolls back. Fails where the
   * table of tasks lacks a column of `needs`.
   */
  transact<T>(body: (db: DatabaseSync) => Result<T, Failure>, needs: readonly string[] = LOCK_COLUMNS): Transacted<T> {
    return this.#run(() => this.#connect(needs), body);
  }

  /**
   * As `transact`, in a database that is made where there is none, and that is in WAL mode from then on. Never to be used
   * where there is a table of tasks: who made that chose its journal.
   */
  transactNew<T>(body: (db: DatabaseSync) => Result<T, Failure>): Transacted<T> {
    this.close();
    const before = identify(this.#file);
    const outcome = this.#run(() => ok(this.#create()), body);
    // Whoever made a database that was there chose its journal.
    const isNew = before === undefined || before.empty;
    if (isNew && outcome !== 'busy' && outcome.ok) this.#useLog();
    // The next request opens what is there then.
    this.close();
    return outcome;
  }

  #useLog(): void {
    try {
      this.#open?.db.exec('PRAGMA journal_mode = WAL');
    } catch {
      // Somebody is faster and has the new database open: exarp-go asks for the same when it opens it.
    }
  }

  #run<T>(connect: () => Result<DatabaseSync, Failure>, body: (db: DatabaseSync) => Result<T, Failure>): Transacted<T> {
    try {
      const connected = connect();
      if (!connected.ok) return connected;
      const db = connected.value;
      db.exec('BEGIN IMMEDIATE');
      const outcome = body(db);
      db.exec(outcome.ok ? 'COMMIT' : 'ROLLBACK');
      return outcome;
    } catch (error) {
      // Closing rolls back, whatever state the failed statement left behind.
      this.close();
      return this.#explain(error);
    }
  }

  /** Reads something without waiting for the write lock; undefined where that cannot be done at the moment, for whatever reason. */
  look<T>(body: (db: DatabaseSync) => T): T | undefined {
    try {
      const connected = this.#connect(LOCK_COLUMNS);
      return connected.ok ? body(connected.value) : undefined;
    } catch (error) {
      this.close();
      // Throws what is neither the system's nor SQLite's.
      this.#explain(error);
      return undefined;
    }
  }

  /** Closes the connection if it is open; the last one to close folds the WAL into the database, as SQLite does. */
  close(): void {
    const db = this.#open?.db;
    this.#open = undefined;
    db?.close();
  }

  #create(): DatabaseSync {
    mkdirSync(dirname(this.#file), { recursive: true });
    const db = new this.#sqlite.DatabaseSync(this.#file);
    this.#open = { db, identity: identify(this.#file)?.identity ?? '' };
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA foreign_keys = ON`);
    return db;
  }

  #connect(needs: readonly string[]): Result<DatabaseSync, Failure> {
    const found = identify(this.#file);
    if (found === undefined || found.empty) {
      this.close();
      return fail(found === undefined ? this.#missing() : this.#unreadable('empty', 'the file has no bytes'));
    }
    if (this.#open?.identity !== found.identity) {
      this.close();
      const db = openExisting(this.#sqlite, this.#file);
      this.#open = { db, identity: found.identity };
      // The constructor's `timeout` is ignored by Node before 22.16.
      db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA foreign_keys = ON`);
      // Without a log the same setting could lose the whole database.
      const hasLog = this.#syncs === 'normal' && db.prepare('PRAGMA journal_mode').get()?.['journal_mode'] === 'wal';
      if (hasLog) db.exec('PRAGMA synchronous = NORMAL');
    }
    const { db } = this.#open;
    const columns = new Set(columnsOf(db, 'tasks').map(({ name }) => name));
    const lacking = needs.filter((column) => !columns.has(column));
    if (lacking.length === 0) return ok(db);
    this.close();
    if (columns.size === 0) return fail(this.#unreadable('noTasksTable', 'there is no table "tasks"'));
    return fail(this.#writeFailed(`the table "tasks" has no ${lacking.join(', ')}: an older exarp-go made it`));
  }

  #explain(error: unknown): Transacted<never> {
    if (!(error instanceof Error)) throw error;
    const detail = error.message;
    if (error instanceof NotWritten) return fail(this.#writeFailed(detail));
    const { code, errno, errcode } = error as { code?: string; errno?: number; errcode?: number };
    if (errno !== undefined) {
      return fail(this.#unreadable(code === 'EACCES' || code === 'EPERM' ? 'permission' : 'io', detail));
    }
    if (errcode === undefined) throw error; // neither the system's nor SQLite's: a bug of ours
    switch (errcode & 0xff) {
      case 5: // BUSY
      case 6: // LOCKED
      case 15: // PROTOCOL, when too many at once begin to read a WAL
        return 'busy';
      case 3: // PERM
      case 14: // CANTOPEN, also of a file that went away since the stat
        return fail(identify(this.#file) ? this.#unreadable('permission', detail) : this.#missing());
      case 11: // CORRUPT
        return fail(this.#unreadable('malformed', detail));
      case 26: // NOTADB, also what an encrypted one looks like
        return fail(this.#unreadable('notADatabase', detail));
      default:
        return fail(this.#writeFailed(detail));
    }
  }

  #missing(): Failure {
    const json = identify(join(dirname(this.#file), 'state.todo2.json'));
    if (json !== undefined) return { kind: 'readOnly', cause: { kind: 'jsonOnly' } };
    return this.#unreadable('io', 'the file does not exist');
  }

  #unreadable(cause: UnreadableCause, detail: string): Failure {
    return { kind: 'unreadable', file: this.#file, cause, detail };
  }

  #writeFailed(detail: string): Failure {
    return { kind: 'writeFailed', file: this.#file, detail };
  }
}

/** Which file a path leads to now; a stat opens nothing, so no lock is lost by it. */
function identify(file: string): { readonly identity: string; readonly empty: boolean } | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && { identity: `${stat.dev}:${stat.ino}`, empty: stat.size === 0n };
}

function openExisting({ DatabaseSync }: Sqlite, file: string): DatabaseSync {
  const url = pathToFileURL(file);
  url.searchParams.set('mode', 'rw');
  try {
    return new DatabaseSync(url);
  } catch (error) {
    // Node before 22.15 takes paths alone, which create what is missing; the stat before was a moment ago.
    if ((error as { code?: string }).code !== 'ERR_INVALID_ARG_TYPE') throw error;
    return new DatabaseSync(file);
  }
}
