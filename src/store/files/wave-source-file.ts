import { basename, dirname, join } from 'node:path';
import { type Disposable, Emitter, type Event } from '../../core/events.ts';
import type { WaveOverride, WaveSourceState } from '../../core/plan/wave-override.ts';
import type { Clock, WaveSource } from '../../core/ports.ts';
import { stampAt } from '../read/file-stamp.ts';
import { PolledFolderWatch } from './polled-folder-watch.ts';
import { readWithin } from './plan-files.ts';

export interface WaveSourceFileOptions {
  readonly root: string;
  readonly clock: Clock;
  /** The chosen file, relative to the root, with `/`; undefined where waves are computed. */
  readonly chosen: () => string | undefined;
  readonly parse: (file: string, text: string) => Promise<WaveOverride | undefined>;
}

/** Follows the file that waves are taken from, where one is chosen. */
export class WaveSourceFile implements WaveSource {
  readonly #options: WaveSourceFileOptions;
  readonly #changed = new Emitter<undefined>();
  #state: WaveSourceState = { kind: 'computed' };
  #file: string | undefined;
  #looks: Disposable | undefined;
  #stamp: string | undefined;

  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(options: WaveSourceFileOptions) {
    this.#options = options;
    this.choiceChanged();
  }

  get state(): WaveSourceState {
    return this.#state;
  }

  choiceChanged(): void {
    const file = this.#options.chosen();
    if (file === this.#file) return;
    this.#looks?.dispose();
    this.#looks = undefined;
    this.#file = file;
    this.#stamp = undefined;
    if (file === undefined) {
      this.#set({ kind: 'computed' });
      return;
    }
    const { root, clock } = this.#options;
    const path = join(root, file);
    this.#looks = new PolledFolderWatch({
      folder: dirname(path),
      clock,
      concerns: (name) => name === basename(path),
      look: () => this.#look(file, path),
    });
  }

  dispose(): void {
    this.#looks?.dispose();
    this.#changed.dispose();
  }

  async #look(file: string, path: string): Promise<void> {
    const stamp = await stampAt(path);
    if (stamp === this.#stamp) return;
    const state = await this.#read(file);
    // The choice may have changed during the read.
    if (this.#file !== file) return;
    this.#stamp = stamp;
    if (JSON.stringify(state) !== JSON.stringify(this.#state)) this.#set(state);
  }

  async #read(file: string): Promise<WaveSourceState> {
    const { root, parse } = this.#options;
    const text = await readWithin(root, file);
    if (!text.ok) return { kind: 'unusable', file, why: 'unreadable' };
    if (text.value === undefined) return { kind: 'unusable', file, why: 'missing' };
    const waves = await parse(file, text.value);
    return waves === undefined
      ? { kind: 'unusable', file, why: 'noWaves' }
      : { kind: 'file', file, waves };
  }

  #set(state: WaveSourceState): void {
    this.#state = state;
    this.#changed.fire(undefined);
  }
}
