import type { DatabaseSync } from 'node:sqlite';
import type { Disposable } from '../../../core/events.ts';
import type { Failure } from '../../../core/failure.ts';
import type { Clock } from '../../../core/ports.ts';
import { ok, type Result } from '../../../core/result.ts';
import { parseStatus, type Status, type TaskId } from '../../../core/task.ts';
import type { Connection, Transacted } from '../connection.ts';
import type { DeletedTask, EditWatch } from './edit-watch.ts';
import { changesSince, lastChange, noteAgainWritten, noteStatus } from '../edit-history.ts';
import { seconds, type LockContext } from '../lock-row.ts';
import { prepared } from '../prepared.ts';
import { formatRfc3339 } from '../rfc3339.ts';
import { Rewrites, type RowWriter } from './rewrites.ts';
import { isSharedWithExarp } from '../exarp-go-writes.ts';
import {
  historyOf,
  insertImage,
  isList,
  PART_NAMES,
  partOf,
  readImage,
  type RowImage,
  valuesSince,
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
/**
 * A new task that is gone is inserted again only then: whoever has worked on it meanwhile knows more
 * of it, and may do that before.
 */
const INSERT_AFTER_MS = 1_000;
/** How often a write is made again, so that two programs do not undo each other forever. */
const MOST_AGAIN = 8;
/** What is older cannot be in what another program has read and still writes. */
const HISTORY_MS = 10 * 60_000;

export interface WriteWatchOptions {
  readonly connection: Connection;
  /** In whose name this process takes locks now. */
  readonly holder: () => string | undefined;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Called after a status was written again. */
  readonly onStatusWritten: (id: TaskId, status: Status) => void;
  /** Undefined in a process that writes locks and statuses alone. */
  readonly edits?: EditWatch;
}

/** A part of a task as we wrote it. */
interface Part {
  image: RowImage;
  /** The values that it had before. */
  readonly older: Set<string>;
  /** The last entry of the history of changes when it was written. */
  lastChange: number;
  /** True once it was undone by a rewrite, and could not be written again yet. */
  isUndone: boolean;
}

/** What we wrote of one task. */
interface Written {
  readonly parts: Map<string, Part>;
  /** The task before we deleted it, and the words it had of late. */
  deleted: DeletedTask | undefined;
  isNew: boolean;
  /** A new task as it was last seen: other programs may have changed it since. */
  seen: RowImage | undefined;
  until: number;
  again: number;
  /** When a rewrite was found to have deleted it. */
  wipedAt: number | undefined;
  /** The version of the row that was compared last; null for a missing row. */
  compared: number | null | undefined;
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
  readonly lastChange: number;
}

/**
 * Watches what this process has written for as long as another program may undo it. exarp-go reads
 * all tasks, and later writes all of them back as it had read them; what was committed in between
 * is lost. Such a write is made again, in one transaction with the look that found it undone.
 *
 *     our value                            nothing to do
 *     an older value, from a rewrite       written again, a few times at most
 *     anything else                        another program changed it, and it stays
 */
export class WriteWatch implements Disposable {
  readonly #options: WriteWatchOptions;
  readonly #written = new Map<TaskId, Written>();
  readonly #rewrites = new Rewrites();
  /** What `#rewrites` and `#written` were last compared with. */
  #rewritesSeen: DataVersion | undefined;
  #seen: DataVersion | undefined;
  #timer: Disposable | undefined;
  #open: ReadonlySet<TaskId> = new Set();
  #openSeenAt = 0;
  #activeAt = 0;
  #removedAt = 0;
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
   * it; what was undone of that task is written again first. Where it is open whether something was
   * undone, `body` may fail with `busy`, to be tried again.
   */
  transact<T>(
    body: (db: DatabaseSync, touch: NonNullable<LockContext['touch']>) => Result<T, Failure>,
    needs?: readonly string[],
  ): Transacted<T> {
    const { connection } = this.#options;
    let commit: () => void = () => undefined;
    const outcome = connection.transact((db) => {
      const before = new Map<TaskId, RowImage | undefined>();
      const words = new Map<TaskId, DeletedTask['words']>();
      const repairs: Repair[] = [];
      const result = body(db, (id, use) => {
        // Its history goes with it.
        const said = use && this.#options.edits?.wordsOf(db, id, this.#historySince());
        if (said !== undefined) words.set(id, said);
        if (before.has(id)) return undefined;
        if (before.size === 0) this.#seeRewrites(db);
        const repair = this.#repair(db, id);
        if (repair !== undefined && repair !== 'open') repairs.push(repair);
        before.set(id, readImage(db, id));
        return repair === 'open' ? 'open' : undefined;
      });
      if (!result.ok || before.size === 0) return result;
      const after = [...before.keys()].map((id) => [id, readImage(db, id)] as const);
      this.#rewrites.wrote(db, before.keys());
      const last = lastChange(db);
      commit = () => {
        for (const repair of repairs) this.#repaired(repair);
        for (const [id, image] of after) this.#note(id, before.get(id), image, last, words.get(id));
        this.#plan();
      };
      return result;
    }, needs);
    if (outcome === 'busy') return outcome;
    if (outcome.ok) commit();
    return !outcome.ok && outcome.failure.kind === 'busy' ? 'busy' : outcome;
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

  #note(
    id: TaskId,
    before: RowImage | undefined,
    after: RowImage | undefined,
    last: number,
    words: DeletedTask['words'] | undefined,
  ): void {
    const known = this.#written.get(id);
    const changed = changedParts(before, after);
    for (const [name, part] of known?.parts ?? []) {
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
      seen: undefined,
      until: 0,
      again: 0,
      wipedAt: undefined,
      compared: undefined,
    };
    for (const name of changed) {
      if (after === undefined) break;
      const ours = written.parts.get(name);
      const older = ours?.older ?? new Set<string>();
      if (before !== undefined) older.add(partOf(before, name));
      if (ours !== undefined) older.add(partOf(ours.image, name));
      older.delete(partOf(after, name));
      // Ours was undone, and nobody could tell yet; what was added to the rest is one of two.
      const isOpen =
        name === 'dependencies' &&
        ours !== undefined &&
        before !== undefined &&
        partOf(before, name) !== partOf(ours.image, name);
      written.parts.set(name, {
        image:
          (isOpen && this.#options.edits?.withChange(after, ours.image, before, after)) || after,
        older,
        lastChange: last,
        isUndone: isOpen,
      });
    }
    if (after === undefined) written.parts.clear();
    written.deleted =
      after === undefined && before !== undefined
        ? { before, words: words ?? new Map() }
        : undefined;
    const now = this.#options.clock.now();
    written.isNew = after !== undefined && (written.isNew || before === undefined);
    written.seen = written.isNew ? after : undefined;
    written.until = now + WATCH_MS;
    written.wipedAt = undefined;
    written.compared = undefined;
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
    const isLate = this.#rewrites.isQuiet(now) || now - this.#openSeenAt >= LATER_MS;
    let isJudged = !isNew;
    if (isNew || (this.#open.size > 0 && isLate)) {
      this.#openSeenAt = now;
      const found = connection.look((db) => inSnapshot(db, () => this.#compare(db, isNew)));
      isJudged = found !== undefined && (found.length === 0 || this.#repairAll(found));
      if (isJudged) this.#seen = at;
    }
    if (isJudged && this.#rewrites.isQuiet(now)) this.#rewrites.end();
    for (const [id, { until }] of this.#written) if (until <= now) this.#written.delete(id);
    if (now - this.#removedAt >= LATER_MS) {
      this.#removedAt = now;
      for (const [id, { deleted, again }] of this.#written)
        if (deleted !== undefined && again > 0) this.#options.edits?.onAgain(id);
    }
    this.#plan();
  }

  /** Looks at what other programs have committed since the last time. */
  #seeRewrites(db: DatabaseSync): void {
    const at = dataVersion(db);
    const now = this.#options.clock.now();
    if (!this.isWatching) this.#rewrites.begin(db, now, []);
    else if (!isSame(at, this.#rewritesSeen)) this.#rewrites.see(db, now, this.#written);
    this.#rewritesSeen = at;
  }

  /** The tasks that were undone, by a look without the write lock. */
  #compare(db: DatabaseSync, all: boolean): readonly TaskId[] {
    this.#seeRewrites(db);
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
    for (const id of ids) {
      const written = this.#written.get(id);
      const version = stored.get(id) ?? null;
      if (written === undefined) continue;
      // A dependency also goes with its task, without a new version of the row.
      const isKnown = written.compared === version && !written.parts.has('dependencies');
      if (isKnown && !this.#open.has(id)) continue;
      written.compared = version;
      const judged = this.#judge(db, id, written);
      if (judged === 'open') open.add(id);
      else if (judged !== 'same') undone.push(id);
    }
    this.#open = all ? open : new Set([...this.#open].filter((id) => open.has(id)));
    return undone;
  }

  /** False where the database was locked: the next look tries again. */
  #repairAll(ids: readonly TaskId[]): boolean {
    let repairs: readonly Repair[] = [];
    const outcome = this.#options.connection.transact(
      (db) => {
        this.#seeRewrites(db);
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
    else this.#options.log(`What was undone was not written again: ${outcome.failure.kind}`);
    return true;
  }

  /** Writes again what was undone of a task; undefined where there is nothing to do. */
  #repair(db: DatabaseSync, id: TaskId): Repair | 'open' | undefined {
    const written = this.#written.get(id);
    if (written === undefined) return undefined;
    const undone = this.#judge(db, id, written);
    if (undone === 'same') return undefined;
    if (undone === 'open') return 'open';
    const { clock, edits } = this.#options;
    if (undone.kind === 'deletion') edits?.remove({ db, now: clock.now() }, id);
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
    this.#rewrites.wrote(db, [id]);
    return { id, undone, image: readImage(db, id), lastChange: lastChange(db) };
  }

  /** As `#compared`; where exarp-go does not write, another program meant its change. */
  #judge(db: DatabaseSync, id: TaskId, written: Written): Judgement {
    const judged = this.#compared(db, id, written);
    return judged === 'same' || isSharedWithExarp(db) ? judged : 'same';
  }

  #compared(db: DatabaseSync, id: TaskId, written: Written): Judgement {
    if (written.again >= MOST_AGAIN) return 'same';
    const found = readImage(db, id);
    if (written.deleted !== undefined) return this.#judgeBack(db, id, found, written.deleted);
    if (found === undefined) return this.#judgeMissing(id, written);
    written.wipedAt = undefined;
    // What goes with a row before it is deleted gives it no new version.
    if (found.version > (written.seen?.version ?? Infinity)) written.seen = found;
    const { edits, clock } = this.#options;
    const [rewrites, now] = [this.#rewrites, clock.now()];
    const undone: string[] = [];
    let isOpen = false;
    for (const [name, part] of written.parts) {
      const value = partOf(found, name);
      if (value === partOf(part.image, name)) continue;
      const by = isList(name)
        ? edits?.listWriterOf(
            { db, id, since: this.#historySince(), now, rewrites },
            name,
            part,
            found,
          )
        : this.#writerOf(db, id, name, part, found);
      if (by === undefined) continue;
      if (by === 'alone') written.parts.delete(name);
      else if (by === 'rewrite') part.isUndone = true;
      // A dependency on a task that is gone is written once that is there again.
      const canBe = name !== 'dependencies' || edits?.lacks(db, found, part.image) === true;
      if (by === 'rewrite' && canBe) undone.push(name);
      else if (by !== 'alone') isOpen = true;
    }
    if (undone.length > 0) return { kind: 'parts', parts: undone };
    return isOpen ? 'open' : 'same';
  }

  /** Who wrote a part that differs from what we wrote. */
  #writerOf(db: DatabaseSync, id: TaskId, name: string, part: Part, found: RowImage): RowWriter {
    const isTheirs =
      // Another process of ours has written it since, and watches that.
      changesSince(db, id, historyOf(name), part.lastChange).length > 0 ||
      (name === 'status' && this.#isTaken(found, part.image));
    if (isTheirs) return 'alone';
    if (part.isUndone) return 'rewrite';
    if (!this.#isOlder(db, id, name, part, partOf(found, name))) return 'alone';
    return this.#rewrites.writerOf(id, this.#options.clock.now());
  }

  /** Judges a task that we had deleted. */
  #judgeBack(
    db: DatabaseSync,
    id: TaskId,
    found: RowImage | undefined,
    deleted: DeletedTask,
  ): Judgement {
    if (found === undefined) return 'same';
    // In doubt a row stays: it is removed only where each word of it was the deleted one's before.
    const { edits } = this.#options;
    const isIt = edits?.isSame(db, id, { found, deleted }, this.#historySince()) === true;
    const by = isIt ? this.#rewrites.removerOf(this.#options.clock.now()) : 'alone';
    if (by === 'rewrite') return { kind: 'deletion' };
    if (by === 'alone') this.#written.delete(id);
    return by === 'open' ? 'open' : 'same';
  }

  /** Judges a task that is gone. */
  #judgeMissing(id: TaskId, written: Written): Judgement {
    const { parts, isNew } = written;
    const newest = [...parts.values()].reduce<RowImage | undefined>(
      (latest, { image }) =>
        latest === undefined || image.version >= latest.version ? image : latest,
      undefined,
    );
    if (newest === undefined) return 'same';
    const now = this.#options.clock.now();
    const isHeld =
      newest.row['assignee'] === this.#options.holder() &&
      Number(newest.row['lock_until'] ?? 0) > seconds(now);
    const status = parseStatus(partOf(newest, 'status'));
    // Nobody may take it for an open one, or work on it without a lock.
    const isUrgent = isHeld || (parts.has('status') && status !== 'Todo');
    if (!isNew && !(isUrgent && isYoung(newest, seconds(now - WATCH_MS)))) return 'same';
    const isWiped = written.wipedAt !== undefined;
    const by = isWiped ? 'rewrite' : this.#rewrites.removerOf(now, id);
    if (by === 'alone') this.#written.delete(id);
    if (by !== 'rewrite') return by === 'open' ? 'open' : 'same';
    written.wipedAt ??= now;
    const isDue = isUrgent || now - written.wipedAt >= INSERT_AFTER_MS;
    if (!isDue) return 'open';
    const { edits } = this.#options;
    const isOurs = isHeld || edits === undefined;
    const image = isOurs ? newest : edits.asFree(written.seen ?? newest, parts);
    return { kind: 'creation', image };
  }

  /** Whether a part had this value before, by what we know or by the history in the store. */
  #isOlder(db: DatabaseSync, id: TaskId, name: string, part: Part, value: string): boolean {
    return part.older.has(value) || valuesSince(db, id, name, this.#historySince()).includes(value);
  }

  /** In unix seconds. */
  #historySince(): number {
    return seconds(this.#options.clock.now() - HISTORY_MS);
  }

  /** Another holder has taken the task since: its status is theirs. */
  #isTaken(found: RowImage, ours: RowImage): boolean {
    const holder = found.row['assignee'];
    const mine = [ours.row['assignee'], this.#options.holder()];
    const isOther = typeof holder === 'string' && holder !== '' && !mine.includes(holder);
    return isOther && Number(found.row['lock_until'] ?? 0) > seconds(this.#options.clock.now());
  }

  #repaired({ id, undone, image, lastChange: last }: Repair): void {
    const { log, clock, onStatusWritten } = this.#options;
    const written = this.#written.get(id);
    if (written === undefined) return;
    if (image !== undefined) {
      const again = undone.kind === 'parts' ? undone.parts : [...written.parts.keys()];
      for (const [name, part] of written.parts) {
        if (again.includes(name)) {
          // As wanted, where not all of it could be written yet.
          part.image = { ...image, pairs: part.image.pairs };
          part.isUndone = partOf(image, name) !== partOf(part.image, name);
        }
        if (partOf(image, name) === partOf(part.image, name)) part.lastChange = last;
      }
    }
    written.again++;
    written.until = clock.now() + WATCH_MS;
    written.wipedAt = undefined;
    written.compared = undefined;
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

/** All that `body` reads is of one moment. */
function inSnapshot<T>(db: DatabaseSync, body: () => T): T {
  db.exec('BEGIN');
  try {
    return body();
  } finally {
    db.exec('COMMIT');
  }
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
