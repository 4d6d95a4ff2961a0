import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Emitter, type Disposable, type Event } from '../../core/events.ts';
import type { Failure } from '../../core/failure.ts';
import {
  handoffEntry,
  newHandoffId,
  NO_HANDOFFS,
  type Handoff,
  type HandoffDraft,
  type Handoffs,
  type HandoffsState,
  type HandoffStatus,
} from '../../core/handoff.ts';
import type { Clock } from '../../core/ports.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { causeOfError } from '../read/file-fault.ts';
import { RACY_MS, isOlder, stampOf } from '../read/file-stamp.ts';
import { FolderWatch } from '../files/folder-watch.ts';
import { appendEntry, removeEntry, setEntryStatus } from './handoff-patch.ts';
import { HANDOFFS, readHandoffs } from './handoff-reader.ts';
import { inTurn, patchJsonFile, type Patch } from './patch-file.ts';
import { replaceFile } from '../files/replace-file.ts';
import { formatRfc3339 } from '../write/rfc3339.ts';
import { messageOf } from '../../core/text.ts';

export interface HandoffsOptions {
  /** `handoffs.json`, absolute. */
  readonly file: string;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly host: string;
}

/** A look is one call for the time of a file; what the watcher tells shows sooner. */
const POLL_MS = 2_000;
const DEBOUNCE_MS = 30;
/** exarp-go empties the file and then fills it: what cannot be read at first may be whole a moment later. */
const LOOKS = 3;
/** Snapshots of whole backlogs are in there, twenty at most; anything larger is no such file. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Opens the handoffs of a store; the file need not exist. Reads at once, and from then on by itself.
 *
 * exarp-go keeps the last twenty handoffs when it writes; we never take one away unless asked to.
 */
export function openHandoffs(options: HandoffsOptions): Handoffs {
  return new HandoffFile(options);
}

