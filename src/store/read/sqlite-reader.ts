import type { SqlJsStatic } from 'sql.js';
import { ok, type Result } from '../../core/result.ts';
import { Unsure } from './btree.ts';
import { findFileFault } from './file-fault.ts';
import { LiveTasks } from './live-tasks.ts';
import { LiveImage, differingPages, type PageMap } from './pages.ts';
import type { NewPages } from './snapshot-reader.ts';
import { readThroughSql } from './sql-tasks.ts';
import type { ContentFault, StoreContent } from './store-content.ts';

/** A database without a log of its own, and the number of the moment that it is of. */
interface Image {
  readonly bytes: Uint8Array;
  readonly moment: number;
}

/** A commit on a smaller part of the database than this is followed; what changes more is read anew, which is no slower. */
const FOLLOWED_PART = 0.5;

/**
 * The tasks in the image of a database, whatever migration of exarp-go made it. The image must have no log of its own.
 * `project` is what exarp-go takes the root for; rows of another are kept, with a notice.
 */
export function readTasks(
  SQL: SqlJsStatic,
  image: Uint8Array,
  project: string,
  now = Date.now(),
): Result<StoreContent, ContentFault> {
  return new DatabaseTasks(project).read(SQL, { bytes: image, moment: 0 }, now);
}

/**
 * The tasks of one database while it changes: its image, and what was read from it. Reads pages itself where they are plain,
 * and asks SQLite about everything else.
 */
export class DatabaseTasks {
  readonly #project: string;
  #image: LiveImage | undefined;
  /** Undefined where only SQLite can read the image. */
  #live: LiveTasks | undefined;
  /** The number of the moment that the image is of. */
  #moment = 0;

  constructor(project: string) {
    this.#project = project;
  }

  /** Takes an image, which is then this object's own. Where it is like the one before, only what differs is read. */
  read(SQL: SqlJsStatic, { bytes, moment }: Image, now: number): Result<StoreContent, ContentFault> {
    this.#moment = moment;
    if (findFileFault(bytes) !== undefined) {
      this.forget();
      return readThroughSql(SQL, bytes, this.#project, now);
    }
    const [before, live] = [this.#image, this.#live];
    const image = new LiveImage(bytes);
    const differing = before !== undefined && live !== undefined ? differingPages(before, image) : undefined;
    if (before === undefined || live === undefined || differing === undefined) return this.#readAnew(SQL, image, now);
    before.replace(image);
    return this.#follow(SQL, before, live, differing, now);
  }

  /**
   * Follows a commit, by the pages that it wrote. Undefined where they do not follow what is held, or leave no database: then
   * the file has to be read.
   */
  follow(SQL: SqlJsStatic, news: NewPages, now: number): Result<StoreContent, ContentFault> | undefined {
    const image = this.#image;
    const { pages, pageCount } = news;
    if (image === undefined || news.after !== this.#moment) return undefined;
    this.#moment = news.moment;
    const fits = [...pages.values()].every((page) => page.length === image.pageSize);
    const before = fits ? image.apply(pages, pageCount) : undefined;
    if (!fits || findFileFault(image.whole) !== undefined) {
      this.forget();
      return undefined;
    }
    const isSmall = before !== undefined && before.size <= Math.max(16, pageCount * FOLLOWED_PART);
    if (!isSmall || this.#live === undefined) return this.#readAnew(SQL, image, now);
    return this.#follow(SQL, image, this.#live, before, now);
  }

  /** The same content at a later moment, where time has made another of it; undefined where nothing was read. */
  again(SQL: SqlJsStatic, now: number): Result<StoreContent, ContentFault> | undefined {
    if (this.#image === undefined) return undefined;
    if (this.#live === undefined) return readThroughSql(SQL, this.#image.whole, this.#project, now);
    this.#live.tick(now);
    return ok(this.#live.content);
  }

  /** Lets go of everything; what comes next has to be a whole image. */
  forget(): void {
    this.#image = undefined;
    this.#live = undefined;
  }

  #follow(
    SQL: SqlJsStatic,
    image: LiveImage,
    live: LiveTasks,
    before: PageMap,
    now: number,
  ): Result<StoreContent, ContentFault> {
    try {
      live.follow(before, now);
      return ok(live.content);
    } catch (error) {
      if (!isDoubt(error)) throw error;
      return this.#readAnew(SQL, image, now);
    }
  }

  #readAnew(SQL: SqlJsStatic, { whole }: LiveImage, now: number): Result<StoreContent, ContentFault> {
    // Made anew too, as the sizes in the header may be others.
    const image = new LiveImage(whole);
    this.#image = image;
    this.#live = undefined;
    try {
      this.#live = new LiveTasks(SQL, image, this.#project, now);
      return ok(this.#live.content);
    } catch (error) {
      if (!isDoubt(error)) throw error;
      const content = readThroughSql(SQL, image.whole, this.#project, now);
      if (!content.ok) this.forget();
      return content;
    }
  }
}

/** A read past the end of an image says of it what `Unsure` says. */
function isDoubt(error: unknown): boolean {
  return error instanceof Unsure || error instanceof RangeError;
}
