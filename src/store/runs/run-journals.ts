import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disposable } from '../../core/events.ts';
import type { Failure } from '../../core/failure.ts';
import type { LeaderRequest } from '../../core/ports.ts';
import { mapOk, type Result } from '../../core/result.ts';
import type { RunState } from '../../core/run/run-events.ts';
import { JournalFollower } from './journal-follower.ts';
import { JournalReader } from './journal-reader.ts';
import { JournalWriter } from './journal-writer.ts';
import { LeaderRequests, writeLeaderRequest } from './leader-requests.ts';
import { RunFolder } from './run-folder.ts';
import { type RunLeader, RunLead, type RunLeadOptions } from './run-lead.ts';
import { messageOf } from '../../core/text.ts';
import { tryWrite } from '../../core/try-write.ts';

export interface RunJournalsOptions extends Omit<RunLeadOptions, 'folder'> {
  /** The folder that contains `.todo2`, absolute. */
  readonly root: string;
  readonly log: (line: string) => void;
}

/** A run as recorded in its files. */
export interface RunRecord {
  readonly runId: string;
  readonly state: RunState;
  /** Journal lines that could not be read. */
  readonly damaged: number;
  readonly lead: RunLeader['lead'];
  /** See `RunLeader`. */
  readonly leaderGoneForMs: number | undefined;
  /** Time of the last write, epoch ms. */
  readonly modifiedAt: number;
}

/** Callbacks for problems of a journal that this window writes. */
export interface WriterTroubles {
  /** Writing fails at the moment; the run continues. */
  readonly onFailed: (failure: Failure) => void;
  /** Another window leads the run now: this window must stop driving it. */
  readonly onLost: () => void;
}

/**
 * Budget for all large journals of one list: they may come from elsewhere, and reading more would
 * block the window.
 */
const MAX_LISTED_BYTES = 256 * 1024 * 1024;
const SMALL_BYTES = 1024 * 1024;
/** The form of our own ids: only our own files are ever deleted. */
const OUR_ID = /^\d{8}T\d{6}-[0-9a-f]{6,}$/;
/** The files that we write to the folder of a run, with temporary files of a killed process. */
const OUR_FILE =
  /^(?:\d+\.(?:prompt\.md|log|stop)|wave-\d+\.(?:log|mark)|asks\.jsonl|\.?(?:\d+\.state|lead\.\d+)\.json(?:\.[0-9a-f-]{36}\.tmp)?)$/;

/**
 * The journals of all runs of one backlog, and their leaders. The files may come with a downloaded
 * folder: they are validated, never followed out of the folder, and never start anything.
 */
export class RunJournals implements Disposable {
  readonly #options: RunJournalsOptions;
  /** Where the files of all runs are. */
  readonly folder: RunFolder;
  readonly #lead: RunLead;
  readonly #readers = new Map<string, JournalReader>();
  readonly #followers = new Set<Disposable>();

  constructor(options: RunJournalsOptions) {
    this.#options = options;
    this.folder = new RunFolder(options.root);
    this.#lead = new RunLead({ ...options, folder: this.folder });
  }

  /**
   * A journal to append to. This window takes the lead before the first line is written, so that no
   * run is ever without a leader.
   */
  open(runId: string, { onFailed, onLost }: WriterTroubles): JournalWriter {
    const file = this.folder.journalOf(runId);
    const lost = (): void => {
      writer.abandon();
      onLost();
    };
    const writer = new JournalWriter({
      file,
      prepare: async () => {
        if (!(await this.lead(runId, lost)))
          throw new Error('the lead of this run is not available');
      },
      onFailed: (detail) => onFailed({ kind: 'writeFailed', file, detail }),
    });
    return writer;
  }

