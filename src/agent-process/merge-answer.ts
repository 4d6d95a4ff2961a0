import { setTimeout as pause } from 'node:timers/promises';
import type { MergeAnswer, WorkWorld } from '../core/run/attempt/task-work.ts';
import { readWholeSync } from '../disk/read-whole.ts';

const LOOK_EVERY_MS = 100;
/** An hour: other work may be merged and verified before. */
const MOST_LOOKS = 36_000;
/** Fifteen seconds, for a window to give a merge up. */
const LOOKS_AFTER_STOP = 150;

/** What a window answers, as its file has it: it names the phase of the attempt that asks. */
export function formatAnswer(again: boolean, answer: MergeAnswer): string {
  return `${again ? 'mergingAgain' : 'merging'} ${answer}`;
}

/** The answer of a window in this file; undefined where it is of another phase, or not there yet. */
export function readAnswer(file: string, again: boolean): MergeAnswer | undefined {
  const read = readWholeSync(file, { mostBytes: 99 });
  const text = read.ok && read.value ? read.value.bytes.toString() : '';
  const asked = formatAnswer(again, '' as MergeAnswer);
  return text.startsWith(asked) ? (text.slice(asked.length) as MergeAnswer) : undefined;
}

/**
 * Waits for the answer of a window in this file, which stays: a window that comes sees that this was
 * answered. Without one it is not known, as where no window is there.
 */
export function answersIn(file: string | undefined): WorkWorld['merge'] {
  let again = false;
  return file === undefined
    ? undefined
    : async (signal) => {
        const asked = again;
        again = true;
        for (let left = MOST_LOOKS; left > 0; left--) {
          const answer = readAnswer(file, asked);
          if (answer !== undefined) return answer;
          if (signal.aborted) left = Math.min(left, LOOKS_AFTER_STOP);
          await pause(LOOK_EVERY_MS);
        }
        return signal.aborted ? 'stopped' : 'unknown';
      };
}
