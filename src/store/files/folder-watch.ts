import { statSync, watch, type FSWatcher } from 'node:fs';
import type { Disposable } from '../../core/events.ts';

/**
 * Tells of changes of the files in a folder, as long as there is one; a folder made anew is watched from the next `ensure` on.
 *
 * Files are not watched themselves, since the watch on one that is replaced stays with the one that is gone. A watcher
 * may be blind, as on most network drives, and says nothing of it: what needs to be sure has to look from time to time.
 */
export class FolderWatch implements Disposable {
  readonly #folder: string;
  readonly #onChange: (name: string | null) => void;
  #watcher: FSWatcher | undefined;
  #watched: string | undefined;

  /** `onChange` gets the name of the file, or null where the system does not say. */
  constructor(folder: string, onChange: (name: string | null) => void) {
    this.#folder = folder;
    this.#onChange = onChange;
  }

  /** Watches the folder that is there now. Cheap where nothing has changed; never throws. */
  ensure(): void {
    const found = identityOf(this.#folder);
    if (found === this.#watched) return;
    this.dispose();
    if (found === undefined) return;
    try {
      const watcher = watch(this.#folder, { persistent: false }, (_, name) => this.#onChange(name));
      // A folder that goes away ends its watcher with an error on Windows; the next look finds out.
      watcher.on('error', () => {
        if (this.#watcher === watcher) this.dispose();
      });
      this.#watcher = watcher;
      this.#watched = found;
    } catch {
      // No watcher to be had (too many of them, a file system without): looking from time to time has to do.
    }
  }

  dispose(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#watched = undefined;
  }
}

function identityOf(folder: string): string | undefined {
  try {
    const stat = statSync(folder, { bigint: true, throwIfNoEntry: false });
    // With the time it was made, as numbers of folders are given out again.
    return stat?.isDirectory() === true ? `${stat.dev} ${stat.ino} ${stat.birthtimeNs}` : undefined;
  } catch {
    return undefined;
  }
}
