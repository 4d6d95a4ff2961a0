import assert from 'node:assert/strict';
import type { ExtensionTerminalOptions, Terminal, TerminalOptions } from 'vscode';
import { Emitter } from '../../src/core/events.ts';
import { AgentTerminal } from '../../src/agent-process/terminals/agent-terminal.ts';
import { answers, shown, window as stub } from './editor-stub.ts';
import { settle } from './hand-clock.ts';

/** Lets the disk answer; a claim that does not come true in so many rounds never will. */
export async function eventually(claim: () => boolean): Promise<void> {
  for (let round = 0; round < 20_000 && !claim(); round++) await settle();
  assert(claim(), String(claim));
}

/** One terminal of the window below, and everything that was seen of it. */
export class ShownTerminal {
  readonly options: Readonly<TerminalOptions> | ExtensionTerminalOptions;
  name: string;
  text = '';
  isOpen = true;
  /** For each time it came to the front, whether the focus stayed where it was. */
  readonly shows: boolean[] = [];
  processId: Promise<number | undefined> = Promise.resolve(undefined);
  exitStatus: Terminal['exitStatus'];
  readonly #onClosed: (terminal: ShownTerminal) => void;

  constructor(
    options: TerminalOptions | ExtensionTerminalOptions,
    onClosed: (terminal: ShownTerminal) => void,
  ) {
    this.options = options;
    this.name = options.name ?? '';
    this.#onClosed = onClosed;
    if (!('pty' in options)) return;
    const { pty } = options;
    pty.onDidWrite((text) => void (this.text += text));
    pty.onDidChangeName?.((name) => void (this.name = name));
    pty.onDidClose?.(() => this.close());
    pty.open(undefined);
  }

  get pty(): AgentTerminal {
    assert('pty' in this.options && this.options.pty instanceof AgentTerminal);
    return this.options.pty;
  }

  show(preserveFocus?: boolean): void {
    this.shows.push(preserveFocus ?? false);
  }

  dispose(): void {
    this.close();
  }

  /**
   * `reason` is a number of the editor's `TerminalExitReason`, or one that it does not have yet.
   */
  close(exitStatus?: { readonly code: number | undefined; readonly reason: number }): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.exitStatus = exitStatus;
    if ('pty' in this.options) this.options.pty.close();
    this.#onClosed(this);
  }

  /**
   * As an editor does with a terminal that was not open yet: its pseudoterminal is told nothing.
   */
  closeUnopened(): void {
    this.isOpen = false;
    this.#onClosed(this);
  }
}

/**
 * A window with terminals that open at once; messages and their answers are those of the editor's
 * stub.
 */
export class TerminalWindow {
  readonly all: ShownTerminal[] = [];
  readonly #opened = new Emitter<Terminal>();
  readonly #closed = new Emitter<Terminal>();
  readonly onDidOpenTerminal = this.#opened.event;
  readonly onDidCloseTerminal = this.#closed.event;

  constructor() {
    answers.length = 0;
    shown.length = 0;
  }

  get terminals(): readonly Terminal[] {
    return this.all.filter(({ isOpen }) => isOpen) as unknown as readonly Terminal[];
  }

  readonly createTerminal = (options: TerminalOptions | ExtensionTerminalOptions): Terminal =>
    this.bringBack(options);

  readonly showInformationMessage = stub.showInformationMessage;

  /** A terminal that this window did not ask for. */
  bringBack(
    options: TerminalOptions | ExtensionTerminalOptions,
    processId?: Promise<number | undefined>,
  ): Terminal {
    const terminal = new ShownTerminal(options, (closed) =>
      this.#closed.fire(closed as unknown as Terminal),
    );
    if (processId !== undefined) terminal.processId = processId;
    this.all.push(terminal);
    this.#opened.fire(terminal as unknown as Terminal);
    return terminal as unknown as Terminal;
  }
}
