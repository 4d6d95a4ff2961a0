import type { Terminal, ThemeIcon, window } from 'vscode';
import type { Disposable } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import type { TaskId } from '../../core/task.ts';
import { type AgentOutput, createReader } from '../output/agent-output.ts';
import type { OutputReader } from '../output/output-reader.ts';
import { AgentTerminal, type TerminalMark } from './agent-terminal.ts';
import { LogTail } from './log-tail.ts';
import { cut, oneLine, plain } from '../../core/text.ts';

/**
 * One attempt at a task, as its terminal shows it. What comes from the backlog may hold anything.
 */
export interface Attempt {
  /** `<runId>/<start>`, which no other attempt has. */
  readonly key: string;
  readonly runId: string;
  readonly attemptNo: number;
  readonly id: TaskId;
  readonly title: string;
  /** What the agent is called: `Claude Code`. */
  readonly label: string;
  readonly output: AgentOutput;
  /** Absolute; it need not exist yet. */
  readonly logFile: string;
  /** Counts the attempts at the task from 1. */
  readonly tryNo: number;
}

/** How an attempt ended: `✓`, `Ended well after 12 s`. */
export interface ShownEnd {
  readonly mark: TerminalMark;
  /** Plain words without a full stop. */
  readonly words: string;
}

export interface AttemptViewOptions {
  readonly window: Pick<typeof window, 'createTerminal'>;
  readonly icon: ThemeIcon | undefined;
  readonly clock: Pick<Clock, 'after' | 'now'>;
  /** Ctrl+C was pressed. */
  readonly onStop: () => void;
  /** The terminal is gone. */
  readonly onClosed: () => void;
  readonly onActivity: () => void;
  readonly log: (line: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/** How often a log is read while its text can be seen. */
const READ_EVERY_MS = 100;

/** A terminal may come and go, and each one shows the log from its beginning. */
interface Screen {
  readonly terminal: Terminal;
  readonly pty: AgentTerminal;
  readonly tail: LogTail;
  reader: OutputReader;
}

/**
 * One attempt: the text of its log in a terminal, if it has one, and what the agent is doing now.
 *
 *     at work (with or without a terminal) ──end──▶ ended (with the terminal it had)
 */
export class AttemptView implements Disposable {
  readonly attempt: Attempt;
  readonly #options: AttemptViewOptions;
  #screen: Screen | undefined;
  #activity: string | undefined;
  #end: ShownEnd | undefined;
  #stopping = false;
  #disposed = false;

  constructor(attempt: Attempt, options: AttemptViewOptions) {
    this.attempt = attempt;
    this.#options = options;
  }

  get isAtWork(): boolean {
    return this.#end === undefined && !this.#disposed;
  }

  /** True where it failed, or it is not known how it ended. */
  get endedBadly(): boolean {
    return this.#end?.mark === '✗' || this.#end?.mark === '?';
  }

  get hasTerminal(): boolean {
    return this.#screen !== undefined;
  }

  /**
   * The activity of the agent, on one plain line; undefined where it reports none, and after the
   * end.
   */
  get activity(): string | undefined {
    return this.isAtWork ? this.#activity : undefined;
  }

  setActivity(said: string): void {
    const activity = oneLine(said);
    if (activity === this.#activity || !this.isAtWork) return;
    this.#activity = activity;
    this.#options.onActivity();
  }

  /**
   * Opens a terminal if there is none, behind what has the focus, and follows the log in it. Not
   * after the end.
   */
  open(note: string): void {
    if (this.#screen !== undefined || !this.isAtWork) return;
    const { window, icon, clock, onStop } = this.#options;
    const { id, title } = this.attempt;
    // The title first: the ids of one backlog often differ in their last digits only.
    const name = [title, id]
      .map((text) => plain(cut(text, 40)))
      .filter(Boolean)
      .join(' · ');
    const pty: AgentTerminal = new AgentTerminal({
      name,
      clock,
      onStop: () => {
        if (!this.#stopping) pty.write('\x1b[0m\n[Asked to stop.]\n');
        this.#stopping = true;
        onStop();
      },
      onClosed: () => this.#closed(pty),
    });
    // Transient: after a reload we make it anew from the log; the editor would only bring back an
    // empty one.
    const terminal = window.createTerminal({
      name,
      pty,
      isTransient: true,
      ...(icon && { iconPath: icon }),
    });
    pty.write(header(this.attempt, note));
    const screen: Screen = {
      terminal,
      pty,
      reader: this.#makeReader(),
      tail: this.#makeTail(() => screen),
    };
    this.#screen = screen;
    screen.tail.follow(READ_EVERY_MS);
  }

  show(preserveFocus: boolean): void {
    this.#screen?.terminal.show(preserveFocus);
  }

  /**
   * The editor closed a terminal, perhaps this one: of one that never opened its pseudoterminal
   * does not hear.
   */
  terminalClosed(terminal: Terminal): void {
    const screen = this.#screen;
    if (screen?.terminal === terminal) this.#closed(screen.pty);
  }

  /** Shows what is left in the log and how it ended. A second end changes nothing. */
  async end(end: ShownEnd): Promise<void> {
    if (!this.isAtWork) return;
    this.#end = end;
    const screen = this.#screen;
    if (screen === undefined) return;
    await screen.tail.flush();
    screen.tail.dispose();
    // Its terminal may have been closed meanwhile.
    if (this.#screen !== screen) return;
    const { pty, tail, reader } = screen;
    if (!tail.isThere) pty.write('\x1b[2m[There is no log.]\x1b[0m\n');
    pty.write(reader.end());
    pty.end(footer(end), end.mark);
  }

  /** Shows another end than the one before; nothing while it is at work. */
  endAnew(end: ShownEnd): void {
    if (this.isAtWork || this.#screen === undefined) return;
    this.#end = end;
    this.#screen.pty.end(footer(end), end.mark);
  }

  /** Closes the terminal without stopping anything. */
  dispose(): void {
    this.#disposed = true;
    const screen = this.#screen;
    this.#screen = undefined;
    screen?.tail.dispose();
    screen?.terminal.dispose();
  }

  #closed(pty: AgentTerminal): void {
    if (this.#screen?.pty !== pty) return;
    this.#screen.tail.dispose();
    this.#screen = undefined;
    this.#options.onClosed();
  }

  #makeReader(): OutputReader {
    return createReader(this.attempt.output, () => this.#options.clock.now());
  }

  #makeTail(screen: () => Screen): LogTail {
    const { clock, log, reportBug } = this.#options;
    const { logFile: file, output, key } = this.attempt;
    return new LogTail({
      file,
      clock,
      reportBug,
      // Half an event is no text.
      wholeLines: output !== 'text' && output !== 'aider',
      onBytes: (bytes) => screen().pty.write(screen().reader.read(bytes)),
      onGap: (why) => {
        // Half a line before the gap must not be read together with half a line after it.
        const left = screen().reader.end();
        screen().reader = this.#makeReader();
        const note =
          why === 'skipped'
            ? `Earlier output is only in ${oneLine(file)}`
            : 'The log was begun anew';
        screen().pty.write(`${left}\x1b[0m\n\x1b[2m[${note}]\x1b[0m\n`);
      },
      onFault: (detail) => log(`The log of attempt ${key} cannot be shown: ${detail}`),
    });
  }
}

function footer({ mark, words }: ShownEnd): string {
  return `${mark} ${oneLine(words)}. Any key closes this terminal.`;
}

/** Short lines, since a wrapped line moves with every change of the panel's width. */
function header({ id, title, label, tryNo }: Attempt, note: string): string {
  const which = tryNo > 1 ? `, attempt ${tryNo}` : '';
  const lines = [
    `\x1b[1m${oneLine(id)} · ${oneLine(title)}\x1b[0m`,
    `\x1b[2m${oneLine(label)}${which}. ${note}\x1b[0m`,
  ];
  return `${lines.join('\n')}\n\n`;
}
