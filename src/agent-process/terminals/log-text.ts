import { Emitter, type Disposable, type Event } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import { oneLine } from '../../core/text.ts';
import { createReader } from '../output/agent-output.ts';
import type { OutputReader } from '../output/output-reader.ts';
import type { Attempt, ShownEnd } from './attempt-view.ts';
import { LogTail } from './log-tail.ts';

/** How often a log is read that is open in an editor. */
const READ_EVERY_MS = 500;
/** The most that an editor is given, in UTF-16 units: of a longer log the end. */
const MOST = 2 * 1024 * 1024;
/** The colours that an `OutputReader` lets through. */
const COLOUR = /\x1b\[[\d;:]*m/g;

export interface LogTextOptions {
  readonly clock: Pick<Clock, 'after' | 'now'>;
  readonly log: (line: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/** The log of one attempt as plain text, while it grows. */
export class LogText implements Disposable {
  readonly #attempt: Attempt;
  readonly #options: LogTextOptions;
  readonly #changed = new Emitter<undefined>();
  readonly #tail: LogTail;
  #reader: OutputReader;
  #text = '';
  #end: ShownEnd | undefined;

  /** There is more of it, or it has ended. */
  readonly onDidChange: Event<undefined> = this.#changed.event;

  constructor(attempt: Attempt, options: LogTextOptions) {
    this.#attempt = attempt;
    this.#options = options;
    this.#reader = this.#makeReader();
    const { logFile: file, output, key } = attempt;
    this.#tail = new LogTail({
      file,
      clock: options.clock,
      reportBug: options.reportBug,
      // Half an event is no text.
      wholeLines: output !== 'text' && output !== 'aider',
      onBytes: (bytes) => this.#add(this.#reader.read(bytes)),
      onGap: (why) => {
        const left = this.#reader.end();
        this.#reader = this.#makeReader();
        const note =
          why === 'skipped'
            ? `Earlier output is only in ${oneLine(file)}`
            : 'The log was begun anew';
        this.#add(`${left}\n[${note}]\n`);
      },
      onFault: (detail) => options.log(`The log of attempt ${key} cannot be shown: ${detail}`),
    });
  }

  /** Reads on from now on; resolves when what is there has been read. */
  async follow(): Promise<void> {
    await this.#tail.flush();
    if (this.#end === undefined) this.#tail.follow(READ_EVERY_MS);
  }

  /** The attempt has ended so: the rest is read, and nothing after it. A second end is ignored. */
  async end(end: ShownEnd): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = end;
    await this.#tail.flush();
    this.#tail.dispose();
    this.#add(this.#reader.end());
    this.#changed.fire(undefined);
  }

  /** What the agent wrote alone, at most this many UTF-16 units of its end, from a line on. */
  lastOf(most: number): string {
    if (this.#text.length <= most) return this.#text;
    const end = this.#text.slice(-most);
    return end.slice(end.indexOf('\n') + 1);
  }

  get text(): string {
    const { id, title, label, tryNo } = this.#attempt;
    const which = tryNo > 1 ? `, attempt ${tryNo}` : '';
    const head = `${oneLine(title)} (${oneLine(id)})\n${oneLine(label)}${which}\n`;
    const body = this.#tail.isThere ? this.#text : '[There is no log.]\n';
    const foot =
      this.#end === undefined ? '' : `\n${this.#end.mark} ${oneLine(this.#end.words)}.\n`;
    return `${head}\n${body.endsWith('\n') || body === '' ? body : `${body}\n`}${foot}`;
  }

  dispose(): void {
    this.#tail.dispose();
    this.#changed.dispose();
  }

  #add(text: string): void {
    if (text === '') return;
    const whole = this.#text + text.replace(COLOUR, '').replace(/\r\n?/g, '\n');
    this.#text = whole.slice(-MOST);
    this.#changed.fire(undefined);
  }

  #makeReader(): OutputReader {
    return createReader(this.#attempt.output, () => this.#options.clock.now());
  }
}
