import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Emitter, type Event } from '../../core/events.ts';
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
import { faultOfError, type FileFault } from '../../disk/file-fault.ts';
import { readWhole } from '../../disk/read-whole.ts';
import { whyNotWritten } from '../../disk/within.ts';
import { RACY_MS, isOlder, stampOf } from '../read/file-stamp.ts';
import { PolledFolderWatch } from '../files/polled-folder-watch.ts';
import { appendEntry, removeEntry, setEntryStatus } from './handoff-patch.ts';
import { HANDOFFS, readHandoffs } from './handoff-reader.ts';
import { parseJson } from '../read/parse-json.ts';
import { inTurn, patchJsonFile, type Patch } from './patch-file.ts';
import { replaceFile } from '../../disk/replace-file.ts';
import { formatRfc3339 } from '../write/rfc3339.ts';
import { tryWrite } from '../../core/try-write.ts';

export interface HandoffsOptions {
  /** `handoffs.json`, absolute. */
  readonly file: string;
  /** The folder that links may not lead out of; without it that of the file. */
  readonly root?: string;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly host: string;
}

/**
 * exarp-go truncates the file and then fills it: an unreadable file may be whole a moment later.
 */
const MAX_FRESH_READS = 3;
/** It holds at most twenty snapshots of whole backlogs; a larger file is not a handoffs file. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Opens the handoffs of a store and follows the file, which need not exist.
 *
 * exarp-go keeps the last twenty handoffs when it writes; we delete one only on request.
 */
export function openHandoffs(options: HandoffsOptions): Handoffs {
  return new HandoffFile(options);
}

class HandoffFile implements Handoffs {
  readonly onDidChange: Event<undefined>;
  readonly #options: HandoffsOptions;
  readonly #changed = new Emitter<undefined>();
  readonly #watch: PolledFolderWatch;
  #state: HandoffsState = NO_HANDOFFS;
  #stamp = '';
  #freshReads = 0;

  constructor(options: HandoffsOptions) {
    this.#options = options;
    this.onDidChange = this.#changed.event;
    this.#watch = new PolledFolderWatch({
      folder: dirname(options.file),
      clock: options.clock,
      concerns: (name) => name === basename(options.file),
      look: () => this.#look(),
    });
  }

  get #root(): string {
    return this.#options.root ?? dirname(this.#options.file);
  }

  get state(): HandoffsState {
    return this.#state;
  }

  refresh(): Promise<void> {
    return this.#watch.look();
  }

  async write(draft: HandoffDraft): Promise<Result<string, Failure>> {
    const { file, clock, random, host } = this.#options;
    const now = clock.now();
    let id = '';
    const append = (text: string): Patch<'noList'> => {
      id = newHandoffId(now, random, new Set(text.match(/handoff-\d+/g) ?? []));
      const patched = appendEntry(
        text,
        handoffEntry(draft, { id, timestamp: formatRfc3339(now), host }),
      );
      return patched === undefined ? { refused: 'noList' } : { text: patched };
    };
    let done = await patchJsonFile(file, append, this.#root, parseJson);
    if (done.ok && done.value === 'noFile') {
      const first = append('{}');
      const made = await inTurn(file, () =>
        createFile(file, this.#root, 'text' in first ? first.text : ''),
      );
      if (!made.ok) return made;
      // Another process may have created the file at the same moment.
      done = made.value ? ok('patched') : await patchJsonFile(file, append, this.#root, parseJson);
    }
    await this.refresh();
    if (!done.ok) return done;
    if (typeof done.value !== 'string') return fail(noList(file));
    // A file that was deleted between creation and our write fails like one deleted earlier.
    if (done.value === 'noFile')
      return fail({ kind: 'writeFailed', file, detail: 'it was removed meanwhile' });
    return ok(id);
  }

  setStatus(
    handoff: Handoff,
    to: Exclude<HandoffStatus, 'other'>,
  ): Promise<Result<undefined, Failure>> {
    return this.#change(handoff, (text) => setEntryStatus(text, handoff.entry, to));
  }

  remove(handoff: Handoff): Promise<Result<undefined, Failure>> {
    return this.#change(handoff, (text) => removeEntry(text, handoff.entry));
  }

  dispose(): void {
    this.#watch.dispose();
    this.#changed.dispose();
  }

  async #change(
    handoff: Handoff,
    patch: (text: string) => string | undefined,
  ): Promise<Result<undefined, Failure>> {
    const done = await patchJsonFile(
      this.#options.file,
      (text): Patch<'notThere'> => {
        const patched = patch(text);
        return patched === undefined ? { refused: 'notThere' } : { text: patched };
      },
      this.#root,
      parseJson,
    );
    await this.refresh();
    if (!done.ok) return done;
    const isThere = done.value === 'patched' || done.value === 'unchanged';
    return isThere
      ? ok(undefined)
      : fail({ kind: 'handoffChanged', id: handoff.id || handoff.key });
  }

  async #look(): Promise<void> {
    const read = await this.#read(this.#state);
    if (read === undefined || this.#watch.isDisposed) return;
    this.#state = read;
    this.#changed.fire(undefined);
  }

  /** Undefined where nothing has changed. */
  async #read(before: HandoffsState): Promise<HandoffsState | undefined> {
    const { file, clock } = this.#options;
    try {
      const found = await stat(file, { bigint: true });
      const stamp = stampOf(found);
      if (stamp === this.#stamp) return undefined;
      const isFresh = !isOlder(found, clock.now(), RACY_MS);
      this.#stamp = isFresh ? '' : stamp;
      const whole = await readWhole(file, { root: this.#root, mostBytes: MAX_BYTES });
      if (!whole.ok) return changed(before, unreadable(file, whole.failure));
      if (whole.value === undefined) return changed(before, NO_HANDOFFS);
      const read = readHandoffs(whole.value.bytes);
      if (read.ok) return changed(before, read.value);
      if (isFresh && ++this.#freshReads < MAX_FRESH_READS) return undefined;
      this.#freshReads = 0;
      return changed(before, unreadable(file, read.failure));
    } catch (error) {
      this.#stamp = '';
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return changed(before, NO_HANDOFFS);
      return changed(before, unreadable(file, faultOfError(error)));
    }
  }
}

/**
 * Creates the file where `.todo2` exists; only initialising a store creates that folder. False
 * where the file exists by now.
 */
function createFile(file: string, root: string, text: string): Promise<Result<boolean, Failure>> {
  const why = whyNotWritten(root, file);
  if (why !== undefined) return Promise.resolve(fail({ kind: 'writeFailed', file, detail: why }));
  return tryWrite(file, () => replaceFile(file, `${text}\n`, undefined, () => !existsSync(file)));
}

function unreadable(file: string, fault: FileFault): HandoffsState {
  return { kind: 'unreadable', failure: { kind: 'unreadable', file, ...fault } };
}

function noList(file: string): Failure {
  return { kind: 'unreadable', file, cause: 'malformed', detail: `no list named "${HANDOFFS}"` };
}

function changed(before: HandoffsState, now: HandoffsState): HandoffsState | undefined {
  return JSON.stringify(before) === JSON.stringify(now) ? undefined : now;
}
