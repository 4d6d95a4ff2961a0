import { realpathSync, type BigIntStats } from 'node:fs';
import type { Clock } from '../../core/ports.ts';
import type { UnreadableCause } from '../../core/failure.ts';
import { findFileFault } from './file-fault.ts';
import { faultOfError } from '../../disk/file-fault.ts';
import { RACY_MS, isOlder, stampOf } from './file-stamp.ts';
import { realWithin } from '../../disk/within.ts';
import { OpenFile } from './open-file.ts';
import {
  WAL_HEADER_SIZE,
  emptyScan,
  frameOffset,
  isOfGeneration,
  markWithoutWal,
  mergeImage,
  parseWalHeader,
  scanFrames,
  FRAME_HEADER_SIZE,
  type WalHeader,
  type WalScan,
} from './wal.ts';

/** Why a store file cannot be read. */
export interface Fault {
  readonly cause: UnreadableCause;
  readonly file: string;
  readonly detail: string;
}

type ImageRead =
  /**
   * The whole database at one commit, as a file without a WAL. The caller owns the bytes. `moment`
   * numbers the images, so that `NewPages` can name its base.
   */
  | { readonly kind: 'image'; readonly bytes: Uint8Array; readonly moment: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'fault'; readonly fault: Fault };

/** The commits since the last look: pages with their new content, and the new page count. */
export interface NewPages {
  /** The image that the pages apply to, and the one that results. */
  readonly after: number;
  readonly moment: number;
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly pageCount: number;
}

/** With more new frames than this, everything is read, in pieces that leave the thread free. */
const MAX_TAIL_BYTES = 8n * 1024n * 1024n;
/** How long a WAL with a broken header may still be in the making. */
const BROKEN_HEADER_MS = 1_000;
/** How long to retry for one consistent read. */
const GIVE_UP_MS = 2_000;
const HOT_JOURNAL = 'a rollback journal is there: a write goes on, or was cut off';
/** Larger databases do not fit into memory, and are not a backlog. */
const MAX_BYTES = 1n << 30n;

interface Retry {
  readonly kind: 'retry';
  readonly why: string;
  readonly pauseMs: number;
}

/** The state of the files at the last image: exactly what tells that nothing has changed. */
type LastRead =
  | {
      readonly kind: 'wal';
      readonly headerBytes: Uint8Array;
      readonly scan: WalScan;
      /** The frame headers of the last transaction, concatenated. */
      readonly lastFrames: Uint8Array;
      /**
       * A checkpoint changes it too, which costs a needless read; so does a copy over the file,
       * which only this detects.
       */
      readonly dbStat: BigIntStats;
      /**
       * The WAL's stamp at the last check; undefined while the WAL is too fresh for its time to be
       * reliable.
       */
      walStamp: string | undefined;
    }
  | { readonly kind: 'plain'; readonly walHeader: Uint8Array; readonly stat: BigIntStats };

/**
 * Reads a database that other processes write, WAL included, without SQLite and without locks:
 * nothing in the folder is changed or created, and `-shm` is never opened.
 *
 * Why an image is consistent: within one generation of the WAL the database file changes only by
 * checkpoints of committed frames. If the WAL header is the same before and after, all that a
 * checkpoint wrote during our read of the file is also in the WAL, which is read after the file and
 * overlaid on it.
 */
export class SnapshotReader {
  readonly file: string;
  readonly #root: string | undefined;
  readonly #clock: Clock;
  #db: OpenFile;
  #wal: OpenFile;
  #seen: LastRead | undefined;
  /** The number of the image that `#seen` describes. */
  #moment = 0;
  /** When a file that may still be in the making was first seen in this state, by our clock. */
  readonly #fresh = new Map<'db' | 'wal', { readonly state: string; readonly since: number }>();

  /** A link may not lead out of `root`. */
  constructor(file: string, clock: Clock, root?: string) {
    this.file = file;
    this.#root = root;
    this.#clock = clock;
    [this.#db, this.#wal] = this.#filesAt(file);
  }

  /**
   * One consistent image. Retries for about two seconds while writers interfere, then the fault is
   * `busy`.
   */
  async read(): Promise<ImageRead> {
    const start = this.#clock.now();
    let last = 'no attempt';
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await this.#attempt();
        if (result.kind !== 'retry') return result;
        last = result.why;
        // Counted as well, since the clock may be set back.
        if (this.#clock.now() - start > GIVE_UP_MS || attempt > 1_000)
          return this.#fault('busy', last);
        // Mostly the next turn succeeds; only waits for time to pass need a real pause.
        await this.#pause(result.pauseMs > 0 ? result.pauseMs : attempt > 20 ? 2 : 0);
      } catch (error) {
        this.#seen = undefined;
        return { kind: 'fault', fault: { ...faultOfError(error), file: this.file } };
      } finally {
        this.#db.release();
        this.#wal.release();
      }
    }
  }

