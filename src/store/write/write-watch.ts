import type { DatabaseSync } from 'node:sqlite';
import type { Disposable } from '../../core/events.ts';
import type { Failure } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { ok, type Result } from '../../core/result.ts';
import { parseStatus, type Status, type TaskId } from '../../core/task.ts';
import type { Connection, Transacted } from './connection.ts';
import {
  changesByTask,
  changesSince,
  lastChange,
  noteAgainWritten,
  noteStatus,
  wasChangedSince,
  wereValues,
} from './edit-history.ts';
import { removeRow } from './edit-statements.ts';
import { seconds, type LockContext } from './lock-row.ts';
import { prepared } from './prepared.ts';
import { formatRfc3339 } from './rfc3339.ts';
import { isSharedWithExarp, readVersions, rewritesSince, type Versions } from './rewrites.ts';
import {
  historyOf,
  insertImage,
  PART_NAMES,
  partOf,
  possible,
  readImage,
  type RowImage,
  writeParts,
} from './row-image.ts';

/**
 * An update of exarp-go takes about a second, and may wait for the write lock for half a minute:
 * after this time nothing that it read before our write can still come.
 */
const WATCH_MS = 40_000;
/** How often to look for commits of others: soon after a write or such a commit, and later. */
const LOOK_MS = 15;
const SOON_MS = 10_000;
const LATER_MS = 500;
/** A new row that is gone is inserted again only then: its window may do that before. */
const INSERT_AFTER_MS = 1_500;
/** How often a write is made again, so that two programs do not undo each other forever. */
const MOST_AGAIN = 8;
/** The rows of one rewrite follow each other within this time. */
const REWRITE_MS = 200;
/** What it has not read is deleted within this time after its last row. */
const REWRITE_END_MS = 500;
/** What is older cannot be in what another program has read and still writes. */
const HISTORY_MS = 10 * 60_000;

export interface WriteWatchOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Called after a status was written again. */
  readonly onStatusWritten: (id: TaskId, status: Status) => void;
  /**
   * Called from time to time for a deleted task that was there again: its JSON entry may be, too.
   */
  readonly onDeletedAgain: (id: TaskId) => void;
}

/** A part of a task as we wrote it. */
interface Part {
  image: RowImage;
  /** Of the row after our write, and after later writes of ours to other parts. */
  version: number;
  /** The values that it had before. */
  readonly older: Set<string>;
  /** Those of other rows when it was written, and the last entry of the history of changes. */
  versions: Versions;
  lastChange: number;
}

/** What we wrote of one task. */
interface Written {
  readonly parts: Map<string, Part>;
  /** The task before we deleted it, and the versions of others then. */
  deleted: { readonly image: RowImage; versions: Versions; lastChange: number } | undefined;
  isNew: boolean;
  until: number;
  again: number;
  missingSince: number | undefined;
  /** The version of the row that was compared last; null for a missing row. */
  compared: number | null | undefined;
  /**
   * Whether a rewrite was under way when the row was first seen to differ: one that began before
   * our write and reached this row after it, and most others before.
   */
  isInRewrite: boolean | undefined;
}

/** What has to be written again. */
type Undone =
  | { readonly kind: 'parts'; readonly parts: readonly string[] }
  | { readonly kind: 'creation'; readonly image: RowImage }
  | { readonly kind: 'deletion' };

/** A row that is the same as our last write of it, or that may still become so. */
type Judgement = Undone | 'same' | 'open';

interface Repair {
  readonly id: TaskId;
  readonly undone: Undone;
  readonly image: RowImage | undefined;
  readonly versions: Versions;
  readonly lastChange: number;
}

/**
 * Watches what this process has written for as long as another program may undo it. exarp-go reads
 * all tasks, and later writes all of them back as it had read them; what was committed in between
 * is lost. Such a write is made again, in one transaction with the look that found it undone.
 *
 *     our value                                    nothing to do
 *     an older value, the other rows were written  written again, a few times at most
 *       as often as this one
 *     anything else                                another program changed it, and it stays
 */
