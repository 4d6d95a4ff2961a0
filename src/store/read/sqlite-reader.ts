import type { SqlJsStatic } from 'sql.js';
import { ok, type Result } from '../../core/result.ts';
import { Unsure } from './btree.ts';
import { findFileFault } from './file-fault.ts';
import { LiveTasks } from './live-tasks.ts';
import { LiveImage, differingPages, type PageMap } from './pages.ts';
import type { NewPages } from './snapshot-reader.ts';
import { readThroughSql } from './sql-tasks.ts';
import type { ContentFault, StoreContent } from './store-content.ts';

/** A database without a WAL, and its number. */
interface Image {
  readonly bytes: Uint8Array;
  readonly moment: number;
}

/**
 * Commits on a smaller part of the database are followed; reading anew is no slower for larger
 * ones.
 */
const FOLLOWED_PART = 0.5;

/**
 * The tasks of a changing database: its image and its parsed content. Reads pages itself in known
 * forms, and asks SQLite about all others. `project` is the project name that exarp-go derives from
 * the root; rows of other projects are kept, with a notice.
 */
export class DatabaseTasks {
  readonly #project: string;
  #image: LiveImage | undefined;
  /** Undefined where only SQLite can read the image. */
  #live: LiveTasks | undefined;
  /** The number of the image. */
  #moment = 0;

  constructor(project: string) {
    this.#project = project;
  }

  /**
   * Takes ownership of an image. Where it resembles the last one, only the differences are read.
   */
  read(
    SQL: SqlJsStatic,
    { bytes, moment }: Image,
    now: number,
  ): Result<StoreContent, ContentFault> {
    this.#moment = moment;
    if (findFileFault(bytes) !== undefined) {
      this.forget();
      return readThroughSql(SQL, bytes, this.#project, now);
    }
    const [before, live] = [this.#image, this.#live];
    const image = new LiveImage(bytes);
    const differing =
      before !== undefined && live !== undefined ? differingPages(before, image) : undefined;
    if (before === undefined || live === undefined || differing === undefined)
      return this.#readAnew(SQL, image, now);
    before.replace(image);
    return this.#follow(SQL, before, live, differing, now);
  }

  /**
   * Applies the pages of a commit. Undefined where they do not follow the image, or do not result
   * in a database: then the file must be read.
   */
  follow(
    SQL: SqlJsStatic,
    news: NewPages,
    now: number,
  ): Result<StoreContent, ContentFault> | undefined {
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

  /** The same content, evaluated at a later time; undefined where nothing was read. */
  again(SQL: SqlJsStatic, now: number): Result<StoreContent, ContentFault> | undefined {
    if (this.#image === undefined) return undefined;
    if (this.#live === undefined) return readThroughSql(SQL, this.#image.whole, this.#project, now);
    this.#live.tick(now);
    return ok(this.#live.content);
  }

  /** Drops everything; the next call must be `read`. */
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

  #readAnew(
    SQL: SqlJsStatic,
    { whole }: LiveImage,
    now: number,
  ): Result<StoreContent, ContentFault> {
    // A new image, since sizes in the header may have changed.
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

/** A read past the end of an image means the same as `Unsure`. */
function isDoubt(error: unknown): boolean {
  return error instanceof Unsure || error instanceof RangeError;
}