class HandoffFile implements Handoffs {
  readonly onDidChange: Event<undefined>;
  readonly #options: HandoffsOptions;
  readonly #changed = new Emitter<undefined>();
  readonly #watch: FolderWatch;
  #state: HandoffsState = NO_HANDOFFS;
  #stamp = '';
  #looksInVain = 0;
  #running: Promise<void> = Promise.resolve();
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(options: HandoffsOptions) {
    this.#options = options;
    this.onDidChange = this.#changed.event;
    const name = basename(options.file);
    this.#watch = new FolderWatch(dirname(options.file), (changed) => {
      if (changed === null || changed === name) this.#lookIn(DEBOUNCE_MS);
    });
    void this.refresh();
  }

  get state(): HandoffsState {
    return this.#state;
  }

  refresh(): Promise<void> {
    this.#running = this.#running.catch(() => undefined).then(() => this.#look());
    return this.#running;
  }

  async write(draft: HandoffDraft): Promise<Result<string, Failure>> {
    const { file, clock, random, host } = this.#options;
    const now = clock.now();
    let id = '';
    const append = (text: string): Patch<'noList'> => {
      id = newHandoffId(now, random, new Set(text.match(/handoff-\d+/g) ?? []));
      const patched = appendEntry(text, handoffEntry(draft, { id, timestamp: formatRfc3339(now), host }));
      return patched === undefined ? { refused: 'noList' } : { text: patched };
    };
    let done = await patchJsonFile(file, append);
    if (done.ok && done.value === 'noFile') {
      const first = append('{}');
      const made = await inTurn(file, () => createFile(file, 'text' in first ? first.text : ''));
      if (!made.ok) return made;
      // Somebody else may have made one at the same moment.
      done = made.value ? ok('patched') : await patchJsonFile(file, append);
    }
    await this.refresh();
    if (!done.ok) return done;
    if (typeof done.value !== 'string') return fail(noList(file));
    // Whoever took the file away between its making and our writing gets no other answer than one who does it afterwards.
    if (done.value === 'noFile') return fail({ kind: 'writeFailed', file, detail: 'it was removed meanwhile' });
    return ok(id);
  }

  setStatus(handoff: Handoff, to: Exclude<HandoffStatus, 'other'>): Promise<Result<undefined, Failure>> {
    return this.#change(handoff, (text) => setEntryStatus(text, handoff.entry, to));
  }

  remove(handoff: Handoff): Promise<Result<undefined, Failure>> {
    return this.#change(handoff, (text) => removeEntry(text, handoff.entry));
  }

  dispose(): void {
    this.#disposed = true;
    this.#timer?.dispose();
    this.#watch.dispose();
    this.#changed.dispose();
  }

  async #change(handoff: Handoff, patch: (text: string) => string | undefined): Promise<Result<undefined, Failure>> {
    const done = await patchJsonFile(this.#options.file, (text): Patch<'notThere'> => {
      const patched = patch(text);
      return patched === undefined ? { refused: 'notThere' } : { text: patched };
    });
    await this.refresh();
    if (!done.ok) return done;
    const isThere = done.value === 'patched' || done.value === 'unchanged';
    return isThere ? ok(undefined) : fail({ kind: 'handoffChanged', id: handoff.id || handoff.key });
  }

  async #look(): Promise<void> {
    if (this.#disposed) return;
    this.#timer?.dispose();
    this.#timer = undefined;
    this.#watch.ensure();
    const before = this.#state;
    const read = await this.#read(before);
    if (this.#isDisposed()) return;
    if (read !== undefined) {
      this.#state = read;
      this.#changed.fire(undefined);
    }
    this.#lookIn(POLL_MS);
  }

  /** Undefined where the file is what it was. */
  async #read(before: HandoffsState): Promise<HandoffsState | undefined> {
    const { file, clock } = this.#options;
    try {
      const found = await stat(file, { bigint: true });
      const stamp = stampOf(found);
      if (stamp === this.#stamp) return undefined;
      const isFresh = !isOlder(found, clock.now(), RACY_MS);
      this.#stamp = isFresh ? '' : stamp;
      if (!found.isFile() || found.size > MAX_BYTES) {
        const detail = found.isFile() ? `larger than ${MAX_BYTES} bytes` : 'not a file';
        return changed(before, { kind: 'unreadable', failure: { kind: 'unreadable', file, cause: 'io', detail } });
      }
      const read = readHandoffs(await readFile(file));
      if (read.ok) return changed(before, read.value);
      if (isFresh && ++this.#looksInVain < LOOKS) {
        this.#lookIn(DEBOUNCE_MS);
        return undefined;
      }
      this.#looksInVain = 0;
      return changed(before, { kind: 'unreadable', failure: { kind: 'unreadable', file, ...read.failure } });
    } catch (error) {
      this.#stamp = '';
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return changed(before, NO_HANDOFFS);
      const detail = messageOf(error);
      const failure = { kind: 'unreadable', file, cause: causeOfError(error), detail } as const;
      return changed(before, { kind: 'unreadable', failure });
    }
  }

  /** After that time, or earlier where that is planned already. */
  #lookIn(ms: number): void {
    if (this.#isDisposed()) return;
    if (this.#timer !== undefined && ms === POLL_MS) return;
    this.#timer?.dispose();
    this.#timer = this.#options.clock.after(ms, () => {
      this.#timer = undefined;
      void this.refresh();
    });
  }

  /** A question, as the answer may change over an `await`. */
  #isDisposed(): boolean {
    return this.#disposed;
  }
}

/** Makes the file, in a store that is there: nobody but who initialises a store makes a `.todo2`. False where there is one by now. */
async function createFile(file: string, text: string): Promise<Result<boolean, Failure>> {
  try {
    return ok(await replaceFile(file, `${text}\n`, undefined, () => !existsSync(file)));
  } catch (error) {
    return fail({ kind: 'writeFailed', file, detail: messageOf(error) });
  }
}

function noList(file: string): Failure {
  return { kind: 'unreadable', file, cause: 'malformed', detail: `no list named "${HANDOFFS}"` };
}

function changed(before: HandoffsState, now: HandoffsState): HandoffsState | undefined {
  return JSON.stringify(before) === JSON.stringify(now) ? undefined : now;
}
