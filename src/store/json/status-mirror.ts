import type { Failure } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import type { Status, TaskId } from '../../core/task.ts';
import { patchJsonStatus } from './json-patch.ts';
import type { ParseJson } from './patch-file.ts';

export interface StatusMirrorOptions {
  /** `state.todo2.json`, absolute; it need not exist, and is never created. */
  readonly json: string;
  /** See `patchJsonFile`. */
  readonly root?: string;
  readonly parse?: ParseJson;
  readonly clock: Clock;
  readonly onFailed: (failure: Failure) => void;
  readonly reportBug: (error: unknown) => void;
}

/**
 * Writes each status that this process has written into the JSON file too: exarp-go would restore
 * the old one from there. Writes are serial.
 */
export class StatusMirror {
  readonly #options: StatusMirrorOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: StatusMirrorOptions) {
    this.#options = options;
  }

  write(id: TaskId, status: Status): void {
    if (status === 'Unknown') return;
    const { json, root, parse, clock, onFailed, reportBug } = this.#options;
    this.#last = this.#last
      .then(async () => {
        const patched = await patchJsonStatus(json, id, status, clock.now(), root, parse);
        if (!patched.ok) onFailed(patched.failure);
      })
      .catch(reportBug);
  }

  /** Resolves when all writes so far are done, or have failed. */
  written(): Promise<void> {
    return this.#last;
  }
}