export class WriteWatch implements Disposable {
  readonly #options: WriteWatchOptions;
  readonly #written = new Map<TaskId, Written>();
  #timer: Disposable | undefined;
  #seen: DataVersion | undefined;
  #open: ReadonlySet<TaskId> = new Set();
  #openSeenAt = 0;
  #activeAt = 0;
  #removedAt = 0;
  #looked: { readonly of: Versions; readonly last: number } | undefined;
  /** When another row was last seen to be written without a change. */
  #rewriteAt = -Infinity;
  #versions: { readonly of: Versions; readonly at: DataVersion } | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: WriteWatchOptions) {
    this.#options = options;
  }

  /** True while a write may still be undone. */
  get isWatching(): boolean {
    return this.#written.size > 0;
  }

  /**
   * As `Connection.transact`. `body` gets a function that it calls for each task before it writes
   * it; what was undone of that task is written again first.
   */
  transact<T>(
    body: (db: DatabaseSync, touch: NonNullable<LockContext['touch']>) => Result<T, Failure>,
    needs?: readonly string[],
  ): Transacted<T> {
    const { connection } = this.#options;
    let commit: () => void = () => undefined;
    const outcome = connection.transact((db) => {
      const before = new Map<TaskId, RowImage | undefined>();
      const repairs: Repair[] = [];
      const result = body(db, (id) => {
        if (before.has(id)) return undefined;
        const repair = this.#repair(db, id);
        if (repair !== undefined && repair !== 'open') repairs.push(repair);
        before.set(id, readImage(db, id));
        return repair === 'open' ? 'open' : undefined;
      });
      if (!result.ok || before.size === 0) return result;
      const after = [...before.keys()].map((id) => [id, readImage(db, id)] as const);
      const versions = this.#currentVersions(db);
      const last = lastChange(db);
      commit = () => {
        for (const repair of repairs) this.#repaired(repair);
        for (const [id, image] of after) this.#note(id, before.get(id), image, versions, last);
        this.#plan();
      };
      return result;
    }, needs);
    if (outcome !== 'busy' && outcome.ok) commit();
    return outcome;
  }

  /** Calls once nothing is watched any more; at once where that is so. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback;
    this.#plan();
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#written.clear();
  }

  /** Read once for several commits of our own, while no other program has committed. */
  #currentVersions(db: DatabaseSync): Versions {
    const at = dataVersion(db);
    const known = this.#versions;
    if (known !== undefined && isSame(known.at, at)) return known.of;
    const of = readVersions(db);
    this.#versions = { of, at };
    return of;
  }

  #note(
    id: TaskId,
    before: RowImage | undefined,
    after: RowImage | undefined,
    versions: Versions,
    last: number,
  ): void {
    const known = this.#written.get(id);
    const changed = changedParts(before, after);
    const step = (after?.version ?? 0) - (before?.version ?? 0);
    for (const [name, part] of known?.parts ?? []) {
      part.version += step;
      // A change of another process of ours stays to be seen.
      if (before !== undefined && partOf(before, name) === partOf(part.image, name))
        part.lastChange = last;
    }
    if (before === undefined && after === undefined) return;
    if (after !== undefined && changed.length === 0) return;
    const written: Written = known ?? {
      parts: new Map<string, Part>(),
      deleted: undefined,
      isNew: false,
      until: 0,
      again: 0,
      missingSince: undefined,
      compared: undefined,
      isInRewrite: undefined,
    };
    for (const part of changed) {
      if (after === undefined) break;
      const older = written.parts.get(part)?.older ?? new Set<string>();
      if (before !== undefined) older.add(partOf(before, part));
      const ours = written.parts.get(part)?.image;
      if (ours !== undefined) older.add(partOf(ours, part));
      older.delete(partOf(after, part));
      const { version } = after;
      written.parts.set(part, { image: after, version, older, versions, lastChange: last });
    }
    if (after === undefined && before !== undefined) {
      written.parts.clear();
      written.deleted = { image: before, versions, lastChange: last };
    } else written.deleted = undefined;
    const now = this.#options.clock.now();
    written.isNew = after !== undefined && (written.isNew || before === undefined);
    written.until = now + WATCH_MS;
    written.missingSince = undefined;
    written.compared = undefined;
    written.isInRewrite = undefined;
    this.#written.set(id, written);
    this.#activeAt = now;
  }

  #plan(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
    if (!this.isWatching) {
      this.#onIdle?.();
      return;
    }
    const { clock } = this.#options;
    const isSoon = clock.now() - this.#activeAt < SOON_MS;
    this.#timer = clock.after(isSoon ? LOOK_MS : LATER_MS, () => this.#look());
  }

  #look(): void {
    const { connection, clock } = this.#options;
    const now = clock.now();
    const at = connection.look(dataVersion);
    const isNew = at !== undefined && !isSame(at, this.#seen);
    if (isNew) this.#activeAt = now;
    if (isNew || (this.#open.size > 0 && now - this.#openSeenAt >= LATER_MS)) {
      this.#openSeenAt = now;
      const found = connection.look((db) => this.#compare(db, isNew));
      if (found !== undefined && (found.length === 0 || this.#repairAll(found))) this.#seen = at;
    }
    for (const [id, { until }] of this.#written) if (until <= now) this.#written.delete(id);
    if (now - this.#removedAt >= LATER_MS) {
      this.#removedAt = now;
      for (const [id, { deleted, again }] of this.#written)
        if (deleted !== undefined && again > 0) this.#options.onDeletedAgain(id);
    }
    this.#plan();
  }

  /** The tasks that were undone, by a look without the write lock. */
  #compare(db: DatabaseSync, all: boolean): readonly TaskId[] {
    const open = new Set<TaskId>();
    const undone: TaskId[] = [];
    const ids = all ? [...this.#written.keys()] : [...this.#open];
    const stored = new Map(
      db
        .prepare(
          `SELECT id, CAST(version AS REAL) AS version FROM tasks
            WHERE id IN (SELECT value FROM json_each(?))`,
        )
        .all(JSON.stringify(ids))
        .map((row) => [row['id'] as TaskId, Number(row['version'])]),
    );
    const versions = all ? this.#noteRewrite(db) : readVersions(db);
    for (const id of ids) {
      const written = this.#written.get(id);
      const version = stored.get(id) ?? null;
      if (written === undefined) continue;
      // A dependency also goes with its task, without a new version of the row.
      const isKnown = written.compared === version && !written.parts.has('dependencies');
      if (isKnown && !this.#open.has(id)) continue;
      written.compared = version;
      const judged = this.#judge(db, id, written, () => versions);
      if (judged === 'open') open.add(id);
      else if (judged !== 'same') undone.push(id);
    }
    this.#open = all ? open : new Set([...this.#open].filter((id) => open.has(id)));
    return undone;
  }

  /** Notes whether other rows were written since the last look, and for no change of ours. */
  #noteRewrite(db: DatabaseSync): Versions {
    const now = { of: readVersions(db), last: lastChange(db) };
    const before = this.#looked;
    this.#looked = now;
    if (before === undefined) return now.of;
    const ours = changesByTask(db, before.last);
    const isWritten = [...before.of].some(([id, { version, status }]) => {
      const row = now.of.get(id);
      const isOther = row !== undefined && !this.#written.has(id as TaskId);
      return isOther && row.status === status && row.version > version + (ours.get(id) ?? 0);
    });
    if (isWritten) this.#rewriteAt = this.#options.clock.now();
    return now.of;
  }

  /** False where the database was locked: the next look tries again. */
  #repairAll(ids: readonly TaskId[]): boolean {
    let repairs: readonly Repair[] = [];
    const outcome = this.#options.connection.transact(
      (db) => {
        repairs = ids.flatMap((id) => {
          const repair = this.#repair(db, id);
          return repair === undefined || repair === 'open' ? [] : [repair];
        });
        return ok(undefined);
      },
      ['id'],
    );
    if (outcome === 'busy') {
      for (const id of ids) {
        const written = this.#written.get(id);
        if (written !== undefined) written.compared = undefined;
      }
      return false;
    }
    if (outcome.ok) for (const repair of repairs) this.#repaired(repair);
    else this.#options.log(`What was undone could not be written again: ${outcome.failure.kind}`);
    return true;
  }

  /** Writes again what was undone of a task; undefined where there is nothing to do. */
  #repair(db: DatabaseSync, id: TaskId): Repair | 'open' | undefined {
    const written = this.#written.get(id);
    if (written === undefined) return undefined;
    const undone = this.#judge(db, id, written, () => readVersions(db));
    if (undone === 'same') return undefined;
    if (undone === 'open') return 'open';
    const { clock } = this.#options;
    if (undone.kind === 'deletion') removeRow(db, id);
    else if (undone.kind === 'creation') insertImage(db, id, undone.image);
    else {
      const now = clock.now();
      const stamps = { last_modified: formatRfc3339(now), updated_at: seconds(now) };
      const found = readImage(db, id);
      const wanted = undone.parts.flatMap((part) => {
        const image = written.parts.get(part)?.image;
        return image === undefined ? [] : [[part, image] as const];
      });
      writeParts(db, id, wanted, stamps);
      for (const [part, image] of wanted) noteAgain({ db, now }, id, part, found, image);
    }
    const versions = readVersions(db);
    return { id, undone, image: readImage(db, id), versions, lastChange: lastChange(db) };
  }

  /** As `#compared`; where exarp-go does not write, another program meant its change. */
  #judge(db: DatabaseSync, id: TaskId, written: Written, versionsNow: () => Versions): Judgement {
    const judged = this.#compared(db, id, written, versionsNow);
    return judged === 'same' || isSharedWithExarp(db) ? judged : 'same';
  }

  #compared(
    db: DatabaseSync,
    id: TaskId,
    written: Written,
    versionsNow: () => Versions,
  ): Judgement {
    const found = readImage(db, id);
    const { deleted, parts } = written;
    if (deleted !== undefined) {
      if (found === undefined) return 'same';
      // In doubt a row stays: it is removed only where it is the deleted one in every word.
      const isIt = ['title', 'description'].every(
        (part) => partOf(found, part) === partOf(deleted.image, part),
      );
      if (!isIt || written.again >= MOST_AGAIN) return 'same';
      const { isMost } = rewritesSince(
        deleted.versions,
        versionsNow(),
        id,
        changesByTask(db, deleted.lastChange),
      );
      return isMost ? { kind: 'deletion' } : 'open';
    }
    if (found === undefined) return this.#judgeMissing(db, id, written, versionsNow);
    written.missingSince = undefined;
    const undone: string[] = [];
    let isOpen = false;
    for (const [name, part] of parts) {
      const value = partOf(found, name);
      if (value === partOf(part.image, name)) continue;
      if (wasChangedSince(db, id, historyOf(name), part.lastChange)) {
        // Another process of ours has written it since, and watches that.
        parts.delete(name);
        continue;
      }
      if (!this.#isOlder(db, id, name, part, value) || written.again >= MOST_AGAIN) continue;
      const rewrites = rewritesSince(
        part.versions,
        versionsNow(),
        id,
        changesByTask(db, part.lastChange),
      );
      if (rewrites.isOtherStore) continue;
      const times = found.version - part.version - othersWrites(db, id, part, found);
      written.isInRewrite ??= this.#options.clock.now() - this.#rewriteAt < REWRITE_MS;
      // A rewrite also drops a dependency on a task that it has deleted: no sign of a real change.
      const more = written.isInRewrite || name === 'dependencies' ? 1 : 0;
      // A dependency goes with its task, without a write of the row: that task is there again.
      const isCascade = name === 'dependencies' && times === 0;
      const isStale =
        isCascade ||
        (rewrites.isMost
          ? times <= rewrites.times + more
          : // Not yet for an equal version alone: some programs change a row without a new one.
            times < 0 || (more > 0 && times === more) || (written.isInRewrite && times === 0));
      const isTheirs = name === 'status' && isTaken(found, part.image, this.#options.clock.now());
      // A dependency on a task that is gone is written once that is there again.
      const canBe = name !== 'dependencies' || value !== partOf(possible(db, part.image), name);
      if (isStale && !isTheirs && canBe) undone.push(name);
      else isOpen = true;
    }
    if (undone.length > 0) return { kind: 'parts', parts: undone };
    return isOpen ? 'open' : 'same';
  }

  #judgeMissing(
    db: DatabaseSync,
    id: TaskId,
    written: Written,
    versionsNow: () => Versions,
  ): Judgement {
    const newest = [...written.parts.values()].reduce<Part | undefined>(
      (latest, part) => (latest === undefined || part.version >= latest.version ? part : latest),
      undefined,
    );
    if (newest === undefined || written.again >= MOST_AGAIN) return 'same';
    const now = this.#options.clock.now();
    written.missingSince ??= now;
    const { isMost } = rewritesSince(
      newest.versions,
      versionsNow(),
      id,
      changesByTask(db, newest.lastChange),
    );
    // An agent that works on it cannot wait, and no other has its lock.
    const isHeld =
      Number(newest.image.row['lock_until'] ?? 0) > seconds(now) &&
      isYoung(newest.image, seconds(now - WATCH_MS));
    if (!isHeld && !written.isNew) return 'same';
    const isLate = isHeld || now - written.missingSince >= INSERT_AFTER_MS;
    written.isInRewrite ??= now - this.#rewriteAt < REWRITE_END_MS;
    return (isMost || written.isInRewrite) && isLate
      ? { kind: 'creation', image: newest.image }
      : 'open';
  }

  /** Whether a part had this value before, by what we know or by the history in the store. */
  #isOlder(db: DatabaseSync, id: TaskId, name: string, part: Part, value: string): boolean {
    if (part.older.has(value)) return true;
    const since = seconds(this.#options.clock.now() - HISTORY_MS);
    const { field, read } = historyOf(name);
    return wereValues(db, id, field, since).some((stored) => read(stored) === value);
  }

  #repaired({ id, undone, image, versions, lastChange: last }: Repair): void {
    const { log, clock, onStatusWritten } = this.#options;
    const written = this.#written.get(id);
    if (written === undefined) return;
    if (image !== undefined) {
      const again = undone.kind === 'parts' ? undone.parts : [...written.parts.keys()];
      for (const [name, part] of written.parts) {
        if (again.includes(name))
          written.parts.set(name, {
            // As wanted, where not all of it could be written yet.
            image: { ...image, pairs: part.image.pairs },
            ...{ version: image.version, older: part.older, versions, lastChange: last },
          });
        else {
          part.version++;
          if (partOf(image, name) === partOf(part.image, name)) part.lastChange = last;
        }
      }
    }
    if (written.deleted !== undefined) {
      written.deleted.versions = versions;
      written.deleted.lastChange = last;
    }
    written.again++;
    written.until = clock.now() + WATCH_MS;
    written.missingSince = undefined;
    written.compared = undefined;
    written.isInRewrite = undefined;
    this.#activeAt = clock.now();
    const what = undone.kind === 'parts' ? undone.parts.join(', ') : undone.kind;
    const last_ = written.again === MOST_AGAIN ? ', for the last time' : '';
    log(`${id}: another program undid our ${what} with older data; it was written again${last_}`);
    if (what.includes('status') && image !== undefined)
      onStatusWritten(id, parseStatus(partOf(image, 'status')));
  }
}

