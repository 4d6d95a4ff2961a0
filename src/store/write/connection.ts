import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Failure, UnreadableCause } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { whyNotWritten } from '../../disk/within.ts';
import { columnNames } from './table-columns.ts';

export interface Sqlite {
  readonly DatabaseSync: typeof DatabaseSync;
}

/**
 * How long one statement waits for another process, in ms. Short, because all requests share one
 * queue: the client retries with jitter until its own deadline.
 */
const BUSY_TIMEOUT_MS = 300;
/** The statements that each connection begins with. */
const BEFORE_USE = `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA foreign_keys = ON`;

/** The columns of `tasks` that claims and statuses need. */
const LOCK_COLUMNS = [
  'id',
  'status',
  'completed',
  'completed_at',
  'last_modified',
  'updated_at',
  'version',
  'assignee',
  'assigned_at',
  'lock_until',
];

/**
 * Thrown inside a transaction whose statement had no effect: it rolls back and becomes a
 * `writeFailed`.
 */
export class NotWritten extends Error {}

/** The outcome of one transaction; `busy` wrote nothing. */
export type Transacted<T> = Result<T, Failure> | 'busy';

/**
 * One database, opened on first use and again when the file was replaced. Never migrates it,
 * creates it only on request, and reads the file only through SQLite: closing any other descriptor
 * of it would drop SQLite's locks (POSIX).
 */
export class Connection {
  readonly #sqlite: Sqlite;
  readonly #file: string;
  readonly #syncs: 'full' | 'normal';
  readonly #root: string | undefined;
  #open: { readonly db: DatabaseSync; readonly identity: string } | undefined;

  /**
   * `syncs: 'normal'`: in WAL mode commits do not wait for the disk, as in exarp-go. A power
   * failure may then lose the latest commits, but not corrupt the file; the write lock is held for
   * a hundredth of the time. A link that leads out of `root` is refused.
   */
  constructor(
    sqlite: Sqlite,
    file: string,
    {
      syncs = 'full',
      root,
    }: { readonly syncs?: 'full' | 'normal'; readonly root?: string | undefined } = {},
  ) {
    this.#root = root;
    this.#sqlite = sqlite;
    this.#file = file;
    this.#syncs = syncs;
  }

  /**
   * Runs `body` in a `BEGIN IMMEDIATE` transaction; a failure or an exception rolls back. Fails
   * where the table of tasks lacks a column of `needs`.
   */
  transact<T>(
    body: (db: DatabaseSync) => Result<T, Failure>,
    needs: readonly string[] = LOCK_COLUMNS,
  ): Transacted<T> {
    return this.#run(() => this.#connect(needs), body);
  }

