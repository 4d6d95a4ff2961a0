import type { VerifyResult } from '../evidence.ts';
import type { RunState } from '../run-events.ts';
import type { RunMode } from '../run-options.ts';
import type { RunnerWorld } from './run-world.ts';

export interface WaveProgressionOptions {
  /** Of the run at its start, or as an earlier window left it. */
  readonly state: RunState;
  readonly world: Pick<RunnerWorld, 'verifyWave' | 'reportBug'>;
  /** How many tasks of a wave, or of the run, have not ended. */
  readonly leftIn: (wave: number) => number;
  readonly left: () => number;
  /** False as soon as the run starts nothing further: then nothing is verified either. */
  readonly isRunning: () => boolean;
  readonly onClosed: (wave: number, verify: VerifyResult | undefined) => void;
  /** After `onClosed` of a wave that was verified; not told where the window let go of its runs meanwhile. */
  readonly onVerified: () => void;
  readonly isDetached: () => boolean;
}

/**
 * The waves of a run: one open at a time in strict waves, any number in flow. What a wave has brought about is verified before
 * it closes; in flow, where others have built on it by then, all is verified once, before the last one closes.
 *
 *     unopened ──▶ open ──all tasks ended──▶ (verified) ──▶ closed
 */
export class WaveProgression {
  readonly #options: WaveProgressionOptions;
  readonly #runMode: RunMode;
  readonly #stages: ('unopened' | 'open' | 'closed')[];
  /** In the order they were opened. */
  readonly #open = new Set<number>();
  /** Those of which a task ended well: only they have brought anything about. */
  readonly #fruitful = new Set<number>();
  readonly #verifying = new AbortController();
  #isVerifying = false;
  /** The first wave that was never opened; later ones may have been, in flow. */
  #next = 0;

  constructor(options: WaveProgressionOptions) {
    const { state } = options;
    this.#options = options;
    this.#runMode = state.options.runMode;
    this.#stages = state.waveRuns.map(({ startedAt, endedAt }) =>
      startedAt === undefined ? 'unopened' : endedAt === undefined ? 'open' : 'closed',
    );
    for (const [wave, stage] of this.#stages.entries()) if (stage === 'open') this.#open.add(wave);
    for (const { wave, outcome } of state.tasks.values()) if (outcome?.kind === 'succeeded') this.succeededIn(wave);
  }

  get isVerifying(): boolean {
    return this.#isVerifying;
  }

  isUnopened(wave: number): boolean {
    return this.#stages[wave] === 'unopened';
  }

  /** The wave whose turn it is to be opened, where waves have turns and none is open. */
  next(): number | undefined {
    if (this.#runMode === 'flow' || this.#open.size > 0) return undefined;
    while (this.#next < this.#stages.length && this.#stages[this.#next] !== 'unopened') this.#next++;
    return this.#next < this.#stages.length ? this.#next : undefined;
  }

  opened(wave: number): void {
    this.#stages[wave] = 'open';
    this.#open.add(wave);
  }

  /** A task of this wave ended well. */
  succeededIn(wave: number): void {
    this.#fruitful.add(wave);
  }

  /** Closes the waves that are over; false where one of them is verified first. */
  closeOver(): boolean {
    for (const wave of [...this.#open]) {
      if (this.#options.leftIn(wave) > 0) continue;
      if (this.#isToVerify(wave)) {
        void this.#verify(wave);
        return false;
      }
      this.#close(wave, undefined);
    }
    return true;
  }

  /** Ends a verification that goes on. */
  stop(): void {
    this.#verifying.abort();
  }

  #isToVerify(wave: number): boolean {
    const { world, isRunning, left } = this.#options;
    if (world.verifyWave === undefined || !isRunning()) return false;
    if (this.#runMode === 'strict') return this.#fruitful.has(wave);
    return left() === 0 && this.#open.size === 1 && this.#fruitful.size > 0;
  }

  async #verify(wave: number): Promise<void> {
    const { world, state, isDetached, onVerified } = this.#options;
    this.#isVerifying = true;
    let result: VerifyResult | undefined;
    try {
      result = await world.verifyWave?.(state.runId, wave, this.#verifying.signal);
    } catch (error) {
      // Whatever it is, it has not passed.
      world.reportBug(error);
      result = { command: '', passed: false, exitCode: undefined, durationMs: 0, tail: String(error) };
    }
    this.#isVerifying = false;
    if (isDetached()) return;
    this.#close(wave, result);
    onVerified();
  }

  #close(wave: number, verify: VerifyResult | undefined): void {
    this.#stages[wave] = 'closed';
    this.#open.delete(wave);
    this.#options.onClosed(wave, verify);
  }
}
