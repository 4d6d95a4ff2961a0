import { lstat, readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import type { Result } from '../../core/result.ts';
import { isRunId } from '../../core/run/journal/journal-entry.ts';
import { keepOutOfGit, makeFolders } from '../files/folders-within.ts';
import { isWithin } from '../../disk/within.ts';
import { tryWrite } from '../../core/try-write.ts';

/** How the name of a journal ends. */
export const JOURNAL = '.jsonl';

const RUNS = ['.todo2', 'waves', 'runs'];

/**
 * The folder of the runs of one backlog: `<root>/.todo2/waves/runs`. Paths are absolute and contain
 * no task ids.
 */
export class RunFolder {
  readonly #root: string;
  readonly path: string;

  constructor(root: string) {
    this.#root = root;
    this.path = join(root, ...RUNS);
  }

  /**
   * Creates what is missing, for the owner only, with a `.gitignore`. Fails with `writeFailed`,
   * also where a link leads out of the root.
   */
  async prepare(): Promise<Result<unknown, Failure>> {
    const made = await makeFolders(this.#root, RUNS, 0o700);
    return made.ok ? tryWrite(this.path, () => keepOutOfGit(dirname(this.path))) : made;
  }

  /** Creates the folder of one run and its parents. Fails as `prepare` does. */
  async prepareRun(runId: string): Promise<Result<unknown, Failure>> {
    const prepared = await this.prepare();
    return prepared.ok ? makeFolders(this.#root, [...RUNS, known(runId)], 0o700) : prepared;
  }

  /** The ids of all runs with a journal, in no order; none where the folder cannot be read. */
  async runIds(): Promise<readonly string[]> {
    const names = await readdir(this.path).catch(() => []);
    return names
      .filter((name) => name.endsWith(JOURNAL))
      .map((name) => name.slice(0, -JOURNAL.length))
      .filter(isRunId);
  }

  journalOf(runId: string): string {
    return join(this.path, known(runId) + JOURNAL);
  }

  folderOf(runId: string): string {
    return join(this.path, known(runId));
  }

  /** The files of one attempt; `attemptNo` counts the attempts of a run from 1. */
  filesOf(
    runId: string,
    attemptNo: number,
  ): {
    readonly prompt: string;
    readonly followUp: string;
    readonly resolve: string;
    readonly resolveAnew: string;
    readonly answer: string;
    readonly log: string;
    readonly state: string;
    readonly stop: string;
  } {
    if (!Number.isSafeInteger(attemptNo) || attemptNo < 1)
      throw new Error(`Internal error: ${attemptNo} is no attempt`);
    const file = (ending: string): string => join(this.folderOf(runId), `${attemptNo}.${ending}`);
    return {
      prompt: file('prompt.md'),
      followUp: file('follow-up.md'),
      resolve: file('resolve.md'),
      resolveAnew: file('resolve-anew.md'),
      answer: file('answer'),
      log: file('log'),
      state: file('state.json'),
      stop: file('stop'),
    };
  }

  /**
   * False where the folder of runs, or that of this run, is a link or not a folder: it is then
   * neither read nor written.
   */
  async isSound(runId?: string): Promise<boolean> {
    try {
      const [root, runs] = await Promise.all([realpath(this.#root), realpath(this.path)]);
      if (!isWithin(root, runs)) return false;
      if (runId === undefined) return true;
      return (await lstat(this.folderOf(runId)).catch(() => undefined))?.isDirectory() !== false;
    } catch {
      return false; // missing, or not accessible
    }
  }
}

function known(runId: string): string {
  if (!isRunId(runId)) throw new Error('Internal error: that is no id of a run');
  return runId;
}
