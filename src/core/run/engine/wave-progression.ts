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
  /** False as soon as the run starts nothing further: then waves are not verified either. */
  readonly isRunning: () => boolean;
  readonly onClosed: (wave: number, verify: VerifyResult | undefined) => void;
  /** After `onClosed` of a verified wave; not called after a detach. */
  readonly onVerified: () => void;
  readonly isDetached: () => boolean;
}

/**
 * The waves of a run: one open at a time in strict waves, any number in flow. A strict wave is
 * verified before it closes; in flow, where later waves start meanwhile, all is verified once,
 * before the last wave closes.
 *
 *     unopened ──▶ open ──all tasks ended──▶ (verified) ──▶ closed
 */
export class WaveProgression {
  readonly #options: WaveProgressionOptions;
  readonly #runMode: RunMode;
  readonly #stages: ('unopened' | 'open' | 'closed')[];
  /** In the order they were opened. */
  readonly #open = new Set<number>();
  /** Waves in which a task succeeded: only they have something to verify. */
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
    for (const { wave, outcome } of state.tasks.values())
      if (outcome?.kind === 'succeeded') this.succeededIn(wave);
  }

  get isVerifying(): boolean {
    return this.#isVerifying;
  }

  isUnopened(wave: number): boolean {
    return this.#stages[wave] === 'unopened';
  }

  /** The next wave to open, in strict waves while none is open. */
  next(): number | undefined {
    if (this.#runMode === 'flow' || this.#open.size > 0) return undefined;
    while (this.#next < this.#stages.length && this.#stages[this.#next] !== 'unopened')
      this.#next++;
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

  /** Aborts the verification. */
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
      world.reportBug(error);
      result = {
        command: '',
        passed: false,
        exitCode: undefined,
        durationMs: 0,
        tail: String(error),
      };
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
