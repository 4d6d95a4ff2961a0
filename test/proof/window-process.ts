import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { plainNodeEnv } from '../support/sqlite-node.ts';
import type { RunWindowSpec } from '../support/run-window.ts';
import type { WindowOrder, WindowSaid } from './run-window-program.ts';

/** A window of `run-window-program.ts`, which may be killed, and everything it has said. */
export class WindowProcess {
  readonly said: WindowSaid[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #onSaid: (said: WindowSaid) => void;
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  /** `script` is the bundle; `env` goes on to everything that it starts. */
  constructor(
    script: string,
    spec: RunWindowSpec,
    {
      env,
      onSaid,
    }: {
      readonly env: Readonly<Record<string, string>>;
      readonly onSaid: (said: WindowSaid) => void;
    },
  ) {
    this.#onSaid = onSaid;
    this.#child = spawn(spec.programs.node, [script, JSON.stringify(spec)], {
      env: { ...plainNodeEnv(), ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const killChild = (): void => void this.#child.kill('SIGKILL');
    process.once('exit', killChild);
    this.#child.on('message', (said: WindowSaid) => this.#hear(said));
    this.#child.on('error', () => undefined); // what is told to one that was killed is lost
    this.#ended = once(this.#child, 'close').then(() => {
      process.off('exit', killChild);
      this.#isOver = true;
      this.#wake();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  tell(order: WindowOrder): void {
    this.#child.send(order);
  }

  /**
   * Resolves with the first of what it says, from the `from`th on, that fits; rejects where it ends
   * instead.
   */
  async hears<T extends WindowSaid>(
    fits: (said: WindowSaid) => said is T,
    from?: number,
  ): Promise<T>;
  async hears(fits: (said: WindowSaid) => boolean, from?: number): Promise<WindowSaid>;
  async hears(fits: (said: WindowSaid) => boolean, from = 0): Promise<WindowSaid> {
    for (;;) {
      const found = this.said.slice(from).find(fits);
      if (found !== undefined) return found;
      if (this.#isOver) throw new Error(`The window ${this.pid} has ended`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async kill(): Promise<void> {
    this.#isOver = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Closes it as a person does, and leaves what is at work alone. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.tell({ do: 'close' });
    await this.#ended;
  }

  #hear(said: WindowSaid): void {
    // What was on its way when it was killed is nothing that it still does.
    if (this.#isOver) return;
    this.said.push(said);
    this.#onSaid(said);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
