import { cut, oneLine } from '../../core/text.ts';
import type { OutputReader } from './output-reader.ts';
import { TerminalFilter } from '../terminals/terminal-filter.ts';
import { findAuthAdvice, findRateLimit, type RateLimit } from './error-patterns.ts';

/** What is kept of the end of an output, in characters. */
const MAX_TAIL = 16_000;
const MAX_ACTIVITY = 80;
/** Lines from the end in which the reason for a bad end is looked for. */
const LAST_LINES = 15;

/** Aider always ends with 0; these are the error messages of its model library. */
const AIDER_ERROR =
  /^\W{0,3}(?:litellm\.\w*(?:Error|Exception)|The API provider .{0,60}(?:not able to authenticate|refused|limit))/;

/** Plain output, shown with its colours and without other control sequences. */
export class TextReader implements OutputReader {
  readonly sessionId = undefined;
  readonly #now: () => number;
  readonly #judgedByWords: boolean;
  readonly #decoder = new TextDecoder();
  readonly #filter = new TerminalFilter();
  #tail = '';

  constructor(now: () => number, { judgedByWords }: { readonly judgedByWords: boolean }) {
    this.#now = now;
    this.#judgedByWords = judgedByWords;
  }

  read(bytes: Uint8Array): string {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    return this.#take(this.#decoder.decode());
  }

  get complaint(): string | undefined {
    const last = this.#lastLines();
    // Further up, it may have been a step that was fixed.
    const advice = last
      .slice(-3)
      .map(findAuthAdvice)
      .findLast((found) => found !== undefined);
    if (advice !== undefined) return advice;
    return this.#judgedByWords ? last.findLast((line) => AIDER_ERROR.test(line)) : undefined;
  }

  get lastSaid(): string | undefined {
    const text = this.#plain();
    return text === '' ? undefined : text;
  }

  get rateLimit(): RateLimit | undefined {
    return findRateLimit(this.#lastLines().join('\n'), this.#now());
  }

  get activity(): string | undefined {
    const line = this.#lastLines().at(-1);
    return line === undefined ? undefined : cut(oneLine(line), MAX_ACTIVITY);
  }

  #take(text: string): string {
    const shown = this.#filter.filter(text);
    this.#tail += shown;
    // Cut at twice the bound, so that each character is moved once and not with every read.
    if (this.#tail.length > 2 * MAX_TAIL) this.#tail = this.#tail.slice(-MAX_TAIL);
    return shown;
  }

  #lastLines(): readonly string[] {
    return this.#plain()
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .slice(-LAST_LINES);
  }

  /** Without colours; of a line that was drawn over, what was drawn last. */
  #plain(): string {
    return this.#tail
      .slice(-MAX_TAIL)
      .replace(/\x1b\[[\d;:]*m/g, '')
      .replace(/\r+\n/g, '\n')
      .replace(/^[^\n]*\r(?=[^\n])/gm, '')
      .replace(/[\b\r]/g, '')
      .trim();
  }
}
