import { randomUUID } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, LostWindow, Processes, WindowRecords } from '../../core/ports.ts';
import {
  type FieldsOf,
  listOf,
  objectOf,
  orNull,
  parseAs,
  positive,
  someText,
} from '../../core/shape.ts';
import { taskIdShape as id } from '../../core/task-id-shape.ts';
import type { TaskId } from '../../core/task.ts';
import { readWhole } from '../../disk/read-whole.ts';
import { isProcessAlive } from '../../disk/process-identity.ts';
import { removeFile, replaceFile } from '../../disk/replace-file.ts';

export interface WindowRecordsOptions {
  /** The folder of the records of all windows of one workspace, absolute; created when needed. */
  readonly folder: string;
  /** The store whose locks are recorded: a folder may have records of several. */
  readonly store: string;
  readonly holder: string;
  readonly pid: number;
  readonly processes: Processes;
  /** See `processes.ts`. */
  readonly processStartTime: (pid: number) => Promise<string | undefined>;
  readonly clock: Clock;
}

/** The record of a window; `begin` is null where the system does not report it. */
const RECORD = {
  store: someText,
  holder: someText,
  host: someText,
  pid: positive,
  begin: orNull(someText),
  ids: listOf(id),
};
const record = objectOf<FieldsOf<typeof RECORD>>(RECORD);
type WindowRecord = FieldsOf<typeof RECORD>;

/** More than the ids of a hundred thousand tasks take. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Records this old are deleted: no lease is that long. */
const KEEP_MS = 7 * 24 * 60 * 60_000;

/**
 * One small file per window and store with the user's locks, so that the next window after a reload
 * or a crash finds them. A window counts as gone when its process is gone; the age of its file does
 * not matter.
 */
export class WindowRecordFiles implements WindowRecords {
  readonly #options: WindowRecordsOptions;
  readonly #name = `${randomUUID()}.json`;
  #writing: Promise<void> = Promise.resolve();
  #isThere = false;

  constructor(options: WindowRecordsOptions) {
    this.#options = options;
  }

  write(ids: readonly TaskId[]): Promise<void> {
    const writing = this.#writing.then(() => this.#write(ids));
    this.#writing = writing.catch(() => undefined);
    return writing;
  }

  async lost(): Promise<{ readonly windows: readonly LostWindow[]; readonly othersLive: boolean }> {
    const windows: LostWindow[] = [];
    let othersLive = false;
    for (const { file, record, modifiedAt } of await this.#read()) {
      const isOld = this.#options.clock.now() - modifiedAt > KEEP_MS;
      const isForeign = record !== undefined && record.host !== this.#options.processes.hostname;
      if (record === undefined || isForeign) {
        if (isOld) await removeFile(file);
      } else if (await isProcessAlive(record, this.#options)) {
        if (record.store === this.#options.store) othersLive = true;
      } else if (record.store === this.#options.store) {
        windows.push({ holder: record.holder, ids: record.ids, discard: () => removeFile(file) });
      } else if (isOld) {
        await removeFile(file);
      }
    }
    return { windows, othersLive };
  }

  async #write(ids: readonly TaskId[]): Promise<void> {
    const { folder, store, holder, pid, processes, processStartTime } = this.#options;
    const file = join(folder, this.#name);
    if (ids.length === 0) {
      if (this.#isThere) await removeFile(file);
      this.#isThere = false;
      return;
    }
    const begin = (await processStartTime(pid)) ?? null;
    const record: WindowRecord = { store, holder, host: processes.hostname, pid, begin, ids };
    if (!this.#isThere) await mkdir(folder, { recursive: true });
    await replaceFile(file, JSON.stringify(record), 0o600);
    this.#isThere = true;
  }

  async #read(): Promise<
    readonly { file: string; record: WindowRecord | undefined; modifiedAt: number }[]
  > {
    const names = await readdir(this.#options.folder).catch(() => []);
    const found = await Promise.all(
      names
        .filter((name) => name !== this.#name)
        .map(async (name) => {
          const file = join(this.#options.folder, name);
          const read = await readWhole(file, { mostBytes: MAX_BYTES });
          // Another window has just handled it, or it is none of ours.
          if (!read.ok || read.value === undefined) return [];
          const { bytes, stat } = read.value;
          const modifiedAt = Number(stat.mtimeMs);
          return [{ file, record: parseAs(record, bytes.toString('utf8')), modifiedAt }];
        }),
    );
    return found.flat();
  }
}
