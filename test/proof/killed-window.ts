import type { Failure } from '../../src/core/failure.ts';
import { startProgram, type Program } from './program.ts';

/** What a window of `window-program.ts` has to work on. */
export interface WindowSpec {
  readonly file: string;
  readonly script: string;
  readonly holder: string;
  readonly seed: number;
  readonly ids: readonly string[];
  readonly leaseMs: number;
  readonly graceMs: number;
}

export type Call = 'claim' | 'renew' | 'finish';

/** What such a window says. */
export type Said =
  | { readonly kind: 'ready' }
  /** It has started a writer process. */
  | { readonly kind: 'writer'; readonly pid: number }
  | { readonly kind: 'asked'; readonly id: string; readonly op: Call }
  | {
      readonly kind: 'heard';
      readonly id: string;
      readonly op: Call;
      readonly until?: number | undefined;
      readonly failure?: Failure;
    }
  | { readonly kind: 'done'; readonly command: string };

/** What a task has to look like by the last answer, and which call has none yet. */
export interface Known {
  readonly lock: { readonly until: number } | undefined;
  readonly open: Call | undefined;
  /** Calls that were answered well: each has raised the version by one at least. */
  readonly done: number;
}

/** A window that may be killed, and all that it has said. */
export class KilledWindow {
  readonly spec: WindowSpec;
  readonly tasks = new Map<string, Known>();
  readonly failures: Failure[] = [];
  /** When it heard that it has a task, in epoch ms. */
  readonly claimedAt = new Map<string, number>();
  writerPid = 0;
  calls = 0;
  readonly #program: Program;
  readonly #waiting: {
    readonly fits: (said: Said) => boolean;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  readonly #over: Promise<void>;

  constructor(spec: WindowSpec) {
    this.spec = spec;
    for (const id of spec.ids) this.tasks.set(id, { lock: undefined, open: undefined, done: 0 });
    this.#program = startProgram('window-program.ts', spec);
    this.#over = this.#listen();
  }

  tell(command: 'work' | 'rest' | 'take over'): void {
    this.#program.tell(command);
  }

  /** Waits until it says something like this; rejects where it ends instead. */
  hears(fits: (said: Said) => boolean): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ fits, resolve, reject }));
  }

  /** Tells it, and waits until it has done so. */
  async does(command: 'rest' | 'take over'): Promise<void> {
    const done = this.hears((said) => said.kind === 'done' && said.command === command);
    this.tell(command);
    await done;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#program.kill(signal);
    await this.#over;
  }

  async end(): Promise<void> {
    await this.#program.end();
    await this.#over;
  }

  async #listen(): Promise<void> {
    try {
      for (;;) this.#hear(JSON.parse(await this.#program.next()) as Said);
    } catch (error) {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    }
  }

  #hear(said: Said): void {
    if (said.kind === 'writer') {
      this.writerPid = said.pid;
    } else if (said.kind === 'asked') {
      this.tasks.set(said.id, { ...this.#known(said.id), open: said.op });
    } else if (said.kind === 'heard') {
      this.calls++;
      this.tasks.set(said.id, this.#after(said));
      if (said.failure !== undefined) this.failures.push(said.failure);
      else if (said.op === 'claim') this.claimedAt.set(said.id, Date.now());
    }
    for (const waiting of this.#waiting.filter(({ fits }) => fits(said))) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve();
    }
  }

  #after({ id, op, until, failure }: Extract<Said, { kind: 'heard' }>): Known {
    const { lock, done } = this.#known(id);
    if (failure !== undefined) return { lock, done, open: undefined };
    return {
      open: undefined,
      done: done + 1,
      lock: op === 'finish' || until === undefined ? undefined : { until },
    };
  }

  #known(id: string): Known {
    const known = this.tasks.get(id);
    if (known === undefined)
      throw new Error(`Internal error: ${id} is no task of ${this.spec.holder}`);
    return known;
  }
}
