import { cut, oneLine, cleanLines } from '../../core/text.ts';
import { isSessionId } from '../../core/run/journal/session-id.ts';
import type { OutputReader } from './output-reader.ts';
import { parseEvent, shorten, type EventFormat, type OutputEvent } from './event-parts.ts';
import { findAuthAdvice, findRateLimit, type RateLimit } from './error-patterns.ts';

/** A longer line is shown as it comes, so that an agent that never ends its line is still seen. */
const MAX_LINE = 1024 * 1024;
const MAX_SAID = 16_000;
const MAX_ACTIVITY = 80;
/** Lines that are no events, from the end, in which a reason for a bad end is looked for. */
const MAX_STRAY = 20;

/**
 * One event per line; a line that is no event is shown as it is, without what a terminal would
 * obey.
 */
export class JsonLinesReader implements OutputReader {
  sessionId: string | undefined;
  lastSaid: string | undefined;
  activity: string | undefined;
  readonly #format: EventFormat;
  readonly #now: () => number;
  readonly #decoder = new TextDecoder();
  readonly #stray: string[] = [];
  #rest = '';
  /** A message of which pieces were shown; the line of the last one has not ended yet. */
  #saying = '';
  #ended = false;
  #result: { readonly wrong: string | undefined } | undefined;
  /** The error since the agent's last message or tool call. */
  #error: string | undefined;
  #refused: RateLimit | undefined;

  constructor(format: EventFormat, now: () => number) {
    this.#format = format;
    this.#now = now;
  }

  read(bytes: Uint8Array): string {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    const text = this.#take(this.#decoder.decode());
    const rest = this.#rest;
    this.#rest = '';
    const last = text + (rest === '' ? '' : this.#tell(rest)) + this.#endSaying();
    this.#ended = true;
    return last;
  }

  get complaint(): string | undefined {
    if (this.#result !== undefined) {
      const { wrong } = this.#result;
      return wrong === undefined ? undefined : (findAuthAdvice(wrong) ?? wrong);
    }
    if (this.#error !== undefined) return findAuthAdvice(this.#error) ?? this.#error;
    // Where an agent continued after an error line beside the events, and reported no error as its
    // result, the line does not count.
    const { hasLastWord } = this.#format;
    const stray = this.#stray.map(findAuthAdvice).findLast((advice) => advice !== undefined);
    if (stray !== undefined && (hasLastWord || this.lastSaid === undefined)) return stray;
    return this.#ended && hasLastWord ? 'It ended without saying how it went.' : undefined;
  }

  get rateLimit(): RateLimit | undefined {
    if (this.#result !== undefined && this.#result.wrong === undefined) return undefined;
    const said = this.#result?.wrong ?? this.#error;
    const found = said === undefined ? undefined : findRateLimit(said, this.#now());
    // An agent whose last message is the refusal itself, ended by an error of few words.
    const words =
      found ?? (said === undefined ? undefined : findRateLimit(tailOf(this.lastSaid), this.#now()));
    return this.#refused ?? words ?? findRateLimit(this.#stray.join('\n'), this.#now());
  }

  #take(text: string): string {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const told = lines.map((line) => this.#tell(line)).join('');
    if (this.#rest.length <= MAX_LINE) return told;
    const long = this.#rest;
    this.#rest = '';
    return told + cleanLines(long);
  }

  #tell(line: string): string {
    const event = parseEvent(line);
    if (event === undefined) return this.#showStray(line);
    const told = this.#format.understand(event);
    if (told === undefined) return this.#showLine(`[${shorten(event.type)}]`);
    return told.map((one) => this.#show(one)).join('');
  }

  #showStray(line: string): string {
    const text = cleanLines(line.replace(/\x1b\[[\d;:]*m/g, ''));
    if (text.trim() === '') return '';
    this.#stray.push(text.slice(0, 1000));
    if (this.#stray.length > MAX_STRAY) this.#stray.shift();
    return this.#showLine(text);
  }

  #show(told: OutputEvent): string {
    switch (told.kind) {
      case 'said':
        return this.#showSaid(cleanLines(told.text));
      case 'saying': {
        const text = cleanLines(told.text);
        this.#saying += text;
        this.#progress(this.#saying);
        return text;
      }
      case 'does':
        this.activity = cut(oneLine(told.line), MAX_ACTIVITY);
        this.#error = undefined;
        return this.#showLine(told.line);
      case 'note':
        return this.#showLine(told.line);
      case 'session':
        // It may come to stand in an argument, so it is a plain word or nothing.
        if (typeof told.id === 'string' && isSessionId(told.id)) this.sessionId = told.id;
        return '';
      case 'error':
        this.#error = told.text.slice(0, MAX_SAID);
        return this.#showLine(`! ${shorten(told.text)}`);
      case 'refused':
        this.#refused = {
          retryAfterMs:
            told.until === undefined ? undefined : Math.max(0, told.until - this.#now()),
          detail: shorten(told.detail),
        };
        return this.#showLine(`! ${shorten(told.detail)}`);
      case 'result':
        return this.#showResult(told.text, told.wrong);
    }
  }

  /** A message that was shown in pieces already, or is what was said last, is not shown again. */
  #showSaid(text: string): string {
    const shown = this.#saying.trim();
    const isAgain = shown !== '' && (text.trim() === shown || text.trimEnd().endsWith(shown));
    const before = this.#endSaying();
    if (isAgain || text.trim() === '') return before;
    this.#progress(text);
    return before + `${text}\n`;
  }

  #showResult(text: string | undefined, wrong: string | undefined): string {
    const before = this.#endSaying();
    this.#result = {
      wrong: wrong === undefined ? undefined : cleanLines(wrong).slice(0, MAX_SAID),
    };
    const last = cleanLines(text ?? '');
    const said = this.lastSaid?.trim() ?? '';
    // Some agents repeat their whole answer, which ends with the last message.
    if (last.trim() === '' || (said !== '' && last.trimEnd().endsWith(said))) return before;
    this.#progress(last);
    return before + `${last}\n`;
  }

  #progress(text: string): void {
    this.#error = undefined;
    this.lastSaid = tailOf(text);
    const line = text.trimEnd().split('\n').at(-1) ?? '';
    if (line.trim() !== '') this.activity = cut(oneLine(line), MAX_ACTIVITY);
  }

  #endSaying(): string {
    const needsBreak = this.#saying !== '' && !this.#saying.endsWith('\n');
    this.#saying = '';
    return needsBreak ? '\n' : '';
  }

  #showLine(line: string): string {
    return `${this.#endSaying()}${line}\n`;
  }
}

function tailOf(text: string | undefined): string {
  return (text ?? '').trim().slice(-MAX_SAID);
}
