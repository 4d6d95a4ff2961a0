import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../core/ports.ts';
import { faultOfError } from '../../disk/file-fault.ts';
import { realWithin } from '../../disk/within.ts';
import { RACY_MS, isOlder, stampOf } from './file-stamp.ts';
import { OpenFile } from './open-file.ts';
import { readJsonStore } from './json-reader.ts';
import type { ContentFault, StoreContent } from './store-content.ts';

type JsonRead =
  | { readonly kind: 'unchanged' | 'absent' }
  | { readonly kind: 'content'; readonly content: StoreContent }
  | { readonly kind: 'fault'; readonly fault: ContentFault; readonly isFresh: boolean };

/**
 * exarp-go truncates the file and then fills it: an unreadable file may be whole a moment later.
 */
const HALF_WRITTEN_MS = 40;
const LOOKS = 3;
/** The limit of one string. */
const MAX_BYTES = 1n << 28n;

/** The JSON store of a root, read again where its stamp and bytes have changed. */
export class JsonFile {
  readonly #path: string;
  readonly #root: string;
  readonly #clock: Clock;
  #stamp: string | undefined;
  #bytes: Uint8Array | undefined;

  /** A link may not lead out of `root`. */
  constructor(path: string, clock: Clock, root: string = dirname(path)) {
    this.#path = path;
    this.#root = root;
    this.#clock = clock;
  }

  /** The content, or `unchanged` since the last call. */
  async read(project: string): Promise<JsonRead> {
    for (let look = 1; ; look++) {
      const found = await this.#readOnce(project);
      if (found.kind !== 'fault' || !found.isFresh || look === LOOKS) return found;
      this.forget();
      await wait(HALF_WRITTEN_MS);
    }
  }

  /** The next read is then a full one. */
  forget(): void {
    this.#stamp = undefined;
    this.#bytes = undefined;
  }

  async #readOnce(project: string): Promise<JsonRead> {
    // No process locks this file, so closing it drops no lock.
    let file: OpenFile | undefined;
    try {
      file = new OpenFile(realWithin(this.#root, this.#path) ?? this.#path);
      if (!file.open()) {
        this.forget();
        return { kind: 'absent' };
      }
      const stat = file.stat();
      const stamp = stampOf(stat);
      if (stamp === this.#stamp) return { kind: 'unchanged' };
      const isFresh = !isOlder(stat, this.#clock.now(), RACY_MS);
      if (stat.size > MAX_BYTES) {
        return {
          kind: 'fault',
          fault: { cause: 'io', detail: `larger than ${MAX_BYTES} bytes` },
          isFresh: false,
        };
      }
      const bytes = await file.readTo(0, Number(stat.size));
      this.#stamp = isFresh ? undefined : stamp;
      if (this.#bytes !== undefined && Buffer.compare(bytes, this.#bytes) === 0)
        return { kind: 'unchanged' };
      this.#bytes = bytes;
      const content = readJsonStore(bytes, project);
      if (content.ok) return { kind: 'content', content: content.value };
      return { kind: 'fault', fault: content.failure, isFresh };
    } catch (error) {
      this.forget();
      return { kind: 'fault', fault: faultOfError(error), isFresh: false };
    } finally {
      file?.close();
    }
  }
}
