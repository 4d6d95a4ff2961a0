import { randomUUID } from 'node:crypto';
import { link, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Disposable } from '../../core/events.ts';
import type { Clock, Processes } from '../../core/ports.ts';
import {
  flag,
  objectOf,
  orNull,
  parseAs,
  positive,
  text,
  type FieldsOf,
} from '../../core/shape.ts';
import { readPlainFile } from '../../disk/plain-file.ts';
import { isProcessAlive } from '../../disk/process-identity.ts';
import { removeFile, replaceFile } from '../../disk/replace-file.ts';
import type { RunFolder } from './run-folder.ts';

export interface RunLeadOptions {
  readonly folder: RunFolder;
  readonly pid: number;
  readonly processes: Processes;
  /** See `processes.ts`. */
  readonly processStartTime: (pid: number) => Promise<string | undefined>;
  readonly clock: Clock;
}

/** Who leads a run. */
export interface RunLeader {
  readonly lead: 'ours' | 'other' | 'none';
  /**
   * With `none`: time in ms since the last leader on this machine was alive; undefined where there
   * was none.
   */
  readonly goneForMs: number | undefined;
}

/** The record of a leader, one file per leader. */
const FLAG = {
  pid: positive,
  /** Process start time; null where the system does not report it. */
  begin: orNull(text),
  host: text,
  /** Unique to this `RunLead`. */
  key: text,
  /** The lead was given up; the process may still run. */
  left: flag,
};
const flagShape = objectOf<FieldsOf<typeof FLAG>>(FLAG);
type Flag = FieldsOf<typeof FLAG>;

interface FoundFlag {
  readonly number: number;
  readonly file: string;
  /** Undefined where it cannot be read. */
  readonly flag: Flag | undefined;
  readonly modifiedAt: number;
}

/**
 * Short enough that a leader on another machine, whose process cannot be checked, does not count as
 * gone.
 */
const REFRESH_MS = 30_000;
const FOREIGN_GONE_MS = 120_000;
/**
 * Clocks of two machines do not differ by this much: a later flag is forged, and would count for
 * ever.
 */
const MAX_AHEAD_MS = 24 * 3_600_000;
/** How long a flag may be incomplete, where the file system has no atomic creation. */
const HALF_WRITTEN_MS = 10_000;
const ATTEMPTS = 20;
const MAX_FLAG_BYTES = 4096;
const FLAG_NAME = /^lead\.([1-9]\d{0,8})\.json$/;

/**
 * Elects one leader per run among windows.
 *
 * Each leader has a flag in the run's folder, `lead.<n>.json`, with the number after the highest. A
 * flag is created atomically and never overwrites one, so of windows that see the same state, one
 * succeeds. Another window may have seen an older state: after raising its flag, a window looks
 * again, and leads only where every other flag is of a leader that is gone. Of two windows that
 * raised flags at the same time, the later one sees the other.
 */
export class RunLead {
  readonly #options: RunLeadOptions;
  readonly #key = randomUUID();
  readonly #led = new Map<
    string,
    { readonly file: string; refresh: Disposable; onLost: () => void }
  >();
  readonly #trying = new Map<string, Promise<boolean>>();

  constructor(options: RunLeadOptions) {
    this.#options = options;
  }

  /**
   * Takes the lead of a run whose folder exists, unless another window has it. `onLost` is called
   * when the lead is lost later; the latest one that was given counts.
   */
  async lead(runId: string, onLost: () => void): Promise<boolean> {
    const led = this.#led.get(runId);
    if (led !== undefined) {
      led.onLost = onLost;
      return true;
    }
    const trying =
      this.#trying.get(runId) ?? this.#try(runId, onLost).finally(() => this.#trying.delete(runId));
    this.#trying.set(runId, trying);
    return trying;
  }

  leads(runId: string): boolean {
    return this.#led.has(runId);
  }

