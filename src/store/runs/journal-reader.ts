import { parseEntry } from '../../core/run/journal/journal-entry.ts';
import type { RunEvent, RunState } from '../../core/run/run-events.ts';
import { foldJournal, JournalFold } from '../../core/run/journal/run-state.ts';
import { readPlainFile } from '../../disk/plain-file.ts';

export interface JournalContent {
  /** Undefined where no line starts this run. */
  readonly state: RunState | undefined;
  /** Lines that could not be read, an incomplete last line included. */
  readonly damaged: number;
  /** Epoch ms. */
  readonly modifiedAt: number;
}

// A run of 100,000 tasks writes about 60 MiB; a larger file, which may come from elsewhere, is read
// in part.
const MAX_BYTES = 256 * 1024 * 1024;
/** In bytes, read and parsed between two turns of the event loop: some milliseconds. */
const PIECE = 256 * 1024;
/** A little more than the longest line that `parseEntry` takes. */
const MAX_LINE = 33 * 1024 * 1024;
/** Journals are never replaced while they are read, but a checkout may do it once. */
const MAX_REPLACED = 3;
const LINE_FEED = 0x0a;

/**
 * Reads one journal, and after that only what was appended. Lines that are not events of this run
 * are skipped and counted.
 */
export class JournalReader {
  readonly #file: string;
  readonly #runId: string;
  #identity: string | undefined;
  /** In bytes: the end of the last complete line. */
  #offset = 0;
  #state: RunState | undefined;
  #damaged = 0;
  #reading: Promise<JournalContent | undefined> | undefined;

  constructor(file: string, runId: string) {
    this.#file = file;
    this.#runId = runId;
  }

  /**
   * Undefined where the file does not exist or may not be read. Concurrent calls share one read.
   */
  read(): Promise<JournalContent | undefined> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<JournalContent | undefined> {
    for (let replaced = 0; replaced < MAX_REPLACED; replaced++) {
      const content = await this.#readOn();
      if (content !== 'replaced') return content;
      this.#forget();
    }
    return undefined;
  }

  /** What was appended, piece by piece; `replaced` where it is not the file that was read before. */
  async #readOn(): Promise<JournalContent | 'replaced' | undefined> {
    const fold = new JournalFold(this.#state);
    let [from, damaged] = [this.#offset, this.#damaged];
    /** The line that has not ended yet. */
    let rest: Buffer[] = [];
    let restBytes = 0;
    let isTooLong = false;
    let modifiedAt = 0;
    for (;;) {
      const wanted = Math.min(PIECE, MAX_BYTES - from);
      const part = await readPlainFile(this.#file, from, wanted);
      if (part === undefined) return undefined;
      if (from > 0 && (part.identity !== this.#identity || part.size < from)) return 'replaced';
      this.#identity = part.identity;
      modifiedAt = part.modifiedAt;
      const { bytes } = part;
      const end = bytes.lastIndexOf(LINE_FEED);
      if (end !== -1) {
        const lines = Buffer.concat([...rest, bytes.subarray(0, end)])
          .toString('utf8')
          .split('\n');
        for (const [index, line] of lines.entries()) {
          const event = isTooLong && index === 0 ? undefined : this.#eventOf(line);
          if (event === undefined) damaged++;
          else fold.add(event);
        }
        [rest, restBytes, isTooLong] = [[], 0, false];
      }
      rest.push(bytes.subarray(end + 1));
      restBytes += bytes.length - end - 1;
      if (restBytes > MAX_LINE) {
        isTooLong = true;
        rest = [];
      }
      from += bytes.length;
      if (bytes.length < wanted || wanted === 0) break;
    }
    this.#state = fold.state;
    this.#damaged = damaged;
    this.#offset = from - restBytes;

    // The last line may be complete but for its line feed; it is read again the next time.
    const last = isTooLong ? undefined : this.#eventOf(Buffer.concat(rest).toString('utf8'));
    return {
      state: last === undefined ? this.#state : foldJournal([last], this.#state),
      damaged: this.#damaged + (restBytes > 0 && last === undefined ? 1 : 0),
      modifiedAt,
    };
  }

  #eventOf(line: string): RunEvent | undefined {
    const event = parseEntry(line);
    return event?.runId === this.#runId ? event : undefined;
  }

  #forget(): void {
    this.#offset = 0;
    this.#state = undefined;
    this.#damaged = 0;
  }
}
