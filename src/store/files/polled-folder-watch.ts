import type { Disposable } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import { FolderWatch } from './folder-watch.ts';

const LOOK_EVERY_MS = 1000;

export interface PolledFolderWatchOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Whether a file of this name is worth a look. */
  readonly concerns: (name: string) => boolean;
  readonly look: () => Promise<void>;
}

/** Looks whenever something happens in a folder, and each second for folders that do not tell; one look at a time. */
export class PolledFolderWatch implements Disposable {
  readonly #options: PolledFolderWatchOptions;
  readonly #watch: FolderWatch;
  #timer: Disposable | undefined;
  #looking: Promise<void> | undefined;
  #isDisposed = false;

  constructor(options: PolledFolderWatchOptions) {
    this.#options = options;
    this.#watch = new FolderWatch(options.folder, (name) => {
      if (name === null || options.concerns(name)) void this.look();
    });
    this.#tick();
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Looks now; resolves when everything that was there before the call has been seen. */
  async look(): Promise<void> {
    // One that goes on may have looked too early.
    await this.#looking;
    this.#looking ??= this.#options.look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#timer?.dispose();
    this.#watch.dispose();
  }

  #tick(): void {
    if (this.#isDisposed) return;
    this.#watch.ensure();
    this.#timer = this.#options.clock.after(LOOK_EVERY_MS, () => this.#tick());
    void this.look();
  }
}