/** Other processes of ours have to know that this write was ours. */
function noteAgain(
  context: Pick<LockContext, 'db' | 'now'>,
  id: TaskId,
  part: string,
  found: RowImage | undefined,
  image: RowImage,
): void {
  const { field, write } = historyOf(part);
  const from = found === undefined ? null : write(partOf(found, part));
  const to = write(partOf(image, part));
  if (part === 'status') noteStatus(context, id, String(from), parseStatus(String(to)));
  else noteAgainWritten(context, id, { field, from, to });
}

function changedParts(
  before: RowImage | undefined,
  after: RowImage | undefined,
): readonly string[] {
  if (after === undefined) return [];
  if (before === undefined) return PART_NAMES;
  return PART_NAMES.filter((part) => partOf(before, part) !== partOf(after, part));
}

/**
 * How often other processes of ours have written the row since, as far as it shows: by the history
 * of changes, and by its lock.
 */
function othersWrites(db: DatabaseSync, id: TaskId, part: Part, found: RowImage): number {
  const names = ['assignee', 'lock_until'];
  const hasOtherLock = names.some((name) => found.row[name] !== part.image.row[name]);
  return changesSince(db, id, part.lastChange) + (hasOtherLock ? 1 : 0);
}

/** Another holder has taken the task since: its status is theirs. */
function isTaken(found: RowImage, ours: RowImage, now: number): boolean {
  const holder = found.row['assignee'];
  const isOther = typeof holder === 'string' && holder !== '' && holder !== ours.row['assignee'];
  return isOther && Number(found.row['lock_until'] ?? 0) > seconds(now);
}

/** Grows with the commits of others; each connection counts anew. */
interface DataVersion {
  readonly db: DatabaseSync;
  readonly version: unknown;
}

function dataVersion(db: DatabaseSync): DataVersion {
  return { db, version: prepared(db, 'PRAGMA data_version').get()?.['data_version'] };
}

function isSame(a: DataVersion | undefined, b: DataVersion | undefined): boolean {
  return a?.db === b?.db && a?.version === b?.version;
}

/** Made since a time (unix seconds): what others read before cannot have it. */
function isYoung({ row }: RowImage, since: number): boolean {
  return Number(row['created_at'] ?? 0) >= since;
}