  /** As `transact`, in a database that `open` opens or creates, whatever it has. */
  transactIn<T>(
    open: () => DatabaseSync,
    body: (db: DatabaseSync) => Result<T, Failure>,
  ): Transacted<T> {
    this.close();
    return this.#run(() => {
      const db = open();
      this.#open = { db, identity: identify(this.#file)?.identity ?? '' };
      db.exec(BEFORE_USE);
      return ok(db);
    }, body);
  }

  #run<T>(
    connect: () => Result<DatabaseSync, Failure>,
    body: (db: DatabaseSync) => Result<T, Failure>,
  ): Transacted<T> {
    try {
      const why = this.#whyNot();
      if (why !== undefined) {
        this.close();
        return fail(this.#writeFailed(why));
      }
      const connected = connect();
      if (!connected.ok) return connected;
      const db = connected.value;
      db.exec('BEGIN IMMEDIATE');
      const outcome = body(db);
      db.exec(outcome.ok ? 'COMMIT' : 'ROLLBACK');
      return outcome;
    } catch (error) {
      // Closing rolls back in any state that the failed statement left.
      this.close();
      return this.#explain(error);
    }
  }

  /**
   * Reads without waiting for the write lock; undefined where that is not possible at the moment.
   */
  look<T>(body: (db: DatabaseSync) => T): T | undefined {
    try {
      if (this.#whyNot() !== undefined) return undefined;
      const connected = this.#connect(LOCK_COLUMNS);
      return connected.ok ? body(connected.value) : undefined;
    } catch (error) {
      this.close();
      // Rethrows errors that are neither the system's nor SQLite's.
      this.#explain(error);
      return undefined;
    }
  }

  /**
   * Closes the connection if it is open; as always in SQLite, the last one to close checkpoints the
   * WAL.
   */
  close(): void {
    const db = this.#open?.db;
    this.#open = undefined;
    db?.close();
  }

  #connect(needs: readonly string[]): Result<DatabaseSync, Failure> {
    const found = identify(this.#file);
    if (found === undefined || found.empty) {
      this.close();
      return fail(
        found === undefined ? this.#missing() : this.#unreadable('empty', 'the file has no bytes'),
      );
    }
    if (this.#open?.identity !== found.identity) {
      this.close();
      const db = openExisting(this.#sqlite, this.#file);
      this.#open = { db, identity: found.identity };
      // The constructor's `timeout` is ignored by Node before 22.16.
      db.exec(BEFORE_USE);
      // In rollback mode this setting could corrupt the database.
      const hasLog =
        this.#syncs === 'normal' &&
        db.prepare('PRAGMA journal_mode').get()?.['journal_mode'] === 'wal';
      if (hasLog) db.exec('PRAGMA synchronous = NORMAL');
    }
    const { db } = this.#open;
    const columns = columnNames(db, 'tasks');
    const lacking = needs.filter((column) => !columns.has(column));
    if (lacking.length === 0) return ok(db);
    this.close();
    if (columns.size === 0)
      return fail(this.#unreadable('noTasksTable', 'there is no table "tasks"'));
    return fail(
      this.#writeFailed(
        `the table "tasks" has no ${lacking.join(', ')}: an older exarp-go made it`,
      ),
    );
  }

  #explain(error: unknown): Transacted<never> {
    if (!(error instanceof Error)) throw error;
    const detail = error.message;
    if (error instanceof NotWritten) return fail(this.#writeFailed(detail));
    const { code, errno, errcode } = error as { code?: string; errno?: number; errcode?: number };
    if (errno !== undefined) {
      return fail(
        this.#unreadable(code === 'EACCES' || code === 'EPERM' ? 'permission' : 'io', detail),
      );
    }
    if (errcode === undefined) throw error; // neither the system's nor SQLite's: a bug of ours
    switch (errcode & 0xff) {
      case 5: // BUSY
      case 6: // LOCKED
      case 15: // PROTOCOL, when too many processes start to read a WAL at once
        return 'busy';
      case 3: // PERM
      case 14: // CANTOPEN, also for a file deleted since the stat
        return fail(
          identify(this.#file) ? this.#unreadable('permission', detail) : this.#missing(),
        );
      case 11: // CORRUPT
        return fail(this.#unreadable('malformed', detail));
      case 26: // NOTADB, also for an encrypted database
        return fail(this.#unreadable('notADatabase', detail));
      default:
        return fail(this.#writeFailed(detail));
    }
  }

  /** A link is looked at anew each time: it may have been put there meanwhile. */
  #whyNot(): string | undefined {
    return this.#root === undefined ? undefined : whyNotWritten(this.#root, this.#file);
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

/** The identity of the file at a path; a stat opens nothing, so it drops no lock. */
export function identify(
  file: string,
): { readonly identity: string; readonly empty: boolean } | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && { identity: `${stat.dev}:${stat.ino}`, empty: stat.size === 0n };
}

function openExisting({ DatabaseSync }: Sqlite, file: string): DatabaseSync {
  const url = pathToFileURL(file);
  url.searchParams.set('mode', 'rw');
  try {
    return new DatabaseSync(url);
  } catch (error) {
    // Node before 22.15 accepts only paths, which create a missing file; the stat was a moment ago.
    if ((error as { code?: string }).code !== 'ERR_INVALID_ARG_TYPE') throw error;
    return new DatabaseSync(file);
  }
}
