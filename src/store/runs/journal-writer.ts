import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatEntry } from '../../core/run/journal/journal-entry.ts';
import type { RunEvent } from '../../core/run/run-events.ts';
import { syncFolder } from '../files/replace-file.ts';
import { messageOf } from '../../core/text.ts';

export interface JournalWriterOptions {
  /** Absolute. */
  readonly file: string;
  /** Sees to it that the file may be there, before the first line of ours is written. Throws why not, and is asked again then. */
  readonly prepare: () => Promise<void>;
  /** Called once as soon as something could not be written, and again only after it could be meanwhile. */
  readonly onFailed: (detail: string) => void;
}

/** What a run cannot be put together without after a crash. The rest follows with the next of these, at the latest at its end. */
const DURABLE: ReadonlySet<RunEvent['kind']> = new Set([
  'runStarted',
  'taskStarting',
  'taskClaimed',
  'taskRequeued',
  'taskEnded',
  'runEnded',
]);

const LINE_FEED = 0x0a;

/**
 * Appends the events of a run to its journal, in order, as many at once as there are. Only the window that leads a run may
 * have one for it.
 *
 * What cannot be written is kept and tried again with the next event: a disk that was full for a while leaves no gap. Half a
 * line that a killed window left is ended before the first event, and what an attempt of ours left is cut off. A journal that
 * was deleted, as with everything that git ignores, is put back whole from the file that we still have open.
 */
export class JournalWriter {
  readonly #options: JournalWriterOptions;
  #queue: string[] = [];
  #file: OpenFile | undefined;
  #appended = 0;
  #written = 0;
  #synced = 0;
  #wantsSync = false;
  #hasFailed = false;
  #closed = false;
  #isAbandoned = false;
  #work: Promise<void> | undefined;

  constructor(options: JournalWriterOptions) {
    this.#options = options;
  }

  append(event: RunEvent): void {
    if (this.#isAbandoned) return;
    if (this.#closed) throw new Error(`Internal error: ${event.kind} after the journal was closed`);
    this.#queue.push(formatEntry(event));
    this.#appended++;
    if (DURABLE.has(event.kind)) this.#wantsSync = true;
    void this.#start();
  }

  /** Resolves when everything so far is on the disk, or could not be brought there. Never rejects. */
  async flushed(): Promise<void> {
    const target = this.#appended;
    if (this.#synced >= target) return;
    this.#wantsSync = true;
    await this.#start();
    // What came while it wrote may have been taken along or not; ours was in the queue before.
    if (this.#synced < target && !this.#hasFailed) await this.flushed();
  }

  /** For a run that another window leads now: nothing more is written, whatever is appended. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#queue = [];
    this.#wantsSync = false;
    this.#synced = this.#appended;
  }

  /** Writes what is left and lets go of the file. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flushed();
    await this.#work;
    await this.#file?.handle.close().catch(() => undefined);
    this.#file = undefined;
  }

  /** One writing at a time; whoever comes meanwhile is part of it. */
  #start(): Promise<void> {
    this.#work ??= this.#drain();
    return this.#work;
  }

  async #drain(): Promise<void> {
    // A turn later, so that the events of one moment are one write.
    await Promise.resolve();
    try {
      while (this.#queue.length > 0 || this.#wantsSync) {
        if (this.#queue.length > 0) await this.#write();
        if (this.#wantsSync && this.#queue.length === 0) await this.#sync();
      }
      this.#hasFailed = false;
    } catch (error) {
      // Tried again when something more is appended or asked for.
      this.#wantsSync = false;
      if (!this.#hasFailed) this.#options.onFailed(messageOf(error));
      this.#hasFailed = true;
    } finally {
      // In the same turn as the last look at the queue, so that nothing is appended in between.
      this.#work = undefined;
    }
  }

  async #write(): Promise<void> {
    // A file that was only moved has its name elsewhere, and stays ours.
    if (this.#file !== undefined && (await this.#file.handle.stat()).nlink === 0) {
      this.#file = await this.#putBack(this.#file);
    }
    const file = (this.#file ??= await this.#open());
    // A copy: the queue itself grows while this is being written.
    const lines = [...this.#queue];
    const bytes = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    if (this.#hasFailed) await file.handle.truncate(file.size);
    await file.handle.appendFile(bytes);
    file.size += bytes.length;
    // What was appended meanwhile stays.
    this.#queue = this.#isAbandoned ? [] : this.#queue.slice(lines.length);
    this.#written += lines.length;
  }

  async #sync(): Promise<void> {
    const target = this.#written;
    this.#wantsSync = false;
    await this.#file?.handle.datasync();
    this.#synced = Math.max(target, this.#synced);
  }

  /** Writes what a file that is gone had into a new one; throws where somebody has put another one there. */
  async #putBack(gone: OpenFile): Promise<OpenFile> {
    const content = Buffer.alloc(gone.size);
    const { bytesRead } = await gone.handle.read(content, 0, gone.size, 0);
    const file = await this.#open(constants.O_EXCL);
    try {
      await file.handle.appendFile(content.subarray(0, bytesRead));
    } catch (error) {
      await file.handle.close();
      // Half of it would be in the way of the next attempt.
      await unlink(this.#options.file);
      throw error;
    }
    await gone.handle.close().catch(() => undefined);
    return { ...file, size: bytesRead };
  }

  async #open(flags = 0): Promise<OpenFile> {
    await this.#options.prepare();
    // No link that somebody put there is followed; Windows has no such flag, and it counts as 0.
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const handle = await open(this.#options.file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | flags, 0o600);
    try {
      let { size } = await handle.stat();
      if (size === 0) {
        await syncFolder(dirname(this.#options.file));
      } else {
        const last = Buffer.alloc(1);
        await handle.read(last, 0, 1, size - 1);
        if (last[0] !== LINE_FEED) {
          await handle.appendFile('\n');
          size++;
        }
      }
      return { handle, size };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
}

interface OpenFile {
  readonly handle: FileHandle;
  size: number;
}
