import { lstat, realpath, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { isRunId } from '../../core/run/journal/journal-entry.ts';
import { makeFolders, passOver } from '../files/folders-within.ts';
import { messageOf } from '../../core/text.ts';

/** Where the runs of one backlog are written down: `<root>/.todo2/waves/runs`. Paths are absolute; ids of tasks are in none. */
export class RunFolder {
  readonly #root: string;
  readonly path: string;

  constructor(root: string) {
    this.#root = root;
    this.path = join(root, '.todo2', 'waves', 'runs');
  }

  /** Makes what is missing, for its owner alone, and keeps git out. Fails with `writeFailed`, also where a link leads out of the root. */
  prepare(): Promise<Result<undefined, Failure>> {
    return this.#make(['.todo2', 'waves', 'runs'], async () => {
      const ignore = join(this.#root, '.todo2', 'waves', '.gitignore');
      await writeFile(ignore, '*\n', { flag: 'wx', mode: 0o600 }).catch(passOver('EEXIST'));
    });
  }

  /** Makes the folder of one run, and those that it stands in. Fails as `prepare` does. */
  async prepareRun(runId: string): Promise<Result<undefined, Failure>> {
    const prepared = await this.prepare();
    return prepared.ok ? this.#make(['.todo2', 'waves', 'runs', known(runId)]) : prepared;
  }

  journalOf(runId: string): string {
    return join(this.path, `${known(runId)}.jsonl`);
  }

  folderOf(runId: string): string {
    return join(this.path, known(runId));
  }

  /** The files of one attempt; `start` counts the attempts of a run from 1. */
  filesOf(
    runId: string,
    attemptNo: number,
  ): { readonly prompt: string; readonly log: string; readonly state: string; readonly stop: string } {
    if (!Number.isSafeInteger(attemptNo) || attemptNo < 1)
      throw new Error(`Internal error: ${attemptNo} is no attempt`);
    const file = (ending: string): string => join(this.folderOf(runId), `${attemptNo}.${ending}`);
    return { prompt: file('prompt.md'), log: file('log'), state: file('state.json'), stop: file('stop') };
  }

  /** False where the folder of runs, or that of this run, is a link or no folder: then nothing in it is read or written. */
  async isSound(runId?: string): Promise<boolean> {
    try {
      const [root, runs] = await Promise.all([realpath(this.#root), realpath(this.path)]);
      if (!runs.startsWith(root.endsWith(sep) ? root : root + sep)) return false;
      if (runId === undefined) return true;
      return (await lstat(this.folderOf(runId)).catch(() => undefined))?.isDirectory() !== false;
    } catch {
      return false; // nothing there yet, or nothing that we may see
    }
  }

  async #make(parts: readonly string[], then?: () => Promise<void>): Promise<Result<undefined, Failure>> {
    const made = await makeFolders(this.#root, parts, 0o700);
    if (!made.ok) return made;
    try {
      await then?.();
      return ok(undefined);
    } catch (error) {
      return fail({ kind: 'writeFailed', file: join(this.#root, ...parts), detail: messageOf(error) });
    }
  }
}

function known(runId: string): string {
  if (!isRunId(runId)) throw new Error('Internal error: that is no id of a run');
  return runId;
}
