import type { Pseudoterminal } from 'vscode';
import { Emitter, type Disposable, type Event } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';

/**
 * How the work in a terminal ended, as its name shows it: success, failure, stopped, unknown,
 * retry.
 */
export type TerminalMark = '✓' | '✗' | '■' | '?' | '↻';

/**
 * Of what was written before the terminal was there, at least this much is kept; about 2,000 full
 * lines.
 */
const MAX_HELD_BACK = 200_000;
const NAME_AGAIN_MS = 1000;
const CTRL_C = '\x03';
const ESCAPE = '\x1b';

/**
 * The terminal of one agent: shows what is written, asks for a stop on Ctrl+C, and stays readable
 * after the end until a key is pressed. Closing it stops nothing: it is a view of work that
 * continues elsewhere.
 *
 *     waiting ──open──▶ open ──end──▶ ended ──key──▶ closed
 *        └───────────────┴──────── by the user ────────▲
 */
export class AgentTerminal implements Pseudoterminal {
  readonly #written = new Emitter<string>();
  readonly #closing = new Emitter<void>();
  readonly #renamed = new Emitter<string>();
  readonly #name: string;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #onStop: () => void;
  readonly #onClosed: () => void;
  #heldBack = '';
  #dropped = false;
  #open = false;
  /** Set with the end. */
  #mark: TerminalMark | undefined;
  #naming: Disposable | undefined;
  #lastWasReturn = false;

  readonly onDidWrite: Event<string> = this.#written.event;
  readonly onDidClose: Event<void> = this.#closing.event;
  readonly onDidChangeName: Event<string> = this.#renamed.event;

  constructor(options: {
    readonly name: string;
    readonly clock: Pick<Clock, 'after'>;
    readonly onStop: () => void;
    readonly onClosed: () => void;
  }) {
    this.#name = options.name;
    this.#clock = options.clock;
    this.#onStop = options.onStop;
    this.#onClosed = options.onClosed;
  }

  get isEnded(): boolean {
    return this.#mark !== undefined;
  }

  open(): void {
    this.#open = true;
    if (this.#dropped) this.#written.fire('[Earlier output is only in the log.]\r\n');
    if (this.#heldBack !== '') this.#written.fire(this.#heldBack);
    this.#heldBack = '';
    this.#tellName();
  }

  /** The editor calls this when the terminal is closed, by the user or by us. */
  close(): void {
    this.#heldBack = '';
    this.#naming?.dispose();
    this.#onClosed();
  }

  handleInput(data: string): void {
    if (!this.isEnded) {
      if (data.includes(CTRL_C)) this.#onStop();
      return;
    }
    // Not for arrows, and not for what the terminal itself answers to questions in the agent's
    // output.
    if (data.startsWith(ESCAPE) && data.length > 1) return;
    this.#closing.fire();
  }

  /** Writes text whose lines end with a line feed; a terminal wants a carriage return before it. */
  write(text: string): void {
    if (text === '') return;
    const whole = (this.#lastWasReturn ? '\r' : '') + text;
    const lines = whole.replace(/\r?\n/g, '\r\n').slice(this.#lastWasReturn ? 1 : 0);
    this.#lastWasReturn = text.endsWith('\r');
    if (this.#open) this.#written.fire(lines);
    else this.#holdBack(lines);
  }

  /**
   * Writes the last line and marks the name, in front, since lists of terminals cut names at the
   * end.
   */
  end(footer: string, mark: TerminalMark): void {
    // An agent may end within a line, and in a colour.
    this.write(`\x1b[0m\n\n${footer}\n`);
    this.#mark = mark;
    this.#tellName();
  }

  /**
   * The editor ignores a name before it has opened a terminal, and loses one that comes soon after;
   * so the name is sent twice.
   */
  #tellName(): void {
    const mark = this.#mark;
    if (mark === undefined || !this.#open) return;
    const tell = (): void => this.#renamed.fire(`${mark} ${this.#name}`);
    tell();
    this.#naming?.dispose();
    this.#naming = this.#clock.after(NAME_AGAIN_MS, tell);
  }

  #holdBack(text: string): void {
    this.#heldBack += text;
    // Cut at twice the bound, so that each character is moved once and not with every write.
    if (this.#heldBack.length <= 2 * MAX_HELD_BACK) return;
    // From the next line on, so that no sequence and no pair is cut.
    const cut = this.#heldBack.indexOf('\n', this.#heldBack.length - MAX_HELD_BACK);
    this.#heldBack = cut < 0 ? '' : this.#heldBack.slice(cut + 1);
    this.#dropped = true;
  }
}
