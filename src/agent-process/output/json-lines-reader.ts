import { cut, oneLine, cleanLines } from '../../core/text.ts';
import { isSessionId } from '../../core/run/journal/session-id.ts';
import type { Usage } from '../../core/run/usage.ts';
import type { OutputReader } from './output-reader.ts';
import {
  parseEvent,
  shorten,
  ToolCalls,
  type EventFormat,
  type OutputEvent,
} from './event-parts.ts';
import { LongLine } from './long-line.ts';
import { MessageTail, tailOf } from './message-tail.ts';
import { UsageMeter } from './usage-meter.ts';
import { isApiError } from './api-error.ts';
import type { RateLimit } from './provider-sentences.ts';
import type { OutputFacts, ToldError } from './verdict.ts';

/**
 * Of a longer line that may be an event only parts are kept. Any other is shown as it comes, so that
 * an agent that never ends its line is still seen.
 */
const MAX_LINE = 1024 * 1024;
const MAX_SAID = 16_000;
const MAX_ACTIVITY = 80;
/** Lines that are no events, from the end, in which a reason for a bad end is looked for. */
const MAX_STRAY = 20;
/** An agent may try what it may not do any number of times. */
const MAX_DENIED = 100;

/**
 * One event per line; a line that is no event is shown as it is, without what a terminal would
 * obey.
 */
export class JsonLinesReader implements OutputReader {
  sessionId: string | undefined;
  #activity: string | undefined;
  #lastSaid: string | undefined;
  #isText: boolean;
  readonly #format: EventFormat;
  readonly #now: () => number;
  readonly #decoder = new TextDecoder();
  readonly #calls = new ToolCalls();
  readonly #meter = new UsageMeter();
  readonly #stray: string[] = [];
  readonly denied: string[] = [];
  readonly remarks: string[] = [];
  #rest = '';
  /** In place of `#rest`, while a line is longer than that may be. */
  #long: LongLine | undefined;
  /** A message of which pieces were shown; the line of the last one has not ended yet. */
  #saying = new MessageTail();
  /** True where `#lastSaid` and `#activity` do not know the last pieces of it yet. */
  #isBehind = false;
  #result: { readonly error: ToldError | undefined } | undefined;
  /** The error since the agent's last message or tool call. */
  #error: ToldError | undefined;
  #refused: RateLimit | undefined;
  #hasWorked = false;

  constructor(format: EventFormat, now: () => number) {
    this.#format = format;
    this.#isText = format.mayBeText === true;
    this.#now = now;
  }

