import type { Failure } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import type { Status, TaskId } from '../../core/task.ts';
import { patchJsonStatus } from './json-patch.ts';

export interface StatusMirrorOptions {
  /** `state.todo2.json`, absolute; it need not exist, and is never made. */
  readonly json: string;
  readonly clock: Clock;
  readonly onFailed: (failure: Failure) => void;
  readonly reportBug: (error: unknown) => void;
}

/**
 * Writes every status that this process wrote into the JSON file beside the database, too: exarp-go would bring the old one back
 * from there. Changes are made one after the other.
 */
export class StatusMirror {
  readonly #options: StatusMirrorOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: StatusMirrorOptions) {
    this.#options = options;
  }

  write(id: TaskId, status: Status): void {
    if (status === 'Unknown') return;
    const { json, clock, onFailed, reportBug } = this.#options;
    this.#last = this.#last
      .then(async () => {
        const patched = await patchJsonStatus(json, id, status, clock.now());
        if (!patched.ok) onFailed(patched.failure);
      })
      .catch(reportBug);
  }

  /** Resolves when everything is written, or has failed. */
  written(): Promise<void> {
    return this.#last;
  }
}
