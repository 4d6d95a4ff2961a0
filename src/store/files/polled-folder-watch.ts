import type { Disposable } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import { FolderWatch } from './folder-watch.ts';

const LOOK_EVERY_MS = 1000;

export interface PolledFolderWatchOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Whether a change of a file with this name triggers a look. */
  readonly concerns: (name: string) => boolean;
  readonly look: () => Promise<void>;
}

/**
 * Calls `look` on each change in a folder, and every second for folders whose watcher is silent;
 * one call at a time.
 */
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

  /** Looks now; resolves when all changes before the call have been seen. */
  async look(): Promise<void> {
    // A look that is in progress may have started before the change.
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
