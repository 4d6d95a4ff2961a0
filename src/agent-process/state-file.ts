import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { WorkEnd } from '../core/ports.ts';
import { storedWorkState, type WorkState } from '../core/run/journal/work-state.ts';

export interface StateFileOptions {
  readonly file: string;
  readonly first: WorkState;
  /** Puts a text in the place of a file in one step and makes that durable. */
  readonly replace: (file: string, text: string) => Promise<unknown>;
  /** A state, as soon as it is in the file. */
  readonly onWritten: (state: WorkState) => void;
  /** A state could not be written; a later one may. */
  readonly onFailed: (detail: string) => void;
}

/**
 * What a supervisor writes down of its attempt. Each state takes the place of the one before in one
 * step, so that a reader sees one or the other; only the last is made durable, since the others
 * mean nothing once the process is gone with its machine.
 */
export class StateFile {
  readonly #options: StateFileOptions;
  #state: WorkState;

  /** Throws what the file system throws: without a file nothing must be begun. */
  constructor(options: StateFileOptions) {
    this.#options = options;
    this.#state = options.first;
    this.#put(this.#state);
    options.onWritten(this.#state);
  }

  get state(): WorkState {
    return this.#state;
  }

  update(change: Partial<WorkState>): void {
    this.#state = { ...this.#state, ...change };
    try {
      this.#put(this.#state);
    } catch (error) {
      this.#options.onFailed(String(error));
    }
    this.#options.onWritten(this.#state);
  }

  /**
   * The last state, sent at once; resolves when it is durable. Listeners get it even where the
   * write failed.
   */
  async end(end: WorkEnd): Promise<void> {
    const { file, replace } = this.#options;
    this.update({ phase: 'ended', end });
    try {
      await replace(file, format(this.#state));
    } catch (error) {
      this.#options.onFailed(String(error));
    }
  }

  #put(state: WorkState): void {
    const { file } = this.#options;
    const temporary = `${file}.${randomUUID()}.tmp`;
    try {
      writeFileSync(temporary, format(state), { flag: 'wx', mode: 0o600 });
      renameSync(temporary, file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}

function format(state: WorkState): string {
  return `${JSON.stringify(storedWorkState(state))}\n`;
}