  /**
   * True only where a read now would give the last image again; false without need only after a
   * checkpoint. Costs some microseconds.
   */
  async isUnchanged(): Promise<boolean> {
    const seen = this.#seen;
    if (seen === undefined) return false;
    try {
      if (this.#resolve() || !this.#db.open()) return false;
      const hasWal = this.#wal.open();
      return seen.kind === 'wal'
        ? hasWal && (await this.#sameLog(seen))
        : this.#samePlain(seen, hasWal);
    } catch {
      return false; // the read that follows reports the fault
    } finally {
      this.#db.release();
      this.#wal.release();
    }
  }

  /**
   * The commits since the last image, where new frames of the same WAL alone tell them: applied to
   * that image they give what a read would give. Undefined where a full read is needed.
   */
  async readNewPages(): Promise<NewPages | undefined> {
    const seen = this.#seen;
    if (seen?.kind !== 'wal') return undefined;
    try {
      if (this.#resolve() || !this.#db.open() || !this.#wal.open()) return undefined;
      return await this.#newPages(seen);
    } catch {
      return undefined; // the read that follows reports the fault
    } finally {
      this.#db.release();
      this.#wal.release();
    }
  }

  /** Makes `isUnchanged` false until the next read. */
  forget(): void {
    this.#seen = undefined;
  }

  dispose(): void {
    this.#seen = undefined;
    this.#db.close();
    this.#wal.close();
  }

  async #attempt(): Promise<ImageRead | Retry> {
    this.#seen = undefined;
    this.#resolve();
    if (!this.#db.open())
      return this.#db.isAbsent() ? { kind: 'absent' } : retry('the file is being replaced');
    const hasWal = this.#wal.open();
    const headerBytes = this.#walHeader(hasWal);
    const header = parseWalHeader(headerBytes);
    // After the WAL header: a checkpoint of the previous generation may have grown the file until
    // then.
    const before = this.#db.stat();
    const now = this.#clock.now();
    const walBefore = hasWal ? this.#wal.stat() : undefined;
    const walSize = walBefore?.size ?? 0n;
    if (before.size > MAX_BYTES || walSize > MAX_BYTES) {
      const sizes = `database ${before.size}, log ${walSize}`;
      return this.#fault('io', `larger than ${MAX_BYTES} bytes: ${sizes}`);
    }
    if (header === undefined && this.#hasHotJournal()) return retry(HOT_JOURNAL, RACY_MS / 2);

    const database = await this.#db.readTo(0, Number(before.size));
    if (header === undefined)
      return this.#takePlain(database, before, { headerBytes, stat: walBefore }, now);

    // The WAL after the database, never the other way round.
    const wal = await this.#wal.readTo(0, Number(this.#wal.stat().size));
    const walStat = this.#wal.statIfCurrent();
    if (walStat === undefined || this.#db.statIfCurrent() === undefined)
      return retry('a file was replaced');
    const headers = [this.#walHeader(), wal.subarray(0, WAL_HEADER_SIZE)];
    if (!headers.every((each) => isEqual(each, headerBytes))) return retry('the log was reset');
    return this.#takeMerged(database, wal, header, {
      headerBytes,
      dbStat: before,
      walStamp: isOlder(walStat, now, RACY_MS) ? stampOf(walStat) : undefined,
    });
  }

  #takeMerged(
    database: Uint8Array,
    wal: Uint8Array,
    header: WalHeader,
    stamps: Pick<Extract<LastRead, { kind: 'wal' }>, 'headerBytes' | 'walStamp' | 'dbStat'>,
  ): ImageRead {
    const scan = scanFrames(wal.subarray(WAL_HEADER_SIZE), emptyScan(header));
    // The WAL of a small database can claim a huge page count.
    const bytes = scan.pageCount * header.pageSize;
    if (bytes > MAX_BYTES)
      return this.#fault('io', `larger than ${MAX_BYTES} bytes: ${bytes} with its log`);
    // SQLite discards the WAL of an empty database file.
    const image = database.length === 0 ? database : mergeImage(database, wal, scan);
    const lastFrames = headersOf(scan, (at) => wal.subarray(at, at + FRAME_HEADER_SIZE));
    this.#seen = { kind: 'wal', ...stamps, scan, lastFrames };
    return this.#finish(image);
  }

  /** Without a valid WAL, only the file itself shows whether it was left alone during the read. */
  #takePlain(
    database: Uint8Array,
    before: BigIntStats,
    wal: { readonly headerBytes: Uint8Array; readonly stat: BigIntStats | undefined },
    now: number,
  ): ImageRead | Retry {
    const after = this.#db.statIfCurrent();
    if (after === undefined || stampOf(before) !== stampOf(after))
      return retry('the file changed while it was read');
    if (!isEqual(this.#walHeader(this.#wal.open()), wal.headerBytes))
      return retry('a log appeared');
    if (this.#hasHotJournal()) return retry(HOT_JOURNAL, RACY_MS / 2);
    // An incomplete header is completed soon; one that stays broken is no WAL to SQLite either.
    const isBroken = wal.stat !== undefined && wal.headerBytes.length > 0;
    if (isBroken && !this.#isSettled('wal', wal.stat, now, BROKEN_HEADER_MS)) {
      return retry('the header of the log is incomplete', RACY_MS / 2);
    }
    if (!this.#isSettled('db', before, now, RACY_MS))
      return retry('the file is too fresh to be sure', RACY_MS / 2);
    this.#seen = { kind: 'plain', walHeader: wal.headerBytes, stat: before };
    return this.#finish(database);
  }

  #finish(image: Uint8Array): ImageRead {
    const found = findFileFault(image);
    this.#moment++;
    if (found !== undefined) return this.#fault(found.cause, found.detail);
    markWithoutWal(image);
    return { kind: 'image', bytes: image, moment: this.#moment };
  }

  async #sameLog(seen: Extract<LastRead, { kind: 'wal' }>): Promise<boolean> {
    const { scan } = seen;
    const [walStat, dbStat] = [this.#wal.statIfCurrent(), this.#db.statIfCurrent()];
    if (walStat === undefined || dbStat === undefined || stampOf(dbStat) !== stampOf(seen.dbStat))
      return false;
    const next = frameOffset(scan.header, scan.frames);
    if (isOfGeneration(this.#wal.readSome(next, FRAME_HEADER_SIZE), scan.header)) {
      // Frames that a transaction has spilled, or that a rollback has left. Their headers do not
      // tell whether a commit is among them: a page may be written after its header, and a retry
      // may begin with the same frame.
      const tail = await this.#wal.readTo(next, Number(walStat.size));
      if (scanFrames(tail, scan) !== scan) return false;
    }
    // A commit whose writer was killed before it updated the index is overwritten by the next one.
    // The next frame does not show that, but the WAL's time and the frames of the last transaction
    // do.
    if (stampOf(walStat) !== seen.walStamp) {
      if (!this.#isLastCommitThere(seen)) return false;
      // Only a time that is no longer fresh is reliable.
      if (isOlder(walStat, this.#clock.now(), RACY_MS)) seen.walStamp = stampOf(walStat);
    }
    // Last: a reset during the check puts frames of another generation in the place of a commit.
    return isEqual(this.#walHeader(), seen.headerBytes);
  }

  async #newPages(seen: Extract<LastRead, { kind: 'wal' }>): Promise<NewPages | undefined> {
    const { header, frames } = seen.scan;
    const now = this.#clock.now();
    const next = frameOffset(header, frames);
    const size = this.#wal.stat().size;
    if (size - BigInt(next) > MAX_TAIL_BYTES || !this.#isLastCommitThere(seen)) return undefined;
    const tail = await this.#wal.readTo(next, Number(size));
    // As in a full read, the WAL is valid where its header is the same after the read. Earlier
    // frames are in the image already, so the database need not be read again.
    const [walStat, dbStat] = [this.#wal.statIfCurrent(), this.#db.statIfCurrent()];
    if (walStat === undefined || dbStat === undefined || stampOf(dbStat) !== stampOf(seen.dbStat))
      return undefined;
    if (!isEqual(this.#walHeader(), seen.headerBytes)) return undefined;
    const scan = scanFrames(tail, { ...seen.scan, frameOfPage: new Map() });
    if (scan.frames === frames) return undefined;
    const pages = new Map<number, Uint8Array>();
    for (const [page, index] of scan.frameOfPage) {
      if (page > scan.pageCount) continue;
      const at = frameOffset(header, index) + FRAME_HEADER_SIZE - next;
      pages.set(page, tail.subarray(at, at + header.pageSize));
    }
    const lastFrames = headersOf(scan, (at) =>
      tail.subarray(at - next, at - next + FRAME_HEADER_SIZE),
    );
    const walStamp = isOlder(walStat, now, RACY_MS) ? stampOf(walStat) : undefined;
    this.#seen = { ...seen, scan, lastFrames, walStamp };
    return { pages, pageCount: scan.pageCount, after: this.#moment, moment: ++this.#moment };
  }

  /** True where the WAL still contains the commit that was its last. */
  #isLastCommitThere({ scan, lastFrames }: Extract<LastRead, { kind: 'wal' }>): boolean {
    return isEqual(
      headersOf(scan, (at) => this.#wal.readSome(at, FRAME_HEADER_SIZE)),
      lastFrames,
    );
  }

  #samePlain(seen: Extract<LastRead, { kind: 'plain' }>, hasWal: boolean): boolean {
    if (!isEqual(this.#walHeader(hasWal), seen.walHeader) || this.#hasHotJournal()) return false;
    // After the WAL: content that left it has moved to the file.
    const stat = this.#db.statIfCurrent();
    return stat !== undefined && stampOf(stat) === stampOf(seen.stat);
  }

  /**
   * SQLite keeps the WAL beside the real file, not beside a link to it. Returns whether the real
   * path has changed.
   */
  #resolve(): boolean {
    let real = this.file;
    if (this.#root !== undefined) real = realWithin(this.#root, this.file) ?? this.file;
    else
      try {
        real = realpathSync.native(this.file);
      } catch {
        // Missing or not accessible: opening reports which.
      }
    if (real === this.#db.path) return false;
    const [db, wal] = this.#filesAt(real);
    this.#db.close();
    this.#wal.close();
    [this.#db, this.#wal] = [db, wal];
    return true;
  }

  #filesAt(file: string): [OpenFile, OpenFile] {
    return [new OpenFile(file), new OpenFile(`${file}-wal`)];
  }

  /** The first bytes of the WAL as they are now; none where there is no WAL. */
  #walHeader(hasWal = true): Uint8Array {
    return hasWal ? this.#wal.readSome(0, WAL_HEADER_SIZE) : new Uint8Array(0);
  }

  /**
   * A journal with a header is hot, and SQLite would roll it back; one that a finished transaction
   * left has no header.
   */
  #hasHotJournal(): boolean {
    const journal = new OpenFile(`${this.#db.path}-journal`);
    try {
      return journal.open() && hex(journal.readSome(0, 8)) === 'd9d505f920a163d7';
    } finally {
      journal.close();
    }
  }

  /**
   * True where a file has been unchanged for that long, by its own time, or by our clock since it
   * was first seen in this state, as the clock of a network drive may be ahead.
   */
  #isSettled(which: 'db' | 'wal', stat: BigIntStats, now: number, ms: number): boolean {
    if (isOlder(stat, now, ms)) return true;
    const state = stampOf(stat);
    const seen = this.#fresh.get(which);
    if (seen?.state === state && now >= seen.since) return now - seen.since >= ms;
    this.#fresh.set(which, { state, since: now });
    return false;
  }

  #fault(cause: UnreadableCause, detail: string): ImageRead {
    return { kind: 'fault', fault: { cause, file: this.file, detail } };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms === 0) setImmediate(resolve);
      else setTimeout(resolve, ms); // real time, since this waits for the file system
    });
  }
}

function headersOf(scan: WalScan, read: (at: number) => Uint8Array): Uint8Array {
  const all = new Uint8Array((scan.frames - scan.lastTransaction) * FRAME_HEADER_SIZE);
  for (let index = scan.lastTransaction; index < scan.frames; index++) {
    all.set(
      read(frameOffset(scan.header, index)),
      (index - scan.lastTransaction) * FRAME_HEADER_SIZE,
    );
  }
  return all;
}

function retry(why: string, pauseMs = 0): Retry {
  return { kind: 'retry', why, pauseMs };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
