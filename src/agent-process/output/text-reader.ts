import { cut, oneLine } from '../../core/text.ts';
import type { OutputReader } from './output-reader.ts';
import { TerminalFilter } from '../terminals/terminal-filter.ts';
import { tellingLine } from './json-lines-reader.ts';
import { isApiError, isReport } from './api-error.ts';
import { hasSentence } from './provider-sentences.ts';
import type { OutputFacts, ToldError } from './verdict.ts';

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
  readonly isDone = false;
  readonly usage = undefined;
  readonly isUsageOfSession = false;
  readonly denied: readonly string[] = [];
  readonly remarks: readonly string[] = [];
  readonly #judgedByWords: boolean;
  readonly #decoder = new TextDecoder();
  readonly #filter = new TerminalFilter();
  #tail = '';

  constructor({ judgedByWords }: { readonly judgedByWords: boolean }) {
    this.#judgedByWords = judgedByWords;
  }

  read(bytes: Uint8Array): string {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    return this.#take(this.#decoder.decode());
  }

  get facts(): OutputFacts {
    const { lastSaid } = this;
    return {
      result: undefined,
      endsWithResult: false,
      lastSaid,
      error: this.#error(),
      refused: undefined,
      stray: this.#lastLines(),
      hasWorked: lastSaid !== undefined && !isApiError(lastSaid),
    };
  }

  /** The error with which it ends, with any exit code; further up, it may have been mended. */
  #error(): ToldError | undefined {
    const last = this.#lastLines();
    const found =
      last.slice(-3).findLast(isError) ??
      (this.#judgedByWords ? last.findLast((line) => AIDER_ERROR.test(line)) : undefined);
    return found === undefined ? undefined : { text: found, status: undefined };
  }

  get lastSaid(): string | undefined {
    const text = this.#plain();
    return text === '' ? undefined : text;
  }

  get activity(): string | undefined {
    const line = tellingLine(this.#plain());
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
      .split('\n')
      .map(lastDrawn)
      .join('\n')
      .replace(/[\b\r]/g, '')
      .trim();
  }
}

/** What comes after the last return to the beginning of a line that something comes after. */
function lastDrawn(line: string): string {
  let end = line.length;
  while (end > 0 && line.charAt(end - 1) === '\r') end--;
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
}

/** A line that is an error by itself, or says that it is one of a kind that ends everything. */
function isError(line: string): boolean {
  if (isApiError(line)) return true;
  if (isReport(line)) return false;
  const isReported = REPORTED.test(line);
  return (isReported || LOCKED_OUT.test(line)) && hasSentence('login', line);
}

/** `Error: `, `[ERROR] `, `Error 401`, `fatal: `: not `Error handling`, `error.ts`. */
const REPORTED = /^\W{0,6}(?:fatal )?(?:error|fatal)(?:\]|\s?(?:[:(\[-]|\d{3}\b|$))/i;
const LOCKED_OUT = /^\W{0,6}(?:you are |you're )?not (?:logged|signed) in\b/i;
