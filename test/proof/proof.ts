import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../editor/install.mjs';
import { randomFrom, type Random } from '../support/random.ts';

/** What a proof works with. */
export interface Run<Size> {
  readonly size: Size;
  readonly seed: number;
  readonly random: Random;
  /** A folder of its own: gone at the end, or kept as evidence where the proof failed. */
  readonly folder: string;
  /** Tells what was tried and what was found. */
  readonly say: (line: string) => void;
}

/**
 * A claim about the product that chance tries to refute: for some seconds in `npm test`, for
 * minutes in `npm run proof`.
 */
export interface Proof {
  readonly name: string;
  /** The claim, in one line. */
  readonly about: string;
  /**
   * Rejects where the claim is refuted, with what to repeat and where the files are in the message.
   */
  prove(how: {
    readonly length: 'short' | 'full';
    readonly seed: number;
    readonly say: (line: string) => void;
  }): Promise<void>;
}

/**
 * Makes a proof of what it does at either length; `run` throws where it finds the claim to be
 * wrong.
 */
export function proofOf<Size>({
  name,
  about,
  run,
  ...sizes
}: {
  readonly name: string;
  readonly about: string;
  readonly short: Size;
  readonly full: Size;
  readonly run: (run: Run<Size>) => Promise<void>;
}): Proof {
  return {
    name,
    about,
    prove: async ({ length, seed, say }) => {
      const folder = mkdtempSync(join(tmpdir(), `todo2-proof-${name}-`));
      try {
        await run({ size: sizes[length], seed, random: randomFrom(seed), folder, say });
      } catch (error) {
        const evidence = join(ROOT, 'out', 'proof', `${name}-${seed}`);
        rmSync(evidence, { recursive: true, force: true });
        mkdirSync(evidence, { recursive: true });
        cpSync(folder, evidence, { recursive: true });
        const again = `npm run proof -- ${name} --seed ${seed}${length === 'short' ? ' --short' : ''}`;
        throw new Error(`Refuted: ${about}\nRepeat: ${again}\nEvidence: ${evidence}`, {
          cause: error,
        });
      } finally {
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}
