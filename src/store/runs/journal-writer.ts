import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatEntry } from '../../core/run/journal/journal-entry.ts';
import type { RunEvent } from '../../core/run/run-events.ts';
import { syncFolder } from '../../disk/replace-file.ts';
import { messageOf } from '../../core/text.ts';

export interface JournalWriterOptions {
  /** Absolute. */
  readonly file: string;
  /**
   * Called before our first line is written, to prepare the folder. Throws where it cannot; then it
   * is called again later.
   */
  readonly prepare: () => Promise<void>;
  /** Called on the first failed write, and again only after a successful one. */
  readonly onFailed: (detail: string) => void;
}

/**
 * The events that recovery needs after a crash. Others are synced with the next of these, at the
 * latest at the end.
 */
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
 * Appends the events of a run to its journal, in order and in batches. Only the window that leads
 * the run may have a writer.
 *
 * A failed write is kept and retried with the next event, so a full disk leaves no gap. An
 * incomplete line of a killed window is terminated before the first event, and one of our own
 * failed write is truncated. A deleted journal is restored whole from the file that is still open.
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

  /** Resolves when all events so far are on disk, or could not be written. Never rejects. */
  async flushed(): Promise<void> {
    const target = this.#appended;
    if (this.#synced >= target) return;
    this.#wantsSync = true;
    await this.#start();
    // Events that were appended during the write may be part of it or not; ours were queued before.
    if (this.#synced < target && !this.#hasFailed) await this.flushed();
  }

  /** Stops writing: another window leads the run now, and further events are dropped. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#queue = [];
    this.#wantsSync = false;
    this.#synced = this.#appended;
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flushed();
    await this.#work;
    await this.#file?.handle.close().catch(() => undefined);
    this.#file = undefined;
  }

  /** One write at a time, shared by all callers that wait for it. */
  #start(): Promise<void> {
    this.#work ??= this.#drain();
    return this.#work;
  }

  async #drain(): Promise<void> {
    // One turn later, so that the events of one moment become one write.
    await Promise.resolve();
    try {
      while (this.#queue.length > 0 || this.#wantsSync) {
        if (this.#queue.length > 0) await this.#write();
        if (this.#wantsSync && this.#queue.length === 0) await this.#sync();
      }
      this.#hasFailed = false;
    } catch (error) {
      // Retried with the next append or flush.
      this.#wantsSync = false;
      if (!this.#hasFailed) this.#options.onFailed(messageOf(error));
      this.#hasFailed = true;
    } finally {
      // In the same turn as the last check of the queue, so that no append falls in between.
      this.#work = undefined;
    }
  }

  async #write(): Promise<void> {
    // A file that was only moved still has a link, and stays ours.
    if (this.#file !== undefined && (await this.#file.handle.stat()).nlink === 0) {
      this.#file = await this.#putBack(this.#file);
    }
    const file = (this.#file ??= await this.#open());
    // A copy, since the queue grows during the write.
    const lines = [...this.#queue];
    const bytes = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    if (this.#hasFailed) await file.handle.truncate(file.size);
    await file.handle.appendFile(bytes);
    file.size += bytes.length;
    this.#queue = this.#isAbandoned ? [] : this.#queue.slice(lines.length);
    this.#written += lines.length;
  }

  async #sync(): Promise<void> {
    const target = this.#written;
    this.#wantsSync = false;
    await this.#file?.handle.datasync();
    this.#synced = Math.max(target, this.#synced);
  }

  /**
   * Writes the content of a deleted file to a new one; throws where another process has created one
   * there.
   */
  async #putBack(gone: OpenFile): Promise<OpenFile> {
    const content = Buffer.alloc(gone.size);
    const { bytesRead } = await gone.handle.read(content, 0, gone.size, 0);
    const file = await this.#open(constants.O_EXCL);
    try {
      await file.handle.appendFile(content.subarray(0, bytesRead));
    } catch (error) {
      await file.handle.close();
      // A partial file would block the next attempt.
      await unlink(this.#options.file);
      throw error;
    }
    await gone.handle.close().catch(() => undefined);
    return { ...file, size: bytesRead };
  }

  async #open(flags = 0): Promise<OpenFile> {
    await this.#options.prepare();
    // Never through a link. Windows has no such flag, and it counts as 0.
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    const handle = await open(
      this.#options.file,
      O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | flags,
      0o600,
    );
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
