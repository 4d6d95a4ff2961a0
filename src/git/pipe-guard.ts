import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Ends Git commands that wait for a pipe. */
export interface PipeGuard {
  /** Aborted once such a pipe is found. */
  readonly signal: AbortSignal;
  /** The pipe, by its path from the work tree. */
  found(): string | undefined;
  dispose(): void;
}

/** What Git opens and reads in every folder that it passes. */
const READ_BY_GIT: ReadonlySet<string> = new Set(['.gitignore', '.gitattributes', '.gitmodules']);
/** Git has read most work trees by then; only slow ones are searched. */
const SEARCH_AFTER_MS = 5_000;

/**
 * Looks for pipes in the place of the files that Git reads, where a command takes long: Git would
 * wait for such a pipe without an end.
 */
export function guardAgainstPipes(folder: string): PipeGuard {
  const abort = new AbortController();
  let found: string | undefined;
  const timer = setTimeout(() => {
    void search(folder, () => isOver).then((path) => {
      if (path === undefined || isOver) return;
      found = path;
      abort.abort();
    });
  }, SEARCH_AFTER_MS);
  timer.unref();
  let isOver = false;
  return {
    signal: abort.signal,
    found: () => found,
    dispose: () => {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

async function search(folder: string, isOver: () => boolean): Promise<string | undefined> {
  const folders = [''];
  for (let next = folders.pop(); next !== undefined && !isOver(); next = folders.pop()) {
    // One that has gone meanwhile, or may not be read, has nothing that Git could wait for.
    const entries = await readdir(join(folder, next), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = next === '' ? entry.name : `${next}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== '.git') folders.push(path);
      else if (READ_BY_GIT.has(entry.name) && (entry.isFIFO() || entry.isCharacterDevice()))
        return path;
    }
  }
  return undefined;
}