  get activity(): string | undefined {
    this.#catchUp();
    if (this.#activity !== undefined || !this.#isText) return this.#activity;
    // Of an output that may be plain text, its last line, as a reader of text has it.
    const line = tellingLine(this.#stray.join('\n'));
    return line === undefined ? undefined : cut(oneLine(line), MAX_ACTIVITY);
  }

  get lastSaid(): string | undefined {
    this.#catchUp();
    return this.#isText && this.#stray.length > 0 ? tailOf(this.#stray.join('\n')) : this.#lastSaid;
  }

  read(bytes: Uint8Array): string {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    const text = this.#take(this.#decoder.decode());
    const rest = this.#long === undefined ? this.#rest : this.#endLong('');
    this.#rest = '';
    return text + (rest === '' ? '' : this.#tell(rest)) + this.#endSaying();
  }

  get isDone(): boolean {
    return this.#result !== undefined;
  }

  get usage(): Usage | undefined {
    return this.#meter.usage;
  }

  get isUsageOfSession(): boolean {
    return this.#meter.isOfSession;
  }

  get facts(): OutputFacts {
    return {
      result: this.#result,
      endsWithResult: this.#format.hasLastWord,
      lastSaid: this.lastSaid,
      error: this.#error,
      refused: this.#refused,
      stray: this.#stray,
      hasWorked: this.#works,
    };
  }

  #take(text: string): string {
    const lines = text.split('\n');
    const last = lines.pop() ?? '';
    const told = lines.map((line) => this.#tell(this.#endLine(line))).join('');
    return told + this.#hold(last);
  }

  /** The line that ends with this. */
  #endLine(text: string): string {
    if (this.#long !== undefined) return this.#endLong(text);
    const line = this.#rest + text;
    this.#rest = '';
    if (line.length <= MAX_LINE || !mayBeEvent(line)) return line;
    this.#long = new LongLine();
    return this.#endLong(line);
  }

  #endLong(text: string): string {
    this.#long?.add(text);
    const line = this.#long?.end() ?? '';
    this.#long = undefined;
    // What is no event after all has nothing that could be shown.
    return parseEvent(line) === undefined ? '[a long line is left out here]' : line;
  }

  /** Keeps the beginning of a line until the rest of it comes; shows what is too long to be kept. */
  #hold(text: string): string {
    if (this.#long !== undefined) {
      this.#long.add(text);
      return '';
    }
    this.#rest += text;
    if (this.#rest.length <= MAX_LINE) return '';
    const long = this.#rest;
    this.#rest = '';
    if (!mayBeEvent(long)) return cleanLines(long);
    this.#long = new LongLine();
    this.#long.add(long);
    return '';
  }

  #tell(line: string): string {
    const event = parseEvent(line);
    if (event === undefined) return this.#showStray(line);
    this.#isText = false;
    const told = this.#format.understand(event, this.#calls);
    if (told === undefined) return this.#showLine(`[${shorten(event.type)}]`);
    return told.map((one) => this.#show(one)).join('');
  }

  #showStray(line: string): string {
    const text = cleanLines(line.replace(/\x1b\[[\d;:]*m/g, ''));
    if (text.trim() === '') return '';
    this.#noteStray(text);
    return this.#showLine(text);
  }

  #noteStray(text: string): void {
    this.#stray.push(text.slice(0, 1000));
    if (this.#stray.length > MAX_STRAY) this.#stray.shift();
  }

  #show(told: OutputEvent): string {
    switch (told.kind) {
      case 'said':
        return this.#showSaid(cleanLines(told.text));
      case 'saying': {
        const text = cleanLines(told.text);
        if (this.#saying.isEmpty) this.#hasWorked = this.#works;
        this.#goOn();
        this.#saying.add(text);
        this.#isBehind = true;
        return text;
      }
      case 'does':
        this.#catchUp();
        this.#activity = cut(oneLine(told.line), MAX_ACTIVITY);
        this.#hasWorked = true;
        this.#goOn();
        return this.#showLine(told.line);
      case 'note':
        return this.#showLine(told.line);
      case 'session':
        // It may come to stand in an argument, so it is a plain word or nothing.
        if (typeof told.id === 'string' && isSessionId(told.id)) this.sessionId = told.id;
        return '';
      case 'error':
        this.#error = { text: told.text.slice(0, MAX_SAID), status: told.status };
        return this.#showLine(`! ${shorten(told.text)}`);
      case 'warning':
        this.#noteStray(cleanLines(told.text));
        return this.#showLine(`! ${shorten(told.text)}`);
      case 'denied':
        if (this.denied.length < MAX_DENIED) this.denied.push(shorten(told.what));
        return this.#showLine(`! not allowed: ${shorten(told.what)}`);
      case 'remark':
        if (!this.remarks.includes(told.line)) this.remarks.push(told.line);
        return this.#showLine(`! ${told.line}`);
      case 'usage':
        this.#meter.note(told.told);
        return '';
      case 'refused':
        this.#refused = {
          retryAfterMs:
            told.until === undefined ? undefined : Math.max(0, told.until - this.#now()),
          detail: shorten(told.detail),
          words: '',
        };
        return this.#showLine(`! ${shorten(told.detail)}`);
      case 'result':
        return this.#showResult(told.text, told.error);
    }
  }

  /** A message that was shown in pieces already, or is what was said last, is not shown again. */
  #showSaid(text: string): string {
    const shown = this.#saying.trimmed;
    const isAgain = shown !== '' && text.trimEnd().endsWith(shown);
    const before = this.#endSaying();
    if (isAgain || text.trim() === '') return before;
    this.#progress(text);
    return before + `${text}\n`;
  }

  #showResult(text: string | undefined, error: ToldError | undefined): string {
    const before = this.#endSaying();
    const result = {
      error: error && { text: cleanLines(error.text).slice(0, MAX_SAID), status: error.status },
    };
    const shown = this.#showLastMessage(text);
    this.#result = result;
    return before + shown;
  }

  #showLastMessage(text: string | undefined): string {
    const last = cleanLines(text ?? '');
    const said = this.lastSaid?.trim() ?? '';
    // Some agents repeat their whole answer, which ends with the last message.
    if (last.trim() === '' || (said !== '' && last.trimEnd().endsWith(said))) return '';
    this.#progress(last);
    return `${last}\n`;
  }

  #progress(text: string): void {
    this.#hasWorked = this.#works;
    this.#goOn();
    this.#noteSaid(tailOf(text), text);
  }

  #noteSaid(trimmed: string, text: string): void {
    this.#lastSaid = trimmed;
    const line = tellingLine(text);
    if (line !== undefined) this.#activity = cut(oneLine(line), MAX_ACTIVITY);
  }

  /** Only where it is asked for: a message may come in a hundred thousand pieces. */
  #catchUp(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    this.#noteSaid(this.#saying.trimmed, this.#saying.text);
  }

  /** An error that an agent says instead of reporting it is no work. */
  get #works(): boolean {
    const { lastSaid = '' } = this;
    return this.#hasWorked || (lastSaid !== '' && !isApiError(lastSaid));
  }

  /** What comes after an error is past it, and after a last word that was not the last. */
  #goOn(): void {
    this.#error = undefined;
    this.#result = undefined;
  }

  #endSaying(): string {
    this.#catchUp();
    const needsBreak = !this.#saying.isEmpty && !this.#saying.endsLine;
    this.#saying = new MessageTail();
    return needsBreak ? '\n' : '';
  }

  #showLine(line: string): string {
    return `${this.#endSaying()}${line}\n`;
  }
}

/** The last line that says something: no fence, rule or bracket. */
export function tellingLine(text: string): string | undefined {
  return text
    .slice(-MAX_SAID)
    .split('\n')
    .findLast((line) => /[\p{L}\p{N}]/u.test(line) && !/^\s*(?:```|~~~)/.test(line));
}

function mayBeEvent(line: string): boolean {
  return line.slice(0, 1000).trimStart().startsWith('{');
}