  /**
   * Takes the lead of a run, unless another window has it. False also where the folder cannot be
   * written; the log says why.
   */
  async lead(runId: string, onLost: () => void): Promise<boolean> {
    const prepared = await this.folder.prepareRun(runId);
    if (!prepared.ok) {
      this.#options.log(
        `The folder of run ${runId} cannot be used: ${JSON.stringify(prepared.failure)}`,
      );
      return false;
    }
    try {
      return await this.#lead.lead(runId, onLost);
    } catch (error) {
      this.#options.log(`Run ${runId} cannot be led: ${messageOf(error)}`);
      return false;
    }
  }

  /** Gives up the lead of a run that has ended. */
  release(runId: string): Promise<void> {
    return this.#lead.release(runId);
  }

  /** Gives up all leads when the window closes, so that another window can take over at once. */
  leave(): Promise<void> {
    return this.#lead.leave();
  }

  /** Reads what is new of one run; undefined where it cannot be read. */
  async read(runId: string): Promise<RunRecord | undefined> {
    if (!(await this.folder.isSound(runId))) return undefined;
    let reader = this.#readers.get(runId);
    if (reader === undefined) {
      reader = new JournalReader(this.folder.journalOf(runId), runId);
      this.#readers.set(runId, reader);
    }
    const [content, { lead, goneForMs }] = await Promise.all([
      reader.read(),
      this.#lead.leaderOf(runId),
    ]);
    if (content?.state === undefined) {
      this.#readers.delete(runId);
      return undefined;
    }
    const { state, damaged, modifiedAt } = content;
    // An ended run no longer grows, and its state is too large to keep.
    if (state.phase === 'ended') this.#readers.delete(runId);
    return { runId, state, damaged, lead, leaderGoneForMs: goneForMs, modifiedAt };
  }

  /** The most recently written runs, latest first; journals beyond the size budget are left out. */
  async list(limit: number): Promise<readonly RunRecord[]> {
    const records: RunRecord[] = [];
    let left = MAX_LISTED_BYTES;
    for (const { runId, size } of await this.#newest()) {
      if (records.length === limit) break;
      // Small journals are always read, so that a large one cannot hide a run.
      if (size > Math.max(left, SMALL_BYTES)) continue;
      if (size > SMALL_BYTES) left -= size;
      const record = await this.read(runId);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /**
   * Reports each journal that other windows wrote to, and runs that lost their leader. Looks every
   * second.
   */
  follow(onChange: (runId: string) => void): Disposable {
    const follower = new JournalFollower({
      folder: this.folder,
      clock: this.#options.clock,
      leaderOf: (runId) => this.#lead.leaderOf(runId),
      leads: (runId) => this.#lead.leads(runId),
      onChange,
    });
    this.#followers.add(follower);
    return follower;
  }

  /** Sends a request to the window that leads a run. Fails with `writeFailed`. */
  async ask(runId: string, request: LeaderRequest): Promise<Result<undefined, Failure>> {
    const prepared = await this.folder.prepareRun(runId);
    if (!prepared.ok) return prepared;
    const file = this.#asksOf(runId);
    const now = this.#options.clock.now();
    return mapOk(
      await tryWrite(file, () => writeLeaderRequest(file, request, now)),
      () => undefined,
    );
  }

  /** Listens for requests of other windows while this one leads the run. */
  onAsk(runId: string, listener: (request: LeaderRequest) => void): LeaderRequests {
    const asks = new LeaderRequests(this.#asksOf(runId), this.#options.clock, (request) => {
      if (this.#lead.leads(runId)) listener(request);
    });
    this.#followers.add(asks);
    return asks;
  }

  /**
   * Deletes the journals and logs of ended runs but the latest `keep`, and returns how many. Files
   * of other programs stay.
   */
  async prune(keep: number): Promise<number> {
    let gone = 0;
    for (const { runId } of (await this.#newest()).slice(keep)) {
      if (!OUR_ID.test(runId)) continue;
      const record = await this.read(runId);
      if (record?.state.phase !== 'ended' || record.lead !== 'none') continue;
      try {
        // The folder first: without its journal the run would never be found again.
        await removeOurs(this.folder.folderOf(runId));
        await rm(this.folder.journalOf(runId), { force: true });
        gone++;
      } catch (error) {
        this.#options.log(`Run ${runId} cannot be deleted: ${messageOf(error)}`);
      }
    }
    return gone;
  }

  /** Releases timers and watchers; see `leave` for the runs. */
  dispose(): void {
    for (const follower of this.#followers) follower.dispose();
    this.#followers.clear();
  }

  #asksOf(runId: string): string {
    return join(this.folder.folderOf(runId), 'asks.jsonl');
  }

  async #newest(): Promise<readonly Found[]> {
    if (!(await this.folder.isSound())) return [];
    const ids = await this.folder.runIds();
    const found = await Promise.all(ids.map((runId) => find(this.folder.journalOf(runId), runId)));
    return found.flat().sort((a, b) => b.at - a.at || (a.runId < b.runId ? 1 : -1));
  }
}

async function removeOurs(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (OUR_FILE.test(name)) await rm(join(folder, name), { force: true });
  // The folder is not empty where it has files of other programs, and missing where nothing was
  // written.
  await rmdir(folder).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  });
}

interface Found {
  readonly runId: string;
  /** Time of the last write, epoch ms. */
  readonly at: number;
  readonly size: number;
}

async function find(file: string, runId: string): Promise<readonly Found[]> {
  const found = await lstat(file).catch(() => undefined);
  return found?.isFile() === true ? [{ runId, at: found.mtimeMs, size: found.size }] : [];
}
