import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { MergeAnswer, WorkWorld } from '../core/run/attempt/task-work.ts';
import { readWholeSync } from '../disk/read-whole.ts';

const LOOK_EVERY_MS = 100;
/** An hour: other work may be merged and verified before. */
const MOST_LOOKS = 36_000;
/** Fifteen seconds, for a window to give a merge up. */
const LOOKS_AFTER_STOP = 150;

/**
 * Waits for the answer of a window in this file, and takes it away; without one it is not known, as
 * where no window is there.
 */
export function answersIn(file: string | undefined): WorkWorld['merge'] {
  return file === undefined
    ? undefined
    : async (signal) => {
        for (let left = MOST_LOOKS; left > 0; left--) {
          const read = readWholeSync(file, { mostBytes: 99 });
          if (read.ok && read.value) {
            rmSync(file);
            return read.value.bytes.toString() as MergeAnswer;
          }
          if (signal.aborted) left = Math.min(left, LOOKS_AFTER_STOP);
          await pause(LOOK_EVERY_MS);
        }
        return signal.aborted ? 'stopped' : 'unknown';
      };
}
