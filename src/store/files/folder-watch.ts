import { statSync, watch, type FSWatcher } from 'node:fs';
import type { Disposable } from '../../core/events.ts';

/**
 * Reports changes of files in a folder while it exists; a recreated folder is watched from the next
 * `ensure` on.
 *
 * Files are not watched themselves, since a watch on a replaced file stays with the old one. A
 * watcher may miss changes without notice, as on most network drives: callers that need certainty
 * also poll.
 */
export class FolderWatch implements Disposable {
  readonly #folder: string;
  readonly #onChange: (name: string | null) => void;
  #watcher: FSWatcher | undefined;
  #watched: string | undefined;

  /** `onChange` gets the file name, or null where the system does not report it. */
  constructor(folder: string, onChange: (name: string | null) => void) {
    this.#folder = folder;
    this.#onChange = onChange;
  }

  /** Watches the folder that exists now. Cheap where nothing has changed; never throws. */
  ensure(): void {
    const found = identityOf(this.#folder);
    if (found === this.#watched) return;
    this.dispose();
    if (found === undefined) return;
    try {
      const watcher = watch(this.#folder, { persistent: false }, (_, name) => this.#onChange(name));
      // On Windows a deleted folder ends its watcher with an error; the next `ensure` handles it.
      watcher.on('error', () => {
        if (this.#watcher === watcher) this.dispose();
      });
      this.#watcher = watcher;
      this.#watched = found;
    } catch {
      // No watcher available (too many, or not supported): polling remains.
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
    // With the creation time, since inode numbers are reused.
    return stat?.isDirectory() === true ? `${stat.dev} ${stat.ino} ${stat.birthtimeNs}` : undefined;
  } catch {
    return undefined;
  }
}
