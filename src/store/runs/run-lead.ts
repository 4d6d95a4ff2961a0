import { randomUUID } from 'node:crypto';
import { link, readdir, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Disposable } from '../../core/events.ts';
import type { Clock, Processes } from '../../core/ports.ts';
import { flag, objectOf, orNull, parseAs, positive, text, type FieldsOf } from '../../core/shape.ts';
import { readPlainFile } from '../files/plain-file.ts';
import { isProcessAlive } from './process-identity.ts';
import { replaceFile } from '../files/replace-file.ts';
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
  readonly lead: 'ours' | 'other' | 'nobody';
  /** With `nobody`: since when nobody does, in ms, as far as a window of this machine led it. */
  readonly goneForMs: number | undefined;
}

/** What a window that leads a run writes down of itself. */
const FLAG = {
  pid: positive,
  /** Null where the system does not tell. */
  begin: orNull(text),
  host: text,
  /** Of this one object. */
  key: text,
  /** It gave the lead up, and may live on. */
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

/** Often enough that a leader on another machine, whose process nobody here can see, is never taken for gone. */
const REFRESH_MS = 30_000;
const FOREIGN_GONE_MS = 120_000;
/** Clocks of two machines differ, but not by so much: a flag from further ahead was made up, and would count for ever. */
const MAX_AHEAD_MS = 24 * 3_600_000;
/** How long a flag may be half written, where the file system cannot put a whole one in place. */
const HALF_WRITTEN_MS = 10_000;
const ATTEMPTS = 20;
const MAX_FLAG_BYTES = 4096;
const FLAG_NAME = /^lead\.([1-9]\d{0,8})\.json$/;

/**
 * Sees to it that one window at a time leads a run.
 *
 * Each leader has a flag in the folder of the run, `lead.<n>.json`, and takes the number after the highest. A flag is put in
 * place whole and only where there is none, so of windows that see the same, one gets it. Since another may have seen
 * something older, who has raised a flag looks again, and leads only where every other flag is that of somebody who is gone:
 * of two that raised theirs at the same time, the later one sees the other.
 */
export class RunLead {
  readonly #options: RunLeadOptions;
  readonly #key = randomUUID();
  readonly #led = new Map<string, { readonly file: string; refresh: Disposable; onLost: () => void }>();
  readonly #trying = new Map<string, Promise<boolean>>();

  constructor(options: RunLeadOptions) {
    this.#options = options;
  }

  /** Makes this window the leader of a run whose folder is there, unless another one is. `onLost`: it is no more, though it wanted to be; the latest that was given counts. */
  async lead(runId: string, onLost: () => void): Promise<boolean> {
    const led = this.#led.get(runId);
    if (led !== undefined) {
      led.onLost = onLost;
      return true;
    }
    const trying = this.#trying.get(runId) ?? this.#try(runId, onLost).finally(() => this.#trying.delete(runId));
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
      if (found.flag?.host === this.#options.processes.hostname) goneAt = Math.max(goneAt ?? 0, found.modifiedAt);
    }
    const goneForMs = goneAt === undefined ? undefined : Math.max(0, this.#options.clock.now() - goneAt);
    return { lead: 'nobody', goneForMs };
  }

  /** For a run that has ended. */
  async release(runId: string): Promise<void> {
    const led = this.#led.get(runId);
    if (led === undefined) return;
    led.refresh.dispose();
    await removeFile(led.file);
    this.#led.delete(runId);
  }

  /** For runs that go on without this window: the next one may lead at once, and sees since when nobody does. */
  async leave(): Promise<void> {
    const led = [...this.#led.values()];
    this.#led.clear();
    for (const { refresh } of led) refresh.dispose();
    const flag = JSON.stringify(await this.#flag(true));
    // Where that fails, our process ends soon, which says the same.
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
        // As long as our own is up nobody else raises one, so these are still those that we saw.
        for (const other of others) await removeFile(other.file);
        return true;
      }
      if (isThere) await removeFile(file);
      // By chance, so that two who gave way to each other do not do so again.
      await wait(5 + Math.random() * 20 * attempt);
    }
    return false;
  }

  async #raiseAgain(runId: string, onLost: () => void): Promise<boolean> {
    const prepared = await this.#options.folder.prepareRun(runId);
    try {
      return prepared.ok && (await this.#try(runId, onLost));
    } catch {
      return false; // nothing can be written there: then nobody can be kept from leading it either
    }
  }

  #refreshLater(runId: string, file: string): Disposable {
    return this.#options.clock.after(REFRESH_MS, () => void this.#refresh(runId, file));
  }

  async #refresh(runId: string, file: string): Promise<void> {
    const led = this.#led.get(runId);
    if (led?.file !== file) return;
    const part = await readPlainFile(file, 0, MAX_FLAG_BYTES);
    // Another machine may have taken us for gone while this one slept.
    if (part === undefined || parseAs(flagShape, part.bytes.toString('utf8'))?.key !== this.#key) {
      if (this.#led.get(runId) !== led) return;
      // Where nobody took its place, it was only deleted, as with a folder that somebody has tidied up.
      if (part === undefined && (await this.#raiseAgain(runId, led.onLost))) return;
      this.#led.delete(runId);
      led.onLost();
      return;
    }
    const now = new Date(this.#options.clock.now());
    // Should that fail, only another machine would ever mind.
    await utimes(file, now, now).catch(() => undefined);
    if (this.#led.get(runId) === led) led.refresh = this.#refreshLater(runId, file);
  }

  async #flag(left: boolean): Promise<Flag> {
    const { pid, processes, processStartTime } = this.#options;
    return { pid, begin: (await processStartTime(pid)) ?? null, host: processes.hostname, key: this.#key, left };
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
        if (part === undefined) return []; // gone meanwhile, or no flag
        const { modifiedAt } = part;
        return [{ number: Number(number), file, flag: parseAs(flagShape, part.bytes.toString('utf8')), modifiedAt }];
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
    // Where the system tells when a process began, a window of ours has written it down.
    if (flag.begin === null && (await this.#options.processStartTime(flag.pid)) !== undefined) return false;
    return isProcessAlive(flag, this.#options);
  }
}

/** Puts a whole flag in place where there is none; false where there is one. */
async function raise(file: string, text: string): Promise<boolean> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
    await link(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // A file system without links: then it is made empty first, which nobody takes for a flag of somebody gone.
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

async function removeFile(file: string): Promise<void> {
  // Gone already is as good.
  await unlink(file).catch(() => undefined);
}
