import { parseEntry } from '../../core/run/journal/journal-entry.ts';
import type { RunEvent, RunState } from '../../core/run/run-events.ts';
import { foldJournal } from '../../core/run/journal/run-state.ts';
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
    let part = await readPlainFile(this.#file, this.#offset, MAX_BYTES - this.#offset);
    if (part === undefined) return undefined;
    if (this.#offset > 0 && (part.identity !== this.#identity || part.size < this.#offset)) {
      this.#forget();
      part = await readPlainFile(this.#file, 0, MAX_BYTES);
      if (part === undefined) return undefined;
    }
    this.#identity = part.identity;
    const end = part.bytes.lastIndexOf(LINE_FEED) + 1;
    const lines = end === 0 ? [] : part.bytes.toString('utf8', 0, end - 1).split('\n');
    const events = this.#eventsOf(lines);
    this.#damaged += lines.length - events.length;
    this.#state = foldJournal(events, this.#state);
    this.#offset += end;

    // The last line may be complete but for its line feed; it is read again the next time.
    const rest = part.bytes.toString('utf8', end);
    const last = rest === '' ? [] : this.#eventsOf([rest]);
    return {
      state: foldJournal(last, this.#state),
      damaged: this.#damaged + (rest !== '' && last.length === 0 ? 1 : 0),
      modifiedAt: part.modifiedAt,
    };
  }

  #eventsOf(lines: readonly string[]): readonly RunEvent[] {
    return lines.flatMap((line) => {
      const event = parseEntry(line);
      return event?.runId === this.#runId ? [event] : [];
    });
  }

  #forget(): void {
    this.#offset = 0;
    this.#state = undefined;
    this.#damaged = 0;
  }
}