  async leaderOf(runId: string): Promise<RunLeader> {
    if (this.#led.has(runId)) return { lead: 'ours', goneForMs: undefined };
    let goneAt: number | undefined;
    for (const found of await this.#flags(runId)) {
      if (await this.#isAlive(found)) return { lead: 'other', goneForMs: undefined };
      if (found.flag?.host === this.#options.processes.hostname)
        goneAt = Math.max(goneAt ?? 0, found.modifiedAt);
    }
    const goneForMs =
      goneAt === undefined ? undefined : Math.max(0, this.#options.clock.now() - goneAt);
    return { lead: 'none', goneForMs };
  }

  /** Gives up the lead of a run that has ended. */
  async release(runId: string): Promise<void> {
    const led = this.#led.get(runId);
    if (led === undefined) return;
    led.refresh.dispose();
    await removeFile(led.file);
    this.#led.delete(runId);
  }

  /**
   * Gives up all leads of runs that continue without this window: another one may take over at
   * once.
   */
  async leave(): Promise<void> {
    const led = [...this.#led.values()];
    this.#led.clear();
    for (const { refresh } of led) refresh.dispose();
    const flag = JSON.stringify(await this.#flag(true));
    // If that fails, the end of our process has the same effect.
    await Promise.all(led.map(({ file }) => replaceFile(file, flag, 0o600).catch(() => undefined)));
  }

  async #try(runId: string, onLost: () => void): Promise<boolean> {
    const text = JSON.stringify(await this.#flag(false));
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = await this.#flags(runId);
      if ((await this.#living(before)).length > 0) return false;
      const number = 1 + Math.max(0, ...before.map((found) => found.number));
      const file = join(this.#options.folder.folderOf(runId), `lead.${number}.json`);
      if (!(await raise(file, text))) continue;

      const after = await this.#flags(runId);
      const isThere = after.some((found) => found.file === file && found.flag?.key === this.#key);
      const others = after.filter((found) => found.file !== file);
      if (isThere && (await this.#living(others)).length === 0) {
        this.#led.set(runId, { file, onLost, refresh: this.#refreshLater(runId, file) });
        // While our flag is up no other window raises one, so these are still those that we saw.
        for (const other of others) await removeFile(other.file);
        return true;
      }
      if (isThere) await removeFile(file);
      // Random, so that two windows that yielded to each other do not do so again.
      await wait(5 + Math.random() * 20 * attempt);
    }
    return false;
  }

  async #raiseAgain(runId: string, onLost: () => void): Promise<boolean> {
    const prepared = await this.#options.folder.prepareRun(runId);
    try {
      return prepared.ok && (await this.#try(runId, onLost));
    } catch {
      return false; // not writable, so other windows cannot be kept from leading either
    }
  }

  #refreshLater(runId: string, file: string): Disposable {
    return this.#options.clock.after(REFRESH_MS, () => void this.#refresh(runId, file));
  }

  async #refresh(runId: string, file: string): Promise<void> {
    const led = this.#led.get(runId);
    if (led?.file !== file) return;
    const part = await readPlainFile(file, 0, MAX_FLAG_BYTES);
    // Another machine may have taken over while this one was suspended.
    if (part === undefined || parseAs(flagShape, part.bytes.toString('utf8'))?.key !== this.#key) {
      if (this.#led.get(runId) !== led) return;
      // Without a successor the flag was only deleted, for example by a clean-up of the folder.
      if (part === undefined && (await this.#raiseAgain(runId, led.onLost))) return;
      this.#led.delete(runId);
      led.onLost();
      return;
    }
    const now = new Date(this.#options.clock.now());
    // A failure matters only to windows on other machines.
    await utimes(file, now, now).catch(() => undefined);
    if (this.#led.get(runId) === led) led.refresh = this.#refreshLater(runId, file);
  }

  async #flag(left: boolean): Promise<Flag> {
    const { pid, processes, processStartTime } = this.#options;
    return {
      pid,
      begin: (await processStartTime(pid)) ?? null,
      host: processes.hostname,
      key: this.#key,
      left,
    };
  }

  async #flags(runId: string): Promise<readonly FoundFlag[]> {
    const folder = this.#options.folder.folderOf(runId);
    const names = await readdir(folder).catch(() => []);
    const found = await Promise.all(
      names.map(async (name): Promise<FoundFlag[]> => {
        const number = FLAG_NAME.exec(name)?.[1];
        if (number === undefined) return [];
        const file = join(folder, name);
        const part = await readPlainFile(file, 0, MAX_FLAG_BYTES);
        if (part === undefined) return []; // deleted meanwhile, or not a flag
        const { modifiedAt } = part;
        return [
          {
            number: Number(number),
            file,
            flag: parseAs(flagShape, part.bytes.toString('utf8')),
            modifiedAt,
          },
        ];
      }),
    );
    return found.flat();
  }

  async #living(flags: readonly FoundFlag[]): Promise<readonly FoundFlag[]> {
    const alive = await Promise.all(flags.map((found) => this.#isAlive(found)));
    return flags.filter((_, index) => alive[index]);
  }

  async #isAlive({ flag, modifiedAt }: FoundFlag): Promise<boolean> {
    const age = this.#options.clock.now() - modifiedAt;
    if (flag === undefined) return age < HALF_WRITTEN_MS;
    if (flag.left || age < -MAX_AHEAD_MS) return false;
    if (flag.host !== this.#options.processes.hostname) return age < FOREIGN_GONE_MS;
    // Where the system reports start times, our windows have recorded theirs.
    if (flag.begin === null && (await this.#options.processStartTime(flag.pid)) !== undefined)
      return false;
    return isProcessAlive(flag, this.#options);
  }
}

/** Creates a complete flag; false where one exists. */
async function raise(file: string, text: string): Promise<boolean> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
    await link(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // Without hard links the flag is created empty first; an empty flag counts as alive for a
    // while.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code ?? '')) throw error;
    return await writeFile(file, text, { flag: 'wx', mode: 0o600 }).then(
      () => true,
      (again: unknown) => {
        if ((again as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw again;
      },
    );
  } finally {
    await removeFile(temporary);
  }
}
